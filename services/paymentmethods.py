"""How an account pays (section 11): the provider keeps the method, and Prorata a reference, the brand and four digits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.gateway.protocol import Gateway, NoAnswer, PaymentMethodRefused, StoredPaymentMethod
from adapters.ids import new_id
from adapters.queries import invoices as queries
from adapters.scopes import Sessions
from adapters.spans import traced
from domain.refusal import Refusal
from services import payments
from services.accounts import AccountNow, lock_account

LONGEST_ADDRESS = 2000


@dataclass(eq=False)
class PaymentMethodNotKept(Refusal):
    """The provider will not keep the payment method."""

    template = "The payment method was not saved: {reason}"
    reason: str


@dataclass(eq=False)
class ProviderUnreachable(Refusal):
    """The payment provider gave no answer."""

    template = "The payment provider gave no answer; nothing was changed. Try again in a few minutes."


@dataclass(eq=False)
class BadReturnUrl(Refusal):
    """No browser can be sent there."""

    template = (
        "The return URL is a whole address that begins with https:// or http://, of at most 2,000 characters."
    )


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the provider's for a customer of theirs, who is an account of ours."""

    customer: str
    url: str


@traced
async def open_page(
    sessions: Sessions, gateway: Gateway, *, account_id: UUID, return_url: str, wall: datetime
) -> Page:
    """Open the provider's page on which the customer gives a payment method; the customer is to be kept.

    It sends the customer to `return_url` with `token=` added, which `attach` takes. Raises UnknownAccount,
    BadReturnUrl, ProviderUnreachable.
    """
    if not _is_address(return_url):
        raise BadReturnUrl
    async with sessions.begin() as session:
        account = await lock_account(session, account_id=account_id, wall=wall)
    try:
        customer = await _customer(gateway, account)
        url = await gateway.payment_method_page(
            customer=customer, return_url=return_url, idempotency_key=f"page:{new_id()}"
        )
    except NoAnswer:
        raise ProviderUnreachable from None
    return Page(customer, url)


async def keep_customer(session: AsyncSession, page: Page, *, account_id: UUID, wall: datetime) -> None:
    """Keep the provider's name of the account for the pages and charges to come."""
    account = await lock_account(session, account_id=account_id, wall=wall)
    account.row.provider_customer = page.customer


@dataclass(frozen=True, slots=True)
class Attached:
    """A payment method that the provider has stored for a customer."""

    customer: str
    method: StoredPaymentMethod


@traced
async def attach(
    sessions: Sessions, gateway: Gateway, *, account_id: UUID, token: str, wall: datetime
) -> Attached:
    """Have the provider store a payment method; it is not used before it is kept.

    Raises UnknownAccount, PaymentMethodNotKept, ProviderUnreachable.
    """
    async with sessions.begin() as session:
        account = await lock_account(session, account_id=account_id, wall=wall)
    try:
        customer = await _customer(gateway, account)
        return Attached(customer, await gateway.attach_payment_method(customer=customer, token=token))
    except PaymentMethodRefused as refused:
        raise PaymentMethodNotKept(refused.reason) from None
    except NoAnswer:
        raise ProviderUnreachable from None


@traced
async def keep(session: AsyncSession, attached: Attached, *, account_id: UUID, wall: datetime) -> AccountNow:
    """Pay with another method from now on; open invoices are charged at once, on a new ladder (section 11)."""
    account = await lock_account(session, account_id=account_id, wall=wall)
    account.row.provider_customer, account.row.payment_method = attached.customer, attached.method.reference
    account.row.card_brand, account.row.card_last4 = attached.method.brand, attached.method.last4
    for invoice in await queries.open_invoices(session, account_id=account_id):
        await payments.begin_again(session, account, invoice)
    return account


async def _customer(gateway: Gateway, account: AccountNow) -> str:
    """Give the provider's name of the account, made on the first occasion."""
    return account.row.provider_customer or await gateway.create_customer(
        name=account.row.name, idempotency_key=f"customer:{account.id}"
    )


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    is_plain = url.isprintable() and " " not in url
    return (
        is_plain
        and len(url) <= LONGEST_ADDRESS
        and parts.scheme in {"http", "https"}
        and bool(parts.hostname)
    )
