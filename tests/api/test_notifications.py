"""Notices are unread until somebody of the account marks them; a workspace sees its own and the account's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api.scalars import format_moment
from tests.api.companies import key_of, new_company
from tests.application import Api
from tests.scenarios.player import Player, Sent, new_player

NOW = datetime(2026, 9, 10, 9, tzinfo=UTC)
LIST = """
    query ($id: ID!, $unreadOnly: Boolean! = false, $first: Int) {
      node(id: $id) {
        ... on BillingAccount { notifications(unreadOnly: $unreadOnly, first: $first) { ...Page } }
        ... on Workspace { notifications(unreadOnly: $unreadOnly, first: $first) { ...Page } }
      }
    }
    fragment Page on NotificationConnection {
      unreadCount edges { node { id scope readAt } } pageInfo { hasNextPage }
    }"""


@pytest.fixture
async def player(operator: Api) -> Player:
    """An account with two notices: one of its workspace, later one of all of it."""
    player = await new_player(operator, now=NOW)
    await player.do("trialStart", accountId=player.account_id, plan="ADVANCED")
    of_account = {"accountId": player.account_id, "metric": "BULK_EMAIL"}
    await player.do("alertSet", **of_account, workspaceId=player.workspace_id, threshold=1)
    await player.do("alertSet", **of_account, threshold=2)
    await player.use([Sent("e1", "BULK_EMAIL", 1, NOW)])
    await player.use([Sent("e2", "BULK_EMAIL", 1, NOW)])
    return player


async def test_notices_are_unread_until_they_are_marked(player: Player) -> None:
    before = await listed(player)
    first = before["edges"][0]["node"]["id"]
    await player.go_to(NOW + timedelta(hours=1))

    marked = await player.do("notificationRead", "notifications { id readAt }", notificationIds=[first])
    after = await listed(player)

    at = format_moment(NOW + timedelta(hours=1))
    assert (before["unreadCount"], [edge["node"]["readAt"] for edge in before["edges"]]) == (2, [None, None])
    assert marked["notifications"] == [{"id": first, "readAt": at}]
    assert (after["unreadCount"], [edge["node"]["readAt"] for edge in after["edges"]]) == (1, [at, None])


async def test_marked_again_a_notice_keeps_its_first_time(player: Player) -> None:
    first = (await listed(player))["edges"][0]["node"]["id"]
    fields = "notifications { readAt }"

    once = await player.do("notificationRead", fields, notificationIds=[first])
    await player.go_to(NOW + timedelta(days=1))
    again = await player.do("notificationRead", fields, notificationIds=[first, first])

    assert again["notifications"] == once["notifications"] * 2


async def test_only_the_unread_are_listed_when_they_are_asked_for(player: Player) -> None:
    everything = await listed(player)
    read, unread = (edge["node"]["id"] for edge in everything["edges"])
    await player.do("notificationRead", notificationIds=[read])

    found = await listed(player, unreadOnly=True, first=1)

    assert [edge["node"]["id"] for edge in found["edges"]] == [unread]
    assert not found["pageInfo"]["hasNextPage"]


async def test_all_of_an_account_are_marked_at_a_stroke(player: Player) -> None:
    marked = await player.do("notificationReadAll", "marked", accountId=player.account_id)
    again = await player.do("notificationReadAll", "marked", accountId=player.account_id)

    assert (marked["marked"], again["marked"]) == (2, 0)
    assert (await listed(player))["unreadCount"] == 0


async def test_a_workspace_marks_what_it_is_shown_and_no_other_s(player: Player) -> None:
    made = await player.do(
        "workspaceCreate",
        "workspace { id }",
        accountId=player.account_id,
        name="Sales",
        creatorName="Bo",
        creatorEmail="bo@example.com",
    )
    sales = made["workspace"]["id"]

    marked = await player.do("notificationReadAll", "marked", accountId=player.account_id, workspaceId=sales)

    left = await listed(player, unreadOnly=True)
    assert marked["marked"] == 1
    assert [edge["node"]["scope"] for edge in left["edges"]] == ["WORKSPACE"]
    assert (await listed(player, sales))["unreadCount"] == 0


async def test_one_notice_of_anothers_leaves_all_unmarked(player: Player, operator: Api) -> None:
    theirs = await new_company(operator)
    caller = await key_of(operator, player.account_id)
    own = [edge["node"]["id"] for edge in (await listed(player))["edges"]]

    answer = await caller.do("notificationRead", "__typename", notificationIds=[*own, theirs.notification])

    assert answer["__typename"] == "UnknownNotification"
    assert (await listed(player))["unreadCount"] == 2


async def test_no_notice_named_is_one_unknown(operator: Api) -> None:
    answer = await operator.do("notificationRead", "__typename", notificationIds=[])

    assert answer["__typename"] == "UnknownNotification"


async def listed(player: Player, node: str | None = None, **given: Any) -> dict[str, Any]:
    """Give a page of the notices of the account, or of a workspace."""
    answer = await player.api.ask(LIST, id=node or player.account_id, **given)
    page: dict[str, Any] = answer["node"]["notifications"]
    return page
