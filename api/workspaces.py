"""Workspaces and their billing contacts (section 1)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry

from adapters.queries import workspaces as queries
from adapters.tables import workspaces as tables
from api.alerts import Alert, alerts_of
from api.changes import Change, alone, make, token_field
from api.connections import After, Connection, First, connection_from_rows, decode_cursor, page_size
from api.context import Info
from api.idempotency import key_field
from api.limits import (
    Entitlement,
    HardLimit,
    LimitSwitch,
    entitlements_of,
    limit_log,
    limits_of,
)
from api.nodes import Node, must_reach, node_id
from api.notifications import NotificationConnection, UnreadOnly, notifications_of
from api.periods import On
from api.results import mutation
from api.scalars import SafeString
from api.teammates import Teammate, TeammateStatus, teammate
from api.tracing import UsageEventTrace, usage_event_trace
from api.usage import UsageOverview, usage_overview
from domain.contacts import BadEmailAddress, NoBillingContact, TooManyBillingContacts
from domain.events import UnknownEvent
from domain.seats import TooManyLiteSeats
from services import moves, tracing, usage, workspaces
from services.accounts import UnknownAccount, lock_account, read_account
from services.changes import PriceChanged
from services.histories import NoSubscription
from services.moves import DifferentClocks, SameAccount, WorkspaceLeft
from services.workspaces import UnknownWorkspace


@strawberry.type(description="Where a team works.")
class Workspace(Node):
    """A workspace."""

    name: str = strawberry.field(description="Its name.")
    created_at: datetime = strawberry.field(description="When it was opened.")
    key: strawberry.Private[tuple[UUID, UUID]]

    @strawberry.field(description="Who gets its invoices, alarms and payment failures: at least one address.")
    async def billing_contacts(self, info: Info) -> list[str]:
        """Load the addresses."""
        return await info.context.loaders.contacts.load(self.key) or []

    @strawberry.field(
        description="Its teammates in the order of their invites; those pending and active unless told."
    )
    async def teammates(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        statuses: Annotated[
            list[TeammateStatus] | None, strawberry.argument(description="Where they stand.")
        ] = None,
    ) -> Connection[Teammate]:
        """Read a page of teammates."""
        size = page_size(first)
        position = decode_cursor(after, datetime, UUID) if after is not None else None
        wanted = statuses or [TeammateStatus.PENDING, TeammateStatus.ACTIVE]
        async with info.context.sessions() as session:
            rows = await queries.teammates_page(
                session,
                account_id=self.key[0],
                workspace_id=self.key[1],
                statuses=[status.value for status in wanted],
                after=position,
                limit=size + 1,
            )
        return connection_from_rows(
            rows, size=size, after=after, key=lambda row: (row.invited_at, row.id), node=teammate
        )

    @strawberry.field(
        description="Its usage in the billing period that holds a date (today's unless told); null without a subscription."
    )
    async def usage(self, info: Info, on: On = None) -> UsageOverview | None:
        """Read the workspace's usage."""
        ctx = info.context
        async with ctx.sessions() as session:
            account = await read_account(session, account_id=self.key[0], wall=ctx.wall)
            try:
                return usage_overview(await usage.report(session, account, workspace_id=self.key[1], on=on))
            except NoSubscription:
                return None

    @strawberry.field(description="Its own alerts; those of the account are the account's.")
    async def alerts(self, info: Info) -> list[Alert]:
        """Load the alerts."""
        return await alerts_of(info, *self.key)

    @strawberry.field(description="Its own hard limits; the account's hold for it too.")
    async def limits(self, info: Info) -> list[HardLimit]:
        """Load the limits."""
        return await limits_of(info, *self.key)

    @strawberry.field(description="What its own hard limits switched, newest first.")
    async def limit_log(
        self, info: Info, first: First = None, after: After = None
    ) -> Connection[LimitSwitch]:
        """Read a page of the log."""
        return await limit_log(info, *self.key, first=first, after=after)

    @strawberry.field(description="Notices for it and for all of the account, newest first.")
    async def notifications(
        self, info: Info, first: First = None, after: After = None, *, unread_only: UnreadOnly = False
    ) -> NotificationConnection:
        """Read a page of notices."""
        return await notifications_of(info, *self.key, first=first, after=after, unread_only=unread_only)

    @strawberry.field(description="Whether it may use each channel now, and why not.")
    async def entitlements(self, info: Info) -> list[Entitlement]:
        """Decide about every channel."""
        return await entitlements_of(info, *self.key)

    @strawberry.field(description="Where a usage event went, by the sender's id; null if none was recorded.")
    async def usage_event(
        self,
        info: Info,
        event_id: Annotated[str, strawberry.argument(description="The sender's id of the event.")],
    ) -> UsageEventTrace | None:
        """Trace a usage event."""
        ctx = info.context
        async with ctx.sessions() as session:
            account = await read_account(session, account_id=self.key[0], wall=ctx.wall)
            try:
                found = await tracing.trace(session, account, workspace_id=self.key[1], event_id=event_id)
            except UnknownEvent:
                return None
        return usage_event_trace(found)


