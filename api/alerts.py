"""Alerts (section 9): what is watched, what reaching it costs, and which levels were told."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import strawberry

from adapters.tables import alerts as tables
from api.context import Info
from api.enumerated import enumerated
from api.enums import AlertMetric
from api.results import mutation
from api.scalars import BigInt, Money, money
from api.scopes import Scoped, reach_scope, scope_of
from domain.alerts import (
    AlertNotSet,
    Mark,
    Passing,
    SpendIsPerAccount,
    Threshold,
    ThresholdOutOfRange,
    reached_at,
)
from services import alerts
from services.accounts import UnknownAccount
from services.alerts import AlertView
from services.histories import NoSubscription
from services.workspaces import UnknownWorkspace


@enumerated(
    "Where a level of the threshold in force stands in the running usage period.",
    WAITING="It is not reached.",
    FIRED="It was reached and told.",
    COVERED="A higher level was told at the same stroke.",
    SKIPPED="It was passed before the threshold was set.",
)
class AlertLevelStatus(StrEnum):
    """Where a level stands."""

    WAITING = "WAITING"
    FIRED = "FIRED"
    COVERED = "COVERED"
    SKIPPED = "SKIPPED"


@strawberry.type(description="A level of the threshold in force.")
class AlertLevel:
    """A level of a threshold."""

    percent: int = strawberry.field(description="The part of the threshold, in percent.")
    reached_at: BigInt = strawberry.field(
        description="The least total that reaches it: units or seats; of spend, cents."
    )
    status: AlertLevelStatus = strawberry.field(
        description="WAITING; FIRED when it was told; COVERED by a higher one told at the same stroke; SKIPPED when it "
        "was passed before the threshold was set."
    )
    at: datetime | None = strawberry.field(description="When it was passed.")


@strawberry.type(description="A level that was told in the running usage period.")
class AlertFiring:
    """A level that was told."""

    percent: int = strawberry.field(description="The level, in percent.")
    threshold: BigInt = strawberry.field(description="The threshold in force then.")
    total: BigInt = strawberry.field(
        description="The total that reached it: units or seats; of spend, cents."
    )
    at: datetime = strawberry.field(description="When.")


@strawberry.type(description="A level of an alert, told at this moment.")
class FiredAlert(Scoped):
    """A level of an alert that was told."""

    metric: AlertMetric = strawberry.field(description="What is watched.")
    percent: int = strawberry.field(description="The level, in percent.")
    threshold: BigInt = strawberry.field(description="The threshold in force.")
    total: BigInt = strawberry.field(
        description="The total that reached it: units or seats; of spend, cents."
    )
    at: datetime = strawberry.field(description="When.")


@strawberry.type(
    description="An alert of a workspace or of the account's pool. It tells once for each level and usage period, and "
    "never stops anything."
)
class Alert(Scoped):
    """An alert."""

    metric: AlertMetric = strawberry.field(description="What is watched.")
    threshold: BigInt = strawberry.field(
        description="The threshold asked for last, in units, seats or dollars: the one pending, or the one in force."
    )
    price_of_threshold: Money | None = strawberry.field(
        description="What reaching that costs beyond what is included or committed, as if it were the account's whole "
        "total; of seats, their monthly list price. Null without a subscription."
    )
    also_at_50_and_80: bool = strawberry.field(
        name="alsoAt50And80", description="Whether it also tells at 50 % and 80 %."
    )
    in_force: BigInt | None = strawberry.field(description="The threshold in force.")
    pending: BigInt | None = strawberry.field(
        description="The threshold in force from the next usage period, because it was set at or below what was used."
    )
    levels: list[AlertLevel] = strawberry.field(description="The levels of the threshold in force, rising.")
    fired: list[AlertFiring] = strawberry.field(
        description="What was told in the running usage period, first to last."
    )


@strawberry.input(description="An alert to set.")
class AlertSetInput:
    """Input of alertSet."""

    account_id: strawberry.ID = strawberry.field(description="The billing account.")
    workspace_id: strawberry.ID | None = strawberry.field(
        default=None, description="One of its workspaces; null for all of them together."
    )
    metric: AlertMetric = strawberry.field(
        description="What to watch; TOTAL_SPEND is the billing account's only."
    )
    threshold: BigInt = strawberry.field(description="From 1: units, full seats, or whole dollars of spend.")
    also_at_50_and_80: bool = strawberry.field(
        default=False, name="alsoAt50And80", description="Whether to tell at 50 % and 80 % too."
    )


@strawberry.input(description="An alert to turn off.")
class AlertTurnOffInput:
    """Input of alertTurnOff."""

    account_id: strawberry.ID = strawberry.field(description="The billing account.")
    workspace_id: strawberry.ID | None = strawberry.field(
        default=None, description="The workspace; null for the account's own."
    )
    metric: AlertMetric = strawberry.field(description="What is watched.")


@strawberry.type(description="The alert set.")
class AlertSetPayload:
    """Payload of alertSet."""

    alert: Alert = strawberry.field(description="The alert: in force at once, or pending.")


@strawberry.type(description="The alert turned off.")
class AlertTurnOffPayload:
    """Payload of alertTurnOff."""

    metric: AlertMetric = strawberry.field(description="What is watched no longer.")


def alert(view: AlertView) -> Alert:
    """Show an alert."""
    held = view.alert
    shown = held.pending or held.in_force
    if shown is None:
        raise ValueError("an alert that is off is not shown")
    return Alert(
        metric=held.metric,
        scope=scope_of(view.workspace_id),
        key=(view.account_id, view.workspace_id),
        threshold=BigInt(shown.value),
        price_of_threshold=None if view.price is None else money(view.price),
        also_at_50_and_80=held.also_at_50_and_80,
        in_force=BigInt(held.in_force.value) if held.in_force else None,
        pending=BigInt(held.pending.value) if held.pending else None,
        levels=_levels(view, held.in_force) if held.in_force else [],
        fired=[_firing(row) for row in view.passed if row.passing == Passing.FIRED],
    )


def fired_alert(row: tables.Alert, level: tables.AlertLevel) -> FiredAlert:
    """Show a level that was told."""
    return FiredAlert(
        metric=AlertMetric(row.metric),
        scope=scope_of(row.workspace_id),
        key=(row.account_id, row.workspace_id),
        percent=level.level,
        threshold=BigInt(level.threshold),
        total=BigInt(level.total),
        at=level.at,
    )


async def alerts_of(info: Info, account_id: UUID, workspace_id: UUID | None) -> list[Alert]:
    """Show the alerts of one scope."""
    views = await info.context.loaders.alerts.load(account_id)
    return [alert(view) for view in views or [] if view.workspace_id == workspace_id]


@mutation(
    payload=AlertSetPayload,
    refusals=(UnknownAccount, UnknownWorkspace, ThresholdOutOfRange, SpendIsPerAccount, NoSubscription),
    description="Set an alert. Above what is used it is in force at once, at or below it from the next usage period.",
)
async def alert_set(info: Info, input: AlertSetInput) -> AlertSetPayload:
    """Set an alert."""
    session = await info.context.begin()
    account, workspace_id = await reach_scope(
        info, session, account=input.account_id, workspace=input.workspace_id
    )
    await alerts.set_alert(
        session,
        account,
        workspace_id=workspace_id,
        metric=input.metric,
        threshold=input.threshold,
        also_at_50_and_80=input.also_at_50_and_80,
    )
    views = (await alerts.read(session, [account]))[account.id]
    found = next(
        view for view in views if (view.workspace_id, view.alert.metric) == (workspace_id, input.metric)
    )
    return AlertSetPayload(alert=alert(found))


@mutation(
    payload=AlertTurnOffPayload,
    refusals=(UnknownAccount, UnknownWorkspace, AlertNotSet),
    description="Turn an alert off at once, the threshold in force and the one pending.",
)
async def alert_turn_off(info: Info, input: AlertTurnOffInput) -> AlertTurnOffPayload:
    """Turn an alert off."""
    session = await info.context.begin()
    account, workspace_id = await reach_scope(
        info, session, account=input.account_id, workspace=input.workspace_id
    )
    await alerts.turn_off_alert(session, account, workspace_id=workspace_id, metric=input.metric)
    return AlertTurnOffPayload(metric=input.metric)


def _levels(view: AlertView, threshold: Threshold) -> list[AlertLevel]:
    held = view.alert
    passed = {Mark(row.version, row.level): row for row in view.passed}
    shown = []
    for level in held.levels:
        row = passed.get(Mark(threshold.version, level))
        shown.append(
            AlertLevel(
                percent=level,
                reached_at=BigInt(reached_at(held.metric, level=level, threshold=threshold.value)),
                status=AlertLevelStatus(row.passing) if row else AlertLevelStatus.WAITING,
                at=row.at if row else None,
            )
        )
    return shown


def _firing(row: tables.AlertLevel) -> AlertFiring:
    return AlertFiring(percent=row.level, threshold=BigInt(row.threshold), total=BigInt(row.total), at=row.at)
