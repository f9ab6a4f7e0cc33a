"""Paying (section 11): the method an account pays with, and an invoice paid by hand."""

from __future__ import annotations

import strawberry

from adapters.queries import invoices as invoice_queries
from api.accounts import BillingAccount, billing_account
from api.acts import Repeated
from api.context import Info
from api.idempotency import key_field
from api.invoices import Invoice, invoice
from api.nodes import must_reach
from api.results import mutation
from api.scalars import SafeString
from domain.invoicing import InvoiceNotOpen
from services import paymentmethods, payments
from services.accounts import UnknownAccount, lock_account
from services.invoices import UnknownInvoice
from services.paymentmethods import BadReturnUrl, PaymentMethodNotKept, ProviderUnreachable
from services.payments import NoPaymentMethod


@strawberry.input(description="A payment method, as the provider's hosted page names it.")
class PaymentMethodSetInput:
    """Input of paymentMethodSet."""

    account_id: strawberry.ID = strawberry.field(description="The account.")
    token: SafeString = strawberry.field(
        description="The token the provider's page gave the browser. The sandbox takes tok_visa and others."
    )
    idempotency_key: SafeString | None = key_field()


@strawberry.type(description="The account with its payment method.")
class PaymentMethodSetPayload:
    """Payload of paymentMethodSet."""

    account: BillingAccount = strawberry.field(description="The account.")


@strawberry.input(description="A page of the payment provider to open for the customer.")
class PaymentMethodPageOpenInput:
    """Input of paymentMethodPageOpen."""

    account_id: strawberry.ID = strawberry.field(description="The account.")
    return_url: SafeString = strawberry.field(
        description="Where the page sends the customer afterwards, with `token=` added: give that to `paymentMethodSet`."
    )


@strawberry.type(description="The page opened.")
class PaymentMethodPageOpenPayload:
    """Payload of paymentMethodPageOpen."""

    url: str = strawberry.field(description="The page's address; send the customer's browser there.")


@strawberry.input(description="An open invoice to pay now.")
class InvoicePayInput:
    """Input of invoicePay."""

    invoice_id: strawberry.ID = strawberry.field(description="The invoice.")
    idempotency_key: SafeString | None = key_field()


@strawberry.type(description="The invoice after the attempt.")
class InvoicePayPayload:
    """Payload of invoicePay."""

    invoice: Invoice = strawberry.field(description="The invoice; its payments tell how the attempt went.")


@mutation(
    payload=PaymentMethodSetPayload,
    refusals=(UnknownAccount, PaymentMethodNotKept, ProviderUnreachable),
    description="Store a payment method. Open invoices are charged with it at once.",
)
async def payment_method_set(info: Info, input: PaymentMethodSetInput) -> PaymentMethodSetPayload:
    """Store a payment method."""
    ctx = info.context
    account_id, _ = must_reach(info, input.account_id, "BillingAccount", UnknownAccount)
    # A token may be good for once: the provider is not asked again for what was done.
    await ctx.running.recall()
    stored = await paymentmethods.attach(
        ctx.sessions, ctx.gateway, account_id=account_id, token=input.token, wall=ctx.wall
    )
    session = await ctx.begin()
    account = await paymentmethods.keep(session, stored, account_id=account_id, wall=ctx.wall)
    ctx.running.rings = True
    return PaymentMethodSetPayload(account=billing_account(account))


@mutation(
    payload=PaymentMethodPageOpenPayload,
    refusals=(UnknownAccount, BadReturnUrl, ProviderUnreachable),
    description="Open the provider's own page on which the customer gives a card or a wallet; no card data comes here.",
)
async def payment_method_page_open(
    info: Info, input: PaymentMethodPageOpenInput
) -> PaymentMethodPageOpenPayload:
    """Open a page for a payment method."""
    ctx = info.context
    account_id, _ = must_reach(info, input.account_id, "BillingAccount", UnknownAccount)
    page = await paymentmethods.open_page(
        ctx.sessions, ctx.gateway, account_id=account_id, return_url=input.return_url, wall=ctx.wall
    )
    await paymentmethods.keep_customer(await ctx.begin(), page, account_id=account_id, wall=ctx.wall)
    return PaymentMethodPageOpenPayload(url=page.url)


@mutation(
    payload=InvoicePayPayload,
    refusals=(UnknownInvoice, InvoiceNotOpen, NoPaymentMethod),
    description="Charge an open invoice now, by hand, and begin its retries anew.",
)
async def invoice_pay(info: Info, input: InvoicePayInput) -> InvoicePayPayload:
    """Pay an invoice by hand."""
    ctx = info.context
    account_id, invoice_id = must_reach(info, input.invoice_id, "Invoice", UnknownInvoice)
    try:
        session = await ctx.begin()
        account = await lock_account(session, account_id=account_id, wall=ctx.wall, unknown=UnknownInvoice)
        put_up = await payments.retry_now(session, account, invoice_id=invoice_id)
        # The provider is never called in a transaction: the attempt is made known first.
        await ctx.running.settle(InvoicePayPayload(invoice=invoice(put_up)))
    except Repeated as repeated:
        # Whoever came first may be at it still, or have died: the charge is taken up under its own key, and made once.
        await ctx.running.leave()
        ctx.renew(after=repeated.at)
    await payments.collect(
        ctx.sessions, ctx.gateway, account_id=account_id, invoice_id=invoice_id, wall=ctx.wall
    )
    async with ctx.sessions() as session:
        row = await invoice_queries.find(session, account_id=account_id, invoice_id=invoice_id)
    if row is None:
        raise UnknownInvoice
    return InvoicePayPayload(invoice=invoice(row))
