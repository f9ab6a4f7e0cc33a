"""Hard limits (section 9), the log of what they switched, and entitlements: may a channel be used now."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import strawberry

from adapters.queries import limits as queries
from adapters.tables import limits as tables
from api.connections import Connection, connection_from_rows, decode_cursor, page_size
from api.context import Info
from api.enums import Barrier, Metric, SwitchCause
from api.results import mutation
from api.scalars import BigInt
from api.scopes import Scoped, reach_scope, scope_of
from domain import entitlements as rules
from domain.limits import LimitNotSet, LimitOutOfRange
from services import entitlements, limits
from services.accounts import UnknownAccount
from services.histories import NoSubscription
from services.limits import LimitView
from services.workspaces import UnknownWorkspace

LogRow = tuple[tables.LimitSwitch, tables.HardLimit]


@strawberry.type(
    description="A hard limit of a workspace or of the account's pool. At or over it the channel is off for the rest of "
    "the usage period; what is sent all the same is recorded and billed."
)
class HardLimit(Scoped):
    """A hard limit."""

    metric: Metric = strawberry.field(description="The metric whose channel it stops.")
    limit: BigInt = strawberry.field(description="Units of a usage period.")
    is_disabled: bool = strawberry.field(description="Whether it has turned the channel off.")


@strawberry.type(description="A channel turned off or on under a hard limit.")
class LimitSwitch(Scoped):
    """An entry of the log of limits."""

    metric: Metric = strawberry.field(description="The metric whose channel was switched.")
    is_disabled: bool = strawberry.field(description="Whether the channel was turned off, or on.")
    cause: SwitchCause = strawberry.field(description="What switched it.")
    limit: BigInt | None = strawberry.field(description="The limit then; null when it was turned off.")
    total: BigInt = strawberry.field(description="Units of the usage period then.")
    at: datetime = strawberry.field(description="When.")
    is_mailed: bool = strawberry.field(
        description="Whether it was mailed: of one limit, direction and day, the first is."
    )


@strawberry.type(description="Whether a workspace may use a channel now.")
class Entitlement:
    """Whether a channel may be used."""

    metric: Metric = strawberry.field(description="The metric the channel is counted in.")
    is_allowed: bool = strawberry.field(description="Whether it may be used now.")
    reason: Barrier | None = strawberry.field(description="Why not.")
    message: str | None = strawberry.field(description="Why not, and what to do, in a sentence.")


@strawberry.input(description="A hard limit to set.")
class LimitSetInput:
    """Input of limitSet."""

    account_id: strawberry.ID = strawberry.field(description="The billing account.")
    workspace_id: strawberry.ID | None = strawberry.field(
        default=None, description="One of its workspaces; null for all of them together."
    )
    metric: Metric = strawberry.field(description="The metric.")
    limit: BigInt = strawberry.field(description="Units of a usage period, from 0.")


@strawberry.input(description="A hard limit to turn off.")
class LimitTurnOffInput:
    """Input of limitTurnOff."""

    account_id: strawberry.ID = strawberry.field(description="The billing account.")
    workspace_id: strawberry.ID | None = strawberry.field(
        default=None, description="The workspace; null for the account's own."
    )
    metric: Metric = strawberry.field(description="The metric.")


@strawberry.type(description="The limit set.")
class LimitSetPayload:
    """Payload of limitSet."""

    limit: HardLimit = strawberry.field(description="The limit, with whether the channel is off.")


@strawberry.type(description="The limit turned off.")
class LimitTurnOffPayload:
    """Payload of limitTurnOff."""

    metric: Metric = strawberry.field(description="The metric limited no longer.")


def hard_limit(view: LimitView) -> HardLimit:
    """Show a limit."""
    return HardLimit(
        metric=view.metric,
        scope=scope_of(view.workspace_id),
        key=(view.account_id, view.workspace_id),
        limit=BigInt(view.units),
        is_disabled=view.is_disabled,
    )


async def limits_of(info: Info, account_id: UUID, workspace_id: UUID | None) -> list[HardLimit]:
    """Show the limits of one scope."""
    views = await info.context.loaders.limits.load(account_id)
    return [hard_limit(view) for view in views or [] if view.workspace_id == workspace_id]


async def limit_log(
    info: Info, account_id: UUID, workspace_id: UUID | None, *, first: int | None, after: str | None
) -> Connection[LimitSwitch]:
    """Show a page of the log of an account's limits, or of a workspace's."""
    size = page_size(first)
    before = decode_cursor(after, UUID)[0] if after is not None else None
    async with info.context.sessions() as session:
        rows = await queries.log(
            session, account_id=account_id, workspace_id=workspace_id, before=before, limit=size + 1
        )
    return connection_from_rows(rows, size=size, after=after, key=lambda row: (row[0].id,), node=limit_switch)


async def entitlements_of(info: Info, account_id: UUID, workspace_id: UUID) -> list[Entitlement]:
    """Show what a workspace may use now; raises UnknownWorkspace."""
    async with info.context.sessions() as session:
        found = await entitlements.read(
            session, account_id=account_id, workspace_id=workspace_id, wall=info.context.wall
        )
    return [_entitlement(each) for each in found]


@mutation(
    payload=LimitSetPayload,
    refusals=(UnknownAccount, UnknownWorkspace, LimitOutOfRange, NoSubscription),
    description="Set a hard limit. At or below what is used, it turns the channel off at once; above, on.",
)
async def limit_set(info: Info, input: LimitSetInput) -> LimitSetPayload:
    """Set a hard limit."""
    session = await info.context.begin()
    account, workspace_id = await reach_scope(
        info, session, account=input.account_id, workspace=input.workspace_id
    )
    await limits.set_hard_limit(
        session, account, workspace_id=workspace_id, metric=input.metric, units=input.limit
    )
    views = (await limits.read(session, [account]))[account.id]
    found = next(view for view in views if (view.workspace_id, view.metric) == (workspace_id, input.metric))
    return LimitSetPayload(limit=hard_limit(found))


@mutation(
    payload=LimitTurnOffPayload,
    refusals=(UnknownAccount, UnknownWorkspace, LimitNotSet),
    description="Turn a hard limit off: its channel is on again.",
)
async def limit_turn_off(info: Info, input: LimitTurnOffInput) -> LimitTurnOffPayload:
    """Turn a hard limit off."""
    session = await info.context.begin()
    account, workspace_id = await reach_scope(
        info, session, account=input.account_id, workspace=input.workspace_id
    )
    await limits.turn_off_limit(session, account, workspace_id=workspace_id, metric=input.metric)
    return LimitTurnOffPayload(metric=input.metric)


def limit_switch(row: LogRow) -> LimitSwitch:
    """Show a switch."""
    switch, limit = row
    return LimitSwitch(
        metric=Metric(limit.metric),
        scope=scope_of(limit.workspace_id),
        key=(limit.account_id, limit.workspace_id),
        is_disabled=switch.is_disabled,
        cause=SwitchCause(switch.cause),
        limit=None if switch.units is None else BigInt(switch.units),
        total=BigInt(switch.total),
        at=switch.at,
        is_mailed=switch.is_mailed,
    )


def _entitlement(found: rules.Entitlement) -> Entitlement:
    return Entitlement(
        metric=found.metric, is_allowed=found.is_allowed, reason=found.barrier, message=found.message
    )
