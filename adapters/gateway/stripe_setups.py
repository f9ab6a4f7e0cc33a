"""Payment methods kept by Stripe: the hosted page that takes them, and the SetupIntent that made each ready."""

from typing import Final
from urllib.parse import urlsplit, urlunsplit

import msgspec

from adapters.gateway.protocol import PaymentMethodKind, PaymentMethodRefused, StoredPaymentMethod
from adapters.gateway.stripe_calls import CardRefused, Connection, Rejected

EXPIRED_PAGE: Final = "This payment page has expired."
UNFINISHED_PAGE: Final = "The payment page was left before a payment method was saved."
NOT_OURS: Final = "This payment method belongs to another customer."
CONFIRM_ON_PAGE: Final = "The bank wants the card holder to confirm this card; use the payment page."
SETUP: Final = "setup_intent"
WALLETS: Final = {
    "google_pay": PaymentMethodKind.GOOGLE_PAY,
    "apple_pay": PaymentMethodKind.APPLE_PAY,
}


class Wallet(msgspec.Struct, frozen=True):
    """What stands around a card: Google Pay, Apple Pay or something else."""

    type: str


class Card(msgspec.Struct, frozen=True):
    """What may be shown of a card."""

    brand: str
    last4: str
    wallet: Wallet | None = None


class Method(msgspec.Struct, frozen=True):
    """A stored payment method."""

    id: str
    card: Card

    def stored(self) -> StoredPaymentMethod:
        """Return it in the gateway's terms."""
        wallet = self.card.wallet.type if self.card.wallet else ""
        kind = WALLETS.get(wallet, PaymentMethodKind.CARD)
        return StoredPaymentMethod(reference=self.id, brand=self.card.brand, last4=self.card.last4, kind=kind)


class Setup(msgspec.Struct, frozen=True):
    """A SetupIntent with its payment method expanded: a payment method made ready for charges without the customer."""

    status: str
    customer: str | None = None
    payment_method: Method | None = None


class Session(msgspec.Struct, frozen=True):
    """A Checkout Session in setup mode with its SetupIntent expanded: the hosted page."""

    setup_intent: Setup | None = None


class NewSession(msgspec.Struct, frozen=True):
    """A Checkout Session just opened."""

    url: str


async def open_page(stripe: Connection, *, customer: str, return_url: str, idempotency_key: str) -> str:
    """See `Gateway.payment_method_page`."""
    call = stripe.v1.checkout.sessions.create_async(
        {
            "mode": "setup",
            "customer": customer,
            "allowed_payment_method_types": ["card"],
            "success_url": _with_token(return_url),
            "cancel_url": return_url,
        },
        {"idempotency_key": idempotency_key},
    )
    return (await stripe.ask(call, NewSession)).url


async def keep(stripe: Connection, *, customer: str, token: str) -> StoredPaymentMethod:
    """See `Gateway.attach_payment_method`.

    The token is a Checkout Session (`cs_`) as the hosted page gives it, or, from a frontend with Stripe's own
    elements, a SetupIntent (`seti_`) or a payment method (`pm_`). Its SetupIntent has succeeded, so the bank
    knows that it will be charged without the customer.
    """
    try:
        setup = await _setup(stripe, customer=customer, token=token)
    except CardRefused as refused:
        raise PaymentMethodRefused(refused.problem.failure().declined("").reason) from None
    except Rejected as rejected:
        if rejected.code == "resource_missing" and rejected.problem.param != "customer":
            raise PaymentMethodRefused(EXPIRED_PAGE) from None
        raise
    if setup is not None and setup.customer != customer:
        raise PaymentMethodRefused(NOT_OURS)
    if setup is None or setup.status != "succeeded" or setup.payment_method is None:
        raise PaymentMethodRefused(CONFIRM_ON_PAGE if token.startswith("pm_") else UNFINISHED_PAGE)
    return setup.payment_method.stored()


async def _setup(stripe: Connection, *, customer: str, token: str) -> Setup | None:
    """Return the SetupIntent behind a token, or `None` of a page without one yet."""
    if token.startswith("cs_"):
        page = stripe.v1.checkout.sessions.retrieve_async(
            token, {"expand": [SETUP, f"{SETUP}.payment_method"]}
        )
        return (await stripe.ask(page, Session)).setup_intent
    if token.startswith("pm_"):
        made = stripe.v1.setup_intents.create_async(
            {
                "customer": customer,
                "payment_method": token,
                "allowed_payment_method_types": ["card"],
                "usage": "off_session",
                "confirm": True,
                "return_url": stripe.return_url,
                "expand": ["payment_method"],
            },
            {"idempotency_key": f"attach:{customer}:{token}"},
        )
        return await stripe.ask(made, Setup)
    if token.startswith("seti_"):
        found = stripe.v1.setup_intents.retrieve_async(token, {"expand": ["payment_method"]})
        return await stripe.ask(found, Setup)
    raise PaymentMethodRefused(EXPIRED_PAGE)


def _with_token(url: str) -> str:
    """Return the address with a place for the page's token, which Stripe fills in and which may not be escaped."""
    parts = urlsplit(url)
    query = "&".join([*filter(None, [parts.query]), "token={CHECKOUT_SESSION_ID}"])
    return urlunsplit(parts._replace(query=query))
