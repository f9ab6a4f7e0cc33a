"""Hard limits and entitlements, through GraphQL on a test clock: when a channel is off, who is told, and why."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from services import entitlements
from tests.application import Api
from tests.scenarios.player import Player, Sent, cents, new_player

Sessions = async_sessionmaker[AsyncSession]

SEPTEMBER = datetime(2026, 9, 1, 9, tzinfo=UTC)
SHOWN = """
    query ($id: ID!) {
      account(id: $id) {
        limits { metric scope limit isDisabled }
        limitLog(first: 100) { edges { node { metric scope isDisabled cause limit total isMailed } } }
        notifications(first: 100) { edges { node { kind title body } } }
        workspaces {
          limits { metric scope limit isDisabled }
          limitLog(first: 100) { edges { node { isDisabled } } }
          entitlements { metric isAllowed reason message }
        }
      }
    }"""
ENTITLEMENTS = "query ($id: ID!) { entitlements(workspaceId: $id) { metric isAllowed reason message } }"
USED = "query ($id: ID!) { account(id: $id) { usage { metrics { metric total cost { amount } } } } }"


async def opened(api: Api, *, psp: bool = False, name: str = "Acme") -> Player:
    """Open an account with a subscription since 1 September."""
    player = await new_player(api, now=SEPTEMBER, name=name)
    await player.do("subscriptionStart", accountId=player.account_id, plan="ESSENTIAL", psp=psp)
    return player


async def set_limit(player: Player, limit: int, *, metric: str = "BULK_EMAIL", account: bool = False) -> bool:
    """Set a limit on the workspace, or on the account, and tell whether it has turned the channel off."""
    result = await player.do(
        "limitSet",
        "limit { isDisabled }",
        accountId=player.account_id,
        workspaceId=None if account else player.workspace_id,
        metric=metric,
        limit=limit,
    )
    is_disabled: bool = result["limit"]["isDisabled"]
    return is_disabled


async def turn_off(player: Player, *, metric: str = "BULK_EMAIL") -> None:
    """Turn the workspace's limit off."""
    await player.do(
        "limitTurnOff", "metric", accountId=player.account_id, workspaceId=player.workspace_id, metric=metric
    )


async def send(player: Player, event_id: str, quantity: int, *, metric: str = "BULK_EMAIL") -> None:
    """Send usage now."""
    await player.use([Sent(event_id, metric, quantity, player.now)])


async def shown(player: Player) -> dict[str, Any]:
    """Read the account's limits."""
    account: dict[str, Any] = (await player.api.ask(SHOWN, id=player.account_id))["account"]
    return account


def switched(account: dict[str, Any]) -> list[dict[str, Any]]:
    """Give the notices of switches, newest first."""
    nodes = [edge["node"] for edge in account["notifications"]["edges"]]
    return [node for node in nodes if node["kind"].startswith("LIMIT")]


async def log(player: Player) -> list[tuple[bool, str]]:
    """Give every switch, oldest first: whether it turned the channel off, and why."""
    edges = (await shown(player))["limitLog"]["edges"]
    return [(edge["node"]["isDisabled"], edge["node"]["cause"]) for edge in reversed(edges)]


async def reasons(player: Player) -> dict[str, str | None]:
    """Give why the workspace may not use each channel."""
    answers = (await player.api.ask(ENTITLEMENTS, id=player.workspace_id))["entitlements"]
    assert all(answer["isAllowed"] is (answer["reason"] is None) for answer in answers)
    return {answer["metric"]: answer["reason"] for answer in answers}


async def mails(sessions: Sessions, name: str) -> list[str]:
    """Give the titles of an account's mails of switches, oldest first."""
    query = text("""
        SELECT title FROM outbox JOIN notifications n
            ON n.account_id = outbox.account_id AND n.id = outbox.notification_id
        WHERE n.account_id IN (SELECT account_id FROM accounts WHERE name = :name) AND kind LIKE 'LIMIT%'
        ORDER BY n.id
    """)
    async with sessions() as session:
        return list((await session.execute(query, {"name": name})).scalars())


async def test_at_the_limit_the_channel_is_off_and_what_is_sent_is_recorded_and_billed(operator: Api) -> None:
    player = await opened(operator)

    assert not await set_limit(player, 100)
    await send(player, "one", 99)
    before = await reasons(player)
    await send(player, "two", 1)
    after = await reasons(player)
    await send(player, "three", 25)

    assert (before["BULK_EMAIL"], after["BULK_EMAIL"]) == (None, "WORKSPACE_LIMIT_REACHED")
    assert after["SMS_SEGMENT"] is None
    metrics = (await operator.ask(USED, id=player.account_id))["account"]["usage"]["metrics"]
    (emails,) = [metric for metric in metrics if metric["metric"] == "BULK_EMAIL"]
    assert (emails["total"], cents(emails["cost"])) == (125, 5_00)
    assert await log(player) == [(True, "USAGE")]


