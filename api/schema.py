"""The GraphQL schema: the queries, and every mutation of every noun.

Run as a program, it writes the schema's text: `python -m api.schema > api/schema.graphql` renews what is committed.
"""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

import strawberry
from strawberry.extensions import ParserCache, ValidationCache
from strawberry.schema.config import StrawberryConfig

from adapters import pricebooks as price_book_store
from adapters.queries import accounts as account_queries
from api import (
    accounts,
    alerts,
    apikeys,
    contracts,
    corrections,
    deliveries,
    events,
    finders,
    limits,
    notifications,
    paying,
    plans,
    refunds,
    roles,
    seatdates,
    seats,
    terms,
    testclocks,
    trials,
    webhooks,
    workspaces,
)
from api.accounts import BillingAccount, billing_account
from api.audit import AUDIT_SCALARS
from api.authority import guard
from api.charging import ChargedGuard
from api.connections import After, Connection, First, connection_from_rows, decode_cursor, page_size
from api.context import Info
from api.counting import OperationCount
from api.errors import ProrataSchema
from api.events import EVENT_SCALARS
from api.execution import PlannedExecution
from api.invoices import Invoice
from api.limits import Entitlement, entitlements_of
from api.live import Live
from api.nodes import Node, find_node, reach
from api.preview import ChangeInput, ChangePreviewResult, preview
from api.pricebooks import Ability, PriceBook, price_book, seat_abilities
from api.roles import RolePermissions, all_roles
from api.scalars import SCALARS
from api.testclocks import TestClock
from api.viewer import Viewer, viewer
from api.workspaces import Workspace
from services.workspaces import UnknownWorkspace

CACHED_DOCUMENTS = 64
Id = Annotated[strawberry.ID, strawberry.argument(description="Its id.")]


@strawberry.type(description="What can be asked.")
class Query:
    """The root of queries. What the caller does not reach is null, like what does not exist."""

    @strawberry.field(description="Who calls.")
    def viewer(self, info: Info) -> Viewer:
        """Show the caller."""
        return viewer(info)

    @strawberry.field(description="A billing account.")
    async def account(self, info: Info, id: Id) -> BillingAccount | None:
        """Find an account."""
        return await finders.find_account(info, id)

    @strawberry.field(description="The billing accounts the caller reaches, newest first.")
    async def accounts(
        self, info: Info, first: First = None, after: After = None
    ) -> Connection[BillingAccount]:
        """Read a page of accounts."""
        size = page_size(first)
        position = decode_cursor(after, datetime, UUID) if after is not None else None
        async with info.context.sessions() as session:
            rows = await account_queries.page(
                session, after=position, limit=size + 1, only=info.context.caller.reachable
            )
        found = await info.context.loaders.accounts.load_many([row.account_id for row in rows])
        return connection_from_rows(
            [account for account in found if account],
            size=size,
            after=after,
            key=lambda account: (account.row.created_at, account.id),
            node=billing_account,
        )

    @strawberry.field(description="A workspace.")
    async def workspace(self, info: Info, id: Id) -> Workspace | None:
        """Find a workspace."""
        return await finders.find_workspace(info, id)

    @strawberry.field(
        description="Whether a workspace may use each channel now, and why not; for the product's runtime, one read."
    )
    async def entitlements(self, info: Info, workspace_id: Id) -> list[Entitlement] | None:
        """Decide about every channel of a workspace."""
        key = reach(info, workspace_id, "Workspace")
        try:
            return await entitlements_of(info, *key) if key else None
        except UnknownWorkspace:
            return None

    @strawberry.field(description="An issued invoice.")
    async def invoice(self, info: Info, id: Id) -> Invoice | None:
        """Find an invoice."""
        return await finders.find_invoice(info, id)

    @strawberry.field(description="A version of the price book; today's unless told.")
    async def price_book(
        self,
        info: Info,
        version: Annotated[int | None, strawberry.argument(description="The version's number.")] = None,
    ) -> PriceBook | None:
        """Find a price book."""
        async with info.context.sessions() as session:
            if version is None:
                return price_book(await price_book_store.current(session, on=info.context.wall.date()))
            known = await price_book_store.books(session)
        return price_book(known[version]) if version in known else None

    @strawberry.field(
        description="What a change of the bill would invoice at once, and the next invoice without it and with it."
    )
    async def preview(
        self,
        info: Info,
        change: Annotated[
            ChangeInput, strawberry.argument(description="The change, as its mutation would be given it.")
        ],
    ) -> ChangePreviewResult:
        """Preview a change."""
        return await preview(info, change)

    @strawberry.field(description="What full and lite seats may do.")
    def seat_abilities(self) -> list[Ability]:
        """Show the seat matrix."""
        return seat_abilities()

    @strawberry.field(description="The roles a teammate can have, and what each may do.")
    def roles(self) -> list[RolePermissions]:
        """Show the roles."""
        return all_roles()

    @strawberry.field(description="A test clock; operators only.")
    async def test_clock(self, info: Info, id: Id) -> TestClock | None:
        """Find a test clock."""
        return await finders.find_test_clock(info, id)

    @strawberry.field(description="Anything that has an id.")
    async def node(self, info: Info, id: Id) -> Node | None:
        """Find a node by the type its id names."""
        return await find_node(info, id)


