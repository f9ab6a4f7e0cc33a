"""Subscriptions: what changes is read again from PostgreSQL, with the eyes of the key that asked, and given as it is now.

A change comes as an id. What was missed while Redis or the socket was away is not made up for: a client that connects
again reads again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Final, TypeAlias
from uuid import UUID

import strawberry

from adapters.feed import TooFarBehindError
from adapters.live import Touched
from adapters.queries import limits as limit_queries
from api.alerts import FiredAlert, fired_alert
from api.context import Info
from api.enums import Metric, NoticeKind
from api.errors import ApiError, ErrorCode, not_found
from api.invoices import Invoice, invoice
from api.limits import LimitSwitch, limit_switch
from api.nodes import reach
from api.notifications import Notification, notification
from api.usage import UsageOverview, usage_overview
from services import alerts, usage
from services.accounts import UnknownAccount, read_account
from services.histories import NoSubscription
from services.usage import UsageReport
from services.workspaces import UnknownWorkspace

AccountId: TypeAlias = Annotated[strawberry.ID, strawberry.argument(description="The billing account.")]
WorkspaceId: TypeAlias = Annotated[strawberry.ID, strawberry.argument(description="The workspace.")]
Metrics: TypeAlias = Annotated[
    list[Metric] | None, strawberry.argument(description="The metrics to follow; all unless told.")
]
Kinds: TypeAlias = Annotated[
    list[NoticeKind] | None, strawberry.argument(description="The kinds to follow; all unless told.")
]
# Nothing was seen yet: unlike None, which is what is seen without a subscription.
_NOTHING: Final = object()


@strawberry.type(
    description="What can be followed as it happens, over WebSocket with the sub-protocol graphql-transport-ws. What the "
    "caller does not reach is an error, like what does not exist."
)
class Live:
    """The root of subscriptions."""

    @strawberry.subscription(
        description="A workspace's usage and its cost in the running billing period: at once, then whenever it has changed, "
        "at most twice a second unless the installation sets another pace. Null without a subscription."
    )
    async def workspace_usage(
        self, info: Info, workspace_id: WorkspaceId, metrics: Metrics = None
    ) -> AsyncGenerator[UsageOverview | None, None]:
        """Follow usage; what changes while a value is read or held back is part of the next."""
        key = reach(info, workspace_id, "Workspace")
        if key is None or not await info.context.loaders.workspaces.load(key):
            raise not_found(UnknownWorkspace.template)
        clock, pause = asyncio.get_running_loop().time, 1 / info.context.updates_per_second
        seen: object = _NOTHING
        with info.context.feed.watch(Touched.USAGE, key[0]) as watcher:
            while True:
                began = clock()
                report = await _report(info, key, metrics)
                if (shown := _content(report)) != seen:
                    seen = shown
                    yield usage_overview(report) if report else None
                await watcher.take()
                await asyncio.sleep(began + pause - clock())
                watcher.forget()
                info.context.renew()

    @strawberry.subscription(description="Notices of an account and its workspaces, each as it is written.")
    async def notification_added(
        self, info: Info, account_id: AccountId, kinds: Kinds = None
    ) -> AsyncGenerator[Notification, None]:
        """Follow notices."""
        async with aclosing(_changes(info, account_id, Touched.NOTICE)) as changes:
            async for account, own_id in changes:
                found = await info.context.loaders.notifications.load((account, UUID(own_id)))
                if found and (kinds is None or NoticeKind(found[0].kind) in kinds):
                    yield notification(found)

    @strawberry.subscription(description="Alerts of an account and its workspaces, each level as it is told.")
    async def alert_fired(self, info: Info, account_id: AccountId) -> AsyncGenerator[FiredAlert, None]:
        """Follow alerts."""
        async with aclosing(_changes(info, account_id, Touched.ALERT)) as changes:
            async for account, name in changes:
                async with info.context.reads() as session:
                    found = await alerts.find_fired(session, account_id=account, name=name)
                if found:
                    yield fired_alert(*found)

    @strawberry.subscription(
        description="Channels that hard limits of an account and its workspaces turn off or on, each as it is switched."
    )
    async def limit_switched(self, info: Info, account_id: AccountId) -> AsyncGenerator[LimitSwitch, None]:
        """Follow switches."""
        async with aclosing(_changes(info, account_id, Touched.SWITCH)) as changes:
            async for account, own_id in changes:
                async with info.context.reads() as session:
                    found = await limit_queries.find_switch(
                        session, account_id=account, switch_id=UUID(own_id)
                    )
                if found:
                    yield limit_switch(found)

    @strawberry.subscription(
        description="Invoices of an account, each as it is issued and whenever it has changed: charged, declined, paid, "
        "credited, voided or written off."
    )
    async def invoice_changed(self, info: Info, account_id: AccountId) -> AsyncGenerator[Invoice, None]:
        """Follow invoices."""
        async with aclosing(_changes(info, account_id, Touched.INVOICE)) as changes:
            async for account, own_id in changes:
                row = await info.context.loaders.invoices.load((account, UUID(own_id)))
                if row:
                    yield invoice(row)


async def _changes(info: Info, node: str, kind: Touched) -> AsyncGenerator[tuple[UUID, str], None]:
    """Give the account and the id of everything that changes, each to be read as if by a request of its own."""
    key = reach(info, node, "BillingAccount")
    if key is None or key[0] != key[1] or not await info.context.loaders.accounts.load(key[0]):
        raise not_found(UnknownAccount.template)
    with info.context.feed.watch(kind, key[0]) as watcher:
        while True:
            try:
                changed = await watcher.take()
            except TooFarBehindError:
                raise ApiError(
                    ErrorCode.TOO_MANY_REQUESTS,
                    "More changed at once than can be told. Subscribe and read again.",
                ) from None
            for own_id in changed:
                info.context.renew()
                yield key[0], own_id


async def _report(info: Info, key: tuple[UUID, UUID], metrics: list[Metric] | None) -> UsageReport | None:
    async with info.context.reads() as session:
        account = await read_account(session, account_id=key[0], wall=info.context.wall)
        try:
            return await usage.report(session, account, workspace_id=key[1], on=None, metrics=metrics)
        except NoSubscription:
            return None


def _content(report: UsageReport | None) -> object:
    """Give what a report shows, but for the moment it was made."""
    return (report.period, report.readings, report.full_seats) if report else None