async def test_a_take_back_a_raise_and_turning_off_enable_and_a_lower_limit_disables(operator: Api) -> None:
    player = await opened(operator)
    await set_limit(player, 10)
    await send(player, "one", 4)

    await send(player, "two", 6)
    await player.take_back("two")
    await send(player, "three", 8)
    raised = await set_limit(player, 20)
    lowered = await set_limit(player, 12)
    await turn_off(player)

    assert (raised, lowered) == (False, True)
    assert await log(player) == [
        (True, "USAGE"),
        (False, "USAGE"),
        (True, "USAGE"),
        (False, "LIMIT_SET"),
        (True, "LIMIT_SET"),
        (False, "LIMIT_TURNED_OFF"),
    ]
    found = await shown(player)
    assert found["workspaces"][0]["limits"] == []
    assert len(found["workspaces"][0]["limitLog"]["edges"]) == 6
    assert len(switched(found)) == 6


async def test_of_one_limit_direction_and_day_one_mail_goes_out(operator: Api, sessions: Sessions) -> None:
    player = await opened(operator, name="Mailed")
    await set_limit(player, 10)

    for number in range(3):
        await send(player, f"today {number}", 10)
        await player.take_back(f"today {number}")
    await player.go_to(SEPTEMBER + timedelta(days=1))
    await send(player, "tomorrow", 10)

    off, on = "Bulk emails is off in Support", "Bulk emails is on again in Support"
    assert await mails(sessions, "Mailed") == [off, on, off]
    switches = (await shown(player))["limitLog"]["edges"]
    assert [edge["node"]["isMailed"] for edge in reversed(switches)] == [True, True, *[False] * 4, True]
    titles = [notice["title"] for notice in switched(await shown(player))]
    assert titles == [off, *[on, off] * 3]


async def test_a_new_period_enables_but_not_at_a_limit_of_zero(operator: Api) -> None:
    player = await opened(operator)
    await set_limit(player, 10)
    zero = await set_limit(player, 0, metric="SMS_SEGMENT")
    await send(player, "one", 10)

    before = await reasons(player)
    await player.go_to(datetime(2026, 10, 1, tzinfo=UTC))
    after = await reasons(player)

    assert zero
    assert (before["BULK_EMAIL"], before["SMS_SEGMENT"]) == ("WORKSPACE_LIMIT_REACHED",) * 2
    assert (after["BULK_EMAIL"], after["SMS_SEGMENT"]) == (None, "WORKSPACE_LIMIT_REACHED")
    assert await log(player) == [(True, "LIMIT_SET"), (True, "USAGE"), (False, "NEW_PERIOD")]


async def test_the_account_s_limit_stops_all_of_its_workspaces(operator: Api) -> None:
    player = await opened(operator, name="Pool")
    made = await player.do(
        "workspaceCreate",
        "workspace { id }",
        accountId=player.account_id,
        name="Sales",
        creatorName="Grace",
        creatorEmail="grace@example.com",
    )
    await set_limit(player, 10, account=True)
    await set_limit(player, 100)

    await send(player, "one", 10)

    answers = await operator.ask(ENTITLEMENTS, id=made["workspace"]["id"])
    sales = {answer["metric"]: answer["reason"] for answer in answers["entitlements"]}
    assert sales["BULK_EMAIL"] == "ACCOUNT_LIMIT_REACHED"
    assert (await reasons(player))["BULK_EMAIL"] == "ACCOUNT_LIMIT_REACHED"
    found = await shown(player)
    assert found["limits"] == [{"metric": "BULK_EMAIL", "scope": "ACCOUNT", "limit": 10, "isDisabled": True}]
    assert found["workspaces"][0]["limits"] == [
        {"metric": "BULK_EMAIL", "scope": "WORKSPACE", "limit": 100, "isDisabled": False}
    ]