MUTATIONS: Final = {
    "account_create": accounts.account_create,
    "api_key_create": apikeys.api_key_create,
    "api_key_rotate": apikeys.api_key_rotate,
    "api_key_revoke": apikeys.api_key_revoke,
    "test_clock_create": testclocks.test_clock_create,
    "test_clock_advance": testclocks.test_clock_advance,
    "workspace_create": workspaces.workspace_create,
    "workspace_move": workspaces.workspace_move,
    "billing_contacts_set": workspaces.billing_contacts_set,
    "teammate_invite": seats.teammate_invite,
    "invite_resend": seats.invite_resend,
    "invite_revoke": seats.invite_revoke,
    "seat_accept": seats.seat_accept,
    "seat_switch": seats.seat_switch,
    "teammate_remove": seats.teammate_remove,
    "role_set": roles.role_set,
    "seat_dates_correct": seatdates.seat_dates_correct,
    "subscription_start": plans.subscription_start,
    "trial_start": trials.trial_start,
    "trial_extend": trials.trial_extend,
    "trial_convert": trials.trial_convert,
    "plan_change": plans.plan_change,
    "psp_add": plans.psp_add,
    "psp_remove": plans.psp_remove,
    "yearly_start": terms.yearly_start,
    "seats_buy": terms.seats_buy,
    "renewal_set": terms.renewal_set,
    "subscription_cancel": terms.subscription_cancel,
    "subscription_resume": terms.subscription_resume,
    "early_stage_start": terms.early_stage_start,
    "book_migrate": terms.book_migrate,
    "contract_sign": contracts.contract_sign,
    "contract_amend": contracts.contract_amend,
    "contract_end": contracts.contract_end,
    "usage_record": events.usage_record,
    "usage_take_back": events.usage_take_back,
    "alert_set": alerts.alert_set,
    "alert_turn_off": alerts.alert_turn_off,
    "limit_set": limits.limit_set,
    "limit_turn_off": limits.limit_turn_off,
    "payment_method_page_open": paying.payment_method_page_open,
    "notification_read": notifications.notification_read,
    "notification_read_all": notifications.notification_read_all,
    "webhook_endpoint_create": webhooks.webhook_endpoint_create,
    "webhook_endpoint_change": webhooks.webhook_endpoint_change,
    "webhook_endpoint_remove": webhooks.webhook_endpoint_remove,
    "webhook_secret_rotate": webhooks.webhook_secret_rotate,
    "webhook_redeliver": deliveries.webhook_redeliver,
    "webhook_test": deliveries.webhook_test,
    "payment_method_set": paying.payment_method_set,
    "invoice_pay": paying.invoice_pay,
    "credit_note_create": corrections.credit_note_create,
    "invoice_void": corrections.invoice_void,
    "invoice_write_off": corrections.invoice_write_off,
    "refund_create": refunds.refund_create,
}

Mutation = strawberry.type(
    type("Mutation", (), {**MUTATIONS, "__annotations__": {}}),
    description="What can be changed. Each answers with its payload or with a refusal that says what to do.",
)

schema = ProrataSchema(
    query=Query,
    mutation=Mutation,
    subscription=Live,
    extensions=[
        ChargedGuard,
        OperationCount,
        lambda: ParserCache(maxsize=CACHED_DOCUMENTS),
        lambda: ValidationCache(maxsize=CACHED_DOCUMENTS),
    ],
    config=StrawberryConfig(scalar_map={**SCALARS, **EVENT_SCALARS, **AUDIT_SCALARS}),
    execution_context_class=PlannedExecution,
)

guard(schema._schema)  # noqa: SLF001  Strawberry has no public name for it


if __name__ == "__main__":
    sys.stdout.write(f"{schema.as_str()}\n")
