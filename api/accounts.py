"""Billing accounts (section 1): who pays, and the way to everything an account owns."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import strawberry

from adapters.queries import invoices as invoice_queries
from api.alerts import Alert, alerts_of
from api.apikeys import ApiKey, api_key
from api.audit import Action, Actor, AuditEntry, Since, Until, audit_log
from api.connections import After, Connection, First, connection_from_rows, decode_cursor, page_size
from api.context import Info
from api.enums import MailStatus
from api.invoices import Invoice, invoice
from api.limits import HardLimit, LimitSwitch, limit_log, limits_of
from api.mails import Mail, mails_of
from api.node_ids import decode_node_id
from api.nodes import Node, as_uuid, node_id
from api.notifications import NotificationConnection, UnreadOnly, notifications_of
from api.payments import Payment, PaymentMethod, payment, payment_method
from api.periods import On
from api.results import mutation
from api.scalars import Money, SafeString, money
from api.statements import StatementLine, statement_of
from api.subscriptions import Subscription, subscription
from api.testclocks import TestClock, test_clock
from api.usage import UsageOverview, usage_overview
from api.webhooks import WebhookEndpoint, endpoint
from api.workspaces import Workspace, workspace
from domain.calendar import UnknownTimeZone, local_day
from services import accounts, usage
from services.accounts import AccountNow, UnknownTestClock, lock_account
from services.histories import NoSubscription


@strawberry.type(
    description="Who pays: owns the subscription, the payment method, invoices, credit and workspaces."
)
class BillingAccount(Node):
    """A billing account."""

    name: str = strawberry.field(description="Its name.")
    time_zone: str = strawberry.field(description="The IANA time zone its dates are in.")
    now: datetime = strawberry.field(description="The time it lives in: the wall's, or its test clock's.")
    today: date = strawberry.field(description="Its local date.")
    frozen_at: datetime | None = strawberry.field(
        description="Since when access is frozen because an invoice stayed open for 28 days."
    )
    payment_method: PaymentMethod | None = strawberry.field(description="How it pays.")
    account: strawberry.Private[AccountNow]

    @strawberry.field(description="Credit that lowers what is due next; below zero it is owed.")
    async def credit_balance(self, info: Info) -> Money:
        """Read the balance from the ledger."""
        return money(await info.context.loaders.balances.load(self.account.id) or 0)

    @strawberry.field(
        description="What it owes in all, by the ledger: open invoices less credit; below zero it is credit."
    )
    async def balance(self, info: Info) -> Money:
        """Read what is owed from the ledger."""
        return money(await info.context.loaders.owed.load(self.account.id) or 0)

    @strawberry.field(description="Its statement: every money move, newest first.")
    async def statement(
        self, info: Info, first: First = None, after: After = None
    ) -> Connection[StatementLine]:
        """Read a page of the statement."""
        return await statement_of(info, self.account.id, first=first, after=after)

    @strawberry.field(description="The test clock it hangs on.")
    async def test_clock(self, info: Info) -> TestClock | None:
        """Read the clock."""
        clock_id = self.account.row.test_clock_id
        if clock_id is None:
            return None
        row = await info.context.loaders.clocks.load(clock_id)
        return test_clock(row) if row else None

    @strawberry.field(
        description="Path of its daily usage as CSV, to be fetched with the same key; add `?from=2026-09-01&to=2026-09-30`, both days included, at most 13 months, and `&workspace=<id>` for one workspace."
    )
    def usage_csv_url(self) -> str:
        """Give the path."""
        return f"/accounts/{self.id}/usage.csv"

    @strawberry.field(description="Its workspaces, oldest first.")
    async def workspaces(self, info: Info) -> list[Workspace]:
        """Load the workspaces."""
        rows = await info.context.loaders.workspaces_of.load(self.account.id)
        return [workspace(row) for row in rows or []]

    @strawberry.field(description="Its running subscription.")
    async def subscription(self, info: Info) -> Subscription | None:
        """Load the subscription."""
        overview = await info.context.loaders.overviews.load(self.account.id)
        return subscription(overview) if overview else None

    @strawberry.field(
        description="Usage of all workspaces in the billing period that holds a date (today's unless told)."
    )
    async def usage(self, info: Info, on: On = None) -> UsageOverview | None:
        """Read the account's usage."""
        async with info.context.reads() as session:
            try:
                return usage_overview(await usage.report(session, self.account, workspace_id=None, on=on))
            except NoSubscription:
                return None

    @strawberry.field(description="Alerts on all of its workspaces together.")
    async def alerts(self, info: Info) -> list[Alert]:
        """Load the alerts."""
        return await alerts_of(info, self.account.id, None)

    @strawberry.field(description="Hard limits on its pool.")
    async def limits(self, info: Info) -> list[HardLimit]:
        """Load the limits."""
        return await limits_of(info, self.account.id, None)

    @strawberry.field(description="What hard limits switched, its own and its workspaces', newest first.")
    async def limit_log(
        self, info: Info, first: First = None, after: After = None
    ) -> Connection[LimitSwitch]:
        """Read a page of the log."""
        return await limit_log(info, self.account.id, None, first=first, after=after)

    @strawberry.field(description="Notices of all its workspaces, newest first.")
    async def notifications(
        self, info: Info, first: First = None, after: After = None, *, unread_only: UnreadOnly = False
    ) -> NotificationConnection:
        """Read a page of notices."""
        return await notifications_of(
            info, self.account.id, None, first=first, after=after, unread_only=unread_only
        )

    @strawberry.field(description="Mails about it, each to one address, newest first.")
    async def mails(
        self,
        info: Info,
        status: Annotated[
            MailStatus | None,
            strawberry.argument(description="Only those that stand there; all unless told."),
        ] = None,
        first: First = None,
        after: After = None,
    ) -> Connection[Mail]:
        """Read a page of mails."""
        return await mails_of(info, self.account.id, status=status, first=first, after=after)

    @strawberry.field(description="Where it is told of what happens, oldest first.")
    async def webhook_endpoints(self, info: Info) -> list[WebhookEndpoint]:
        """Load the endpoints."""
        rows = await info.context.loaders.webhook_endpoints_of.load(self.account.id)
        return [endpoint(row) for row in rows or []]

    @strawberry.field(description="The keys that open it alone, oldest first; of no key the secret.")
    async def api_keys(self, info: Info) -> list[ApiKey]:
        """Load the keys."""
        rows = await info.context.loaders.keys_of.load(self.account.id)
        return [api_key(row) for row in rows or []]

    @strawberry.field(description="Its audit log: who changed what, newest first.")
    async def audit_log(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        *,
        action: Action = None,
        actor: Actor = None,
        since: Since = None,
        until: Until = None,
    ) -> Connection[AuditEntry]:
        """Read a page of the audit log."""
        return await audit_log(
            info,
            self.account.id,
            first=first,
            after=after,
            action=action,
            actor=actor,
            since=since,
            until=until,
        )

    @strawberry.field(description="Its invoices, newest first.")
    async def invoices(self, info: Info, first: First = None, after: After = None) -> Connection[Invoice]:
        """Read a page of invoices."""
        size = page_size(first)
        before = decode_cursor(after, int)[0] if after is not None else None
        async with info.context.reads() as session:
            rows = await invoice_queries.page(
                session, account_id=self.account.id, before_number=before, limit=size + 1
            )
        return connection_from_rows(rows, size=size, after=after, key=lambda row: (row.number,), node=invoice)

    @strawberry.field(description="Attempts to charge its invoices, newest first.")
    async def payments(self, info: Info, first: First = None, after: After = None) -> Connection[Payment]:
        """Read a page of payment attempts."""
        size = page_size(first)
        before = decode_cursor(after, UUID)[0] if after is not None else None
        async with info.context.reads() as session:
            rows = await invoice_queries.attempts_page(
                session, account_id=self.account.id, before=before, limit=size + 1
            )
        return connection_from_rows(rows, size=size, after=after, key=lambda row: (row.id,), node=payment)


