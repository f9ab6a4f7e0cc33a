"""Things found again by their ids, each type in its own way: null for what the caller does not reach."""

from __future__ import annotations

from adapters import pricebooks as price_book_store
from adapters.queries import accounts as account_queries
from adapters.queries import invoices as invoice_queries
from api.accounts import BillingAccount, billing_account
from api.context import Info
from api.deliveries import find_delivery
from api.invoices import Invoice, invoice
from api.node_ids import decode_node_id
from api.nodes import FINDERS, Node, as_uuid, reach
from api.notifications import notification
from api.payments import payment
from api.pricebooks import price_book
from api.subscriptions import subscription
from api.teammates import teammate
from api.testclocks import TestClock, test_clock
from api.webhooks import find_endpoint
from api.workspaces import Workspace, workspace


async def find_account(info: Info, node: str) -> BillingAccount | None:
    """Find a billing account."""
    key = reach(info, node, "BillingAccount")
    found = await info.context.loaders.accounts.load(key[0]) if key and key[0] == key[1] else None
    return billing_account(found) if found else None


async def find_workspace(info: Info, node: str) -> Workspace | None:
    """Find a workspace."""
    key = reach(info, node, "Workspace")
    row = await info.context.loaders.workspaces.load(key) if key else None
    return workspace(row) if row else None


async def find_invoice(info: Info, node: str) -> Invoice | None:
    """Find an issued invoice."""
    key = reach(info, node, "Invoice")
    row = await info.context.loaders.invoices.load(key) if key else None
    return invoice(row) if row else None


async def find_test_clock(info: Info, node: str) -> TestClock | None:
    """Find a test clock, for operators."""
    ref = decode_node_id(node)
    clock_id = as_uuid(ref.local_id) if ref and ref.type_name == "TestClock" else None
    if clock_id is None or not info.context.caller.is_operator:
        return None
    async with info.context.sessions() as session:
        found = await account_queries.clocks(session, [clock_id])
    return test_clock(found[clock_id]) if clock_id in found else None


async def find_price_book(info: Info, node: str) -> Node | None:
    """Find a price book."""
    ref = decode_node_id(node)
    version = ref.local_id if ref and ref.account_id is None else ""
    if not (version.isascii() and version.isdigit()):
        return None
    async with info.context.sessions() as session:
        known = await price_book_store.books(session)
    return price_book(known[int(version)]) if int(version) in known else None


async def find_teammate(info: Info, node: str) -> Node | None:
    """Find a teammate."""
    key = reach(info, node, "Teammate")
    row = await info.context.loaders.teammates.load(key) if key else None
    return teammate(row) if row else None


async def find_subscription(info: Info, node: str) -> Node | None:
    """Find a subscription."""
    key = reach(info, node, "Subscription")
    overview = await info.context.loaders.overviews.load(key[0]) if key else None
    return subscription(overview) if overview and key and overview.row.id == key[1] else None


async def find_payment(info: Info, node: str) -> Node | None:
    """Find a payment."""
    key = reach(info, node, "Payment")
    if key is None:
        return None
    async with info.context.sessions() as session:
        row = await invoice_queries.attempt(session, account_id=key[0], attempt_id=key[1])
    return payment(row) if row else None


async def find_notification(info: Info, node: str) -> Node | None:
    """Find a notice."""
    key = reach(info, node, "Notification")
    found = await info.context.loaders.notifications.load(key) if key else None
    return notification(found) if found else None


FINDERS.update(
    {
        "BillingAccount": find_account,
        "Workspace": find_workspace,
        "Teammate": find_teammate,
        "Subscription": find_subscription,
        "Invoice": find_invoice,
        "Payment": find_payment,
        "Notification": find_notification,
        "PriceBook": find_price_book,
        "TestClock": find_test_clock,
        "WebhookEndpoint": find_endpoint,
        "WebhookDelivery": find_delivery,
    }
)
