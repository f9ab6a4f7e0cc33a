"""How each refusal of alerts and hard limits is provoked; cases as in `refusal_cases`."""

from __future__ import annotations

from typing import Any

from domain.alerts import AlertNotSet, SpendIsPerAccount, ThresholdOutOfRange
from domain.limits import LimitNotSet, LimitOutOfRange
from services.histories import NoSubscription
from services.workspaces import UnknownWorkspace
from tests.api.refusal_cases import Asked, Installation, bare, case, subscribed
from tests.scenarios.player import Player


def alert(player: Player, **given: Any) -> dict[str, Any]:
    """Give an alert on the workspace's emails."""
    return {**scope(player), "threshold": 10, "alsoAt50And80": False, **given}


def scope(player: Player, **given: Any) -> dict[str, Any]:
    """Name the workspace's emails."""
    own = {"accountId": player.account_id, "workspaceId": player.workspace_id, "metric": "BULK_EMAIL"}
    return own | given


@case("alertSet", ThresholdOutOfRange)
async def alert_at_nothing(at: Installation) -> Asked:
    return alert(await subscribed(at), threshold=0), ThresholdOutOfRange(0)


@case("alertSet", SpendIsPerAccount)
async def alert_on_a_workspace_s_spend(at: Installation) -> Asked:
    return alert(await subscribed(at), metric="TOTAL_SPEND"), SpendIsPerAccount()


@case("alertSet", NoSubscription)
async def alert_without_a_subscription(at: Installation) -> Asked:
    return alert(await bare(at)), NoSubscription()


@case("alertSet", UnknownWorkspace)
async def alert_on_another_s_workspace(at: Installation) -> Asked:
    player, other = await subscribed(at), await subscribed(at)
    return alert(player, workspaceId=other.workspace_id), UnknownWorkspace()


@case("alertTurnOff", AlertNotSet)
async def alert_turned_off_twice(at: Installation) -> Asked:
    player = await subscribed(at)
    await player.do("alertSet", **alert(player))
    await player.do("alertTurnOff", **scope(player))
    return scope(player), AlertNotSet("BULK_EMAIL")


@case("alertTurnOff", UnknownWorkspace)
async def alert_turned_off_in_no_workspace(at: Installation) -> Asked:
    player = await subscribed(at)
    return scope(player, workspaceId=player.account_id), UnknownWorkspace()


@case("limitSet", LimitOutOfRange)
async def limit_below_nothing(at: Installation) -> Asked:
    return {**scope(await subscribed(at)), "limit": -1}, LimitOutOfRange(-1)


@case("limitSet", NoSubscription)
async def limit_without_a_subscription(at: Installation) -> Asked:
    return {**scope(await bare(at)), "limit": 1}, NoSubscription()


@case("limitSet", UnknownWorkspace)
async def limit_on_another_s_workspace(at: Installation) -> Asked:
    player, other = await subscribed(at), await subscribed(at)
    return {**scope(player, workspaceId=other.workspace_id), "limit": 1}, UnknownWorkspace()


@case("limitTurnOff", LimitNotSet)
async def limit_never_set(at: Installation) -> Asked:
    return scope(await subscribed(at)), LimitNotSet("BULK_EMAIL")


@case("limitTurnOff", UnknownWorkspace)
async def limit_turned_off_in_no_workspace(at: Installation) -> Asked:
    player = await subscribed(at)
    return scope(player, workspaceId=player.account_id), UnknownWorkspace()