@strawberry.input(description="A billing account to open.")
class AccountCreateInput:
    """Input of accountCreate."""

    name: SafeString = strawberry.field(description="Its name.")
    time_zone: SafeString = strawberry.field(
        default=SafeString("UTC"), description="The IANA time zone its dates are in."
    )
    test_clock_id: strawberry.ID | None = strawberry.field(
        default=None, description="A test clock to hang it on, for good."
    )


@strawberry.type(description="The account opened.")
class AccountCreatePayload:
    """Payload of accountCreate."""

    account: BillingAccount = strawberry.field(description="The account.")


def billing_account(account: AccountNow) -> BillingAccount:
    """Show an account."""
    row = account.row
    return BillingAccount(
        id=node_id("BillingAccount", account.id, account.id),
        name=row.name,
        time_zone=row.time_zone,
        now=account.now,
        today=local_day(account.now, account.zone),
        frozen_at=row.frozen_at,
        payment_method=payment_method(row.card_brand, row.card_last4),
        account=account,
    )


@mutation(
    payload=AccountCreatePayload,
    refusals=(UnknownTimeZone, UnknownTestClock),
    description="Open a billing account. Needs an operator's key.",
)
async def account_create(info: Info, input: AccountCreateInput) -> AccountCreatePayload:
    """Open an account."""
    ctx = info.context
    clock_id: UUID | None = None
    if input.test_clock_id is not None:
        ref = decode_node_id(input.test_clock_id)
        clock_id = as_uuid(ref.local_id) if ref and ref.type_name == "TestClock" else None
        if clock_id is None:
            raise UnknownTestClock
    session = await ctx.begin()
    row = await accounts.create_account(
        session, name=input.name, time_zone_name=input.time_zone, test_clock_id=clock_id, wall=ctx.wall
    )
    account = await lock_account(session, account_id=row.account_id, wall=ctx.wall)
    return AccountCreatePayload(account=billing_account(account))