@strawberry.input(description="A workspace to open.")
class WorkspaceCreateInput:
    """Input of workspaceCreate."""

    account_id: strawberry.ID = strawberry.field(description="The account it belongs to.")
    name: SafeString = strawberry.field(description="Its name.")
    creator_name: SafeString = strawberry.field(description="Name of the person who opens it.")
    creator_email: SafeString = strawberry.field(
        description="Address of that person, who gets a full seat and is the first billing contact."
    )
    preview_token: str | None = token_field()
    idempotency_key: SafeString | None = key_field()


@strawberry.type(description="The workspace opened.")
class WorkspaceCreatePayload:
    """Payload of workspaceCreate."""

    workspace: Workspace = strawberry.field(description="The workspace.")


@strawberry.input(description="The billing contacts a workspace is to have.")
class BillingContactsSetInput:
    """Input of billingContactsSet."""

    workspace_id: strawberry.ID = strawberry.field(description="The workspace.")
    emails: list[SafeString] = strawberry.field(description="All of its billing contacts, at least one.")


@strawberry.type(description="The workspace with its billing contacts.")
class BillingContactsSetPayload:
    """Payload of billingContactsSet."""

    workspace: Workspace = strawberry.field(description="The workspace.")


def workspace(row: tables.Workspace) -> Workspace:
    """Show a workspace."""
    return Workspace(
        id=node_id("Workspace", row.account_id, row.id),
        name=row.name,
        created_at=row.created_at,
        key=(row.account_id, row.id),
    )


def workspace_create_change(info: Info, input: WorkspaceCreateInput) -> Change:
    """Plan to open a workspace."""
    account_id, _ = must_reach(info, input.account_id, "BillingAccount", UnknownAccount)
    return Change(
        account_id,
        lambda s, a: alone(
            workspaces.create_workspace(
                s, a, name=input.name, creator_name=input.creator_name, creator_email=input.creator_email
            )
        ),
    )


@mutation(
    payload=WorkspaceCreatePayload,
    refusals=(UnknownAccount, BadEmailAddress, PriceChanged),
    description="Open a workspace. Its creator holds a full seat from the start.",
)
async def workspace_create(info: Info, input: WorkspaceCreateInput) -> WorkspaceCreatePayload:
    """Open a workspace."""
    row, _ = await make(info, workspace_create_change(info, input), token=input.preview_token)
    return WorkspaceCreatePayload(workspace=workspace(row))


@mutation(
    payload=BillingContactsSetPayload,
    refusals=(UnknownWorkspace, BadEmailAddress, NoBillingContact, TooManyBillingContacts),
    description="Replace a workspace's billing contacts. Addresses of outsiders are allowed.",
)
async def billing_contacts_set(info: Info, input: BillingContactsSetInput) -> BillingContactsSetPayload:
    """Replace billing contacts."""
    account_id, workspace_id = must_reach(info, input.workspace_id, "Workspace", UnknownWorkspace)
    session = await info.context.begin()
    account = await lock_account(
        session, account_id=account_id, wall=info.context.wall, unknown=UnknownWorkspace
    )
    row = await workspaces.set_contacts(
        session, account, workspace_id=workspace_id, emails=list(input.emails)
    )
    return BillingContactsSetPayload(workspace=workspace(row))


@strawberry.input(description="A workspace and the account it goes to.")
class WorkspaceMoveInput:
    """Input of workspaceMove."""

    workspace_id: strawberry.ID = strawberry.field(description="The workspace.")
    to_account_id: strawberry.ID = strawberry.field(description="The account it goes to.")
    preview_token: str | None = token_field()
    idempotency_key: SafeString | None = key_field()


@strawberry.type(description="The workspace in its new account.")
class WorkspaceMovePayload:
    """Payload of workspaceMove."""

    workspace: Workspace = strawberry.field(
        description="The workspace, with the id it has there; usage of the time before is reported under the old one."
    )


def workspace_move_change(info: Info, input: WorkspaceMoveInput) -> Change:
    """Plan to move a workspace."""
    account_id, workspace_id = must_reach(info, input.workspace_id, "Workspace", UnknownWorkspace)
    target_id, _ = must_reach(info, input.to_account_id, "BillingAccount", UnknownAccount)
    return Change(
        account_id,
        lambda s, source, target: alone(moves.move(s, source, target, workspace_id=workspace_id)),
        unknown=UnknownWorkspace,
        other_id=target_id,
    )


@mutation(
    payload=WorkspaceMovePayload,
    refusals=(
        UnknownWorkspace,
        UnknownAccount,
        SameAccount,
        DifferentClocks,
        WorkspaceLeft,
        TooManyLiteSeats,
        PriceChanged,
    ),
    description=(
        "Move a workspace with its teammates, invites and contacts to another account, from today. "
        "Needs an operator's key."
    ),
)
async def workspace_move(info: Info, input: WorkspaceMoveInput) -> WorkspaceMovePayload:
    """Move a workspace."""
    row, _ = await make(info, workspace_move_change(info, input), token=input.preview_token)
    return WorkspaceMovePayload(workspace=workspace(row))