async def test_a_trial_has_caps_and_no_limits_and_the_paid_time_after_it_has_limits(operator: Api) -> None:
    player = await new_player(operator, now=SEPTEMBER)
    unsubscribed = await reasons(player)
    await player.do("trialStart", accountId=player.account_id, plan="ADVANCED")

    limited = await set_limit(player, 0)
    await send(player, "one", 499)
    below = await reasons(player)
    await send(player, "two", 1)
    capped = await reasons(player)
    await player.do("trialConvert", accountId=player.account_id, plan="ADVANCED", when="NOW")
    paid = await reasons(player)

    assert set(unsubscribed.values()) == {"NO_SUBSCRIPTION"}
    assert not limited
    assert (below["BULK_EMAIL"], below["MESSAGES_SENT"]) == (None, None)
    assert capped["BULK_EMAIL"] == "TRIAL_CAP_REACHED"
    assert (paid["BULK_EMAIL"], paid["MESSAGES_SENT"]) == ("WORKSPACE_LIMIT_REACHED", "NEEDS_PSP")


async def test_a_trial_that_ends_opens_nothing_any_more(operator: Api) -> None:
    player = await new_player(operator, now=SEPTEMBER)
    await player.do("trialStart", accountId=player.account_id, plan="ADVANCED")

    await player.go_to(SEPTEMBER + timedelta(days=14))

    assert set((await reasons(player)).values()) == {"SUBSCRIPTION_ENDED"}


async def test_a_frozen_account_may_use_nothing(operator: Api) -> None:
    player = await new_player(operator, now=SEPTEMBER, token=None)
    await player.do("subscriptionStart", accountId=player.account_id, plan="ESSENTIAL")

    await player.go_to(SEPTEMBER + timedelta(days=28))

    assert set((await reasons(player)).values()) == {"ACCOUNT_FROZEN"}


async def test_fin_that_is_off_says_where_conversations_go(operator: Api) -> None:
    player = await opened(operator)
    await set_limit(player, 1, metric="FIN_RESOLUTION")

    await send(player, "one", 1, metric="FIN_RESOLUTION")

    found = await shown(player)
    (fin,) = [
        answer for answer in found["workspaces"][0]["entitlements"] if answer["metric"] == "FIN_RESOLUTION"
    ]
    assert fin["message"] == (
        "The workspace's hard limit is reached; raise it or turn it off. The new period enables it on 1 Oct 2026 "
        "(2026-10-01 00:00 UTC). New conversations go straight to the handover steps, running ones at the "
        "customer's next message."
    )
    assert "handover steps" in switched(found)[0]["body"]


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"limit": -1}, "LimitOutOfRange"),
        ({"accountId": "bm90aGluZw"}, "UnknownAccount"),
        ({"workspaceId": "bm90aGluZw"}, "UnknownWorkspace"),
    ],
)
async def test_refuses_a_limit_that_cannot_be(operator: Api, given: dict[str, Any], refusal: str) -> None:
    player = await opened(operator)
    usual = {
        "accountId": player.account_id,
        "workspaceId": player.workspace_id,
        "metric": "BULK_EMAIL",
        "limit": 10,
    }

    result = await player.api.do("limitSet", "limit { limit }", **(usual | given))
    off = await player.api.do(
        "limitTurnOff",
        "metric",
        accountId=player.account_id,
        workspaceId=player.workspace_id,
        metric="BULK_EMAIL",
    )

    assert result["__typename"] == refusal
    assert off["__typename"] == "LimitNotSet"


async def test_sixteen_batches_at_once_switch_the_channel_once(operator: Api, sessions: Sessions) -> None:
    player = await opened(operator, name="Sixteen")
    await set_limit(player, 800)
    await set_limit(player, 800, account=True)
    await player.go_to(datetime(2026, 9, 20, tzinfo=UTC))

    await asyncio.gather(
        *(
            player.use([Sent(f"batch {day}", "BULK_EMAIL", 100, SEPTEMBER.replace(day=day))])
            for day in range(2, 18)
        )
    )

    assert await log(player) == [(True, "USAGE"), (True, "USAGE")]
    assert len(await mails(sessions, "Sixteen")) == 2


async def test_entitlements_are_one_statement(operator: Api, engine: AsyncEngine, sessions: Sessions) -> None:
    player = await opened(operator, psp=True)
    await set_limit(player, 10)
    async with sessions() as session:
        key = (
            await session.execute(text("SELECT account_id, id FROM workspaces ORDER BY id DESC LIMIT 1"))
        ).one()
    statements: list[str] = []

    def note(*given: Any) -> None:
        statements.append(given[2])

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    try:
        async with sessions() as session:
            answers = await entitlements.read(
                session, account_id=key.account_id, workspace_id=key.id, wall=SEPTEMBER
            )
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", note)

    assert all(answer.is_allowed for answer in answers)
    assert len(statements) == 1


async def test_an_unknown_workspace_has_no_entitlements(operator: Api) -> None:
    assert (await operator.ask(ENTITLEMENTS, id="bm90aGluZw"))["entitlements"] is None
