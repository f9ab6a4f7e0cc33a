"""The gateway to Stripe, by its official SDK.

**Once for each key.** Stripe replays its stored answer to a key for 24 hours and may forget the key after. So every
payment and refund also carries our key in its metadata, and before asking for one its customer's latest 100 payments (or
the payment's refunds) are read: an attempt whose answer was lost is found again however late, and never made anew.

**A bank that wants a confirmation** answers a charge without the customer in one of two ways: the payment waits at an
address, or it is refused with `authentication_required`. After the second the same payment, which can succeed only once,
is confirmed again as if the customer were there, which leads to an address too.
"""

from collections.abc import Awaitable, Mapping
from datetime import datetime
from typing import Final, TypeVar
from urllib.parse import urlsplit, urlunsplit

import stripe

from adapters.gateway.declines import declined
from adapters.gateway.protocol import (
    ActionNeeded,
    Charged,
    Declined,
    OutcomeUnknown,
    PaymentMethodRefused,
    ProviderEvent,
    Refunded,
    RefundRefused,
    StoredPaymentMethod,
)
from adapters.gateway.stripe_calls import CardRefused, Rejected, Transport, ask
from adapters.gateway.stripe_messages import (
    KEY,
    WANTS_CONFIRMATION,
    Failure,
    Intent,
    List,
    NewSession,
    Problem,
    Reference,
    Refund,
    Session,
    Setup,
    read,
)
from adapters.gateway.stripe_webhooks import verified

LATEST: Final = 100
EXPIRED_PAGE: Final = "This payment page has expired."
UNFINISHED_PAGE: Final = "The payment page was left before a payment method was saved."
NOT_OURS: Final = "This payment method belongs to another customer."
CONFIRM_ON_PAGE: Final = "The bank wants the card holder to confirm this card; use the payment page."
REFUND_REFUSALS: Final = {
    "amount_too_large": "This is more than is left of the charge.",
    "charge_already_refunded": "The charge was given back already.",
    "charge_disputed": "The card holder disputes the charge, so it cannot be given back.",
    "refund_disputed_payment": "The card holder disputes the charge, so it cannot be given back.",
    "balance_insufficient": "The balance at the payment provider is too small for the refund.",
    "insufficient_funds": "The balance at the payment provider is too small for the refund.",
    "payment_intent_unexpected_state": "The charge did not succeed, so there is nothing to give back.",
}
SETUP: Final = "setup_intent"

Shape = TypeVar("Shape")


class StripeGateway:
    """Stripe with an account's secret key.

    A customer who confirmed a payment at the bank is sent to `return_url`. `url` takes the place of Stripe's own
    address. Each request takes `timeout_seconds` at most; a charge is two requests, or three with a confirmation.
    """

    def __init__(
        self,
        key: str,
        webhook_secret: str,
        *,
        return_url: str,
        url: str = "",
        timeout_seconds: float = 8.0,
    ) -> None:
        self._webhook_secret = webhook_secret
        self._return_url = return_url
        self._timeout_seconds = timeout_seconds
        self._transport = Transport(timeout_seconds=timeout_seconds)
        client = stripe.StripeClient(
            key,
            base_addresses={"api": url} if url else None,
            http_client=self._transport,
            max_network_retries=0,
        )
        self._v1 = client.v1

    async def aclose(self) -> None:
        """See `Gateway.aclose`."""
        await self._transport.close_async()

    async def create_customer(self, *, name: str, idempotency_key: str) -> str:
        """See `Gateway.create_customer`. After Stripe forgets the key, 24 hours at the least, it is another customer."""
        made = await self._ask(
            self._v1.customers.create_async(
                {"name": name, "metadata": {KEY: idempotency_key}}, {"idempotency_key": idempotency_key}
            ),
            Reference,
        )
        return made.id

    async def attach_payment_method(self, *, customer: str, token: str) -> StoredPaymentMethod:
        """See `Gateway.attach_payment_method`.

        The token is a Checkout Session (`cs_`) as the hosted page gives it, or, from a frontend with Stripe's own
        elements, a SetupIntent (`seti_`) or a payment method (`pm_`). Its SetupIntent has succeeded, so the bank
        knows that it will be charged without the customer.
        """
        try:
            setup = await self._setup(customer, token)
        except CardRefused as refused:
            raise PaymentMethodRefused(refused.problem.failure().declined("").reason) from None
        except Rejected as rejected:
            if rejected.code == "resource_missing" and rejected.problem.param != "customer":
                raise PaymentMethodRefused(EXPIRED_PAGE) from None
            raise
        if setup is None or (setup.status != "succeeded" and not token.startswith("pm_")):
            raise PaymentMethodRefused(UNFINISHED_PAGE)
        if setup.customer != customer:
            raise PaymentMethodRefused(NOT_OURS)
        if setup.status != "succeeded" or setup.payment_method is None:
            raise PaymentMethodRefused(CONFIRM_ON_PAGE)
        return setup.payment_method.stored()

    async def charge(
        self,
        *,
        customer: str,
        payment_method: str,
        amount_cents: int,
        currency: str,
        idempotency_key: str,
        description: str,
    ) -> Charged | Declined | ActionNeeded:
        """See `Gateway.charge`."""
        known = await self._made_before(customer, idempotency_key)
        if known is not None:
            if (known.amount, known.currency) != (amount_cents, currency.lower()):
                raise _key_used_for_something_else()
            return await self._settled(known, idempotency_key=idempotency_key)
        try:
            intent = await self._ask(
                self._v1.payment_intents.create_async(
                    {
                        "amount": amount_cents,
                        "currency": currency.lower(),
                        "customer": customer,
                        "payment_method": payment_method,
                        "allowed_payment_method_types": ["card"],
                        "description": description,
                        "metadata": {KEY: idempotency_key},
                        "off_session": True,
                        "confirm": True,
                        "return_url": self._return_url,
                    },
                    {"idempotency_key": idempotency_key},
                ),
                Intent,
            )
        except CardRefused as refused:
            if refused.problem.payment_intent is None:
                return _declined_outright(refused.problem)
            intent = refused.problem.payment_intent
        return await self._settled(intent, idempotency_key=idempotency_key)

    async def give_up(self, *, reference: str) -> Charged | Declined:
        """See `Gateway.give_up`."""
        try:
            intent = await self._ask(
                self._v1.payment_intents.cancel_async(
                    reference, {}, {"idempotency_key": f"give_up:{reference}"}
                ),
                Intent,
            )
        except Rejected as rejected:
            if rejected.code != "payment_intent_unexpected_state":
                raise
            intent = await self._intent(reference)
        outcome = intent.outcome()
        if isinstance(outcome, Charged | Declined):
            return outcome
        raise OutcomeUnknown(f"{reference} is {intent.status}")

    async def refund(
        self, *, charge: str, amount_cents: int, idempotency_key: str
    ) -> Refunded | RefundRefused:
        """See `Gateway.refund`."""
        made = await self._ask(self._v1.refunds.list_async({"payment_intent": charge, "limit": LATEST}), List)
        for refund in (read(each, Refund) for each in made.data):
            if refund.key == idempotency_key:
                if refund.amount != amount_cents:
                    raise _key_used_for_something_else()
                return refund.outcome()
        try:
            refund = await self._ask(
                self._v1.refunds.create_async(
                    {
                        "payment_intent": charge,
                        "amount": amount_cents,
                        "metadata": {KEY: idempotency_key},
                    },
                    {"idempotency_key": idempotency_key},
                ),
                Refund,
            )
        except Rejected as rejected:
            code = "amount_too_large" if rejected.problem.param == "amount" else rejected.code
            if code not in REFUND_REFUSALS:
                raise
            return RefundRefused(reference=charge, reason=REFUND_REFUSALS[code])
        return refund.outcome()

    async def payment_method_page(self, *, customer: str, return_url: str, idempotency_key: str) -> str:
        """See `Gateway.payment_method_page`. Google Pay and Apple Pay show there beside cards, on devices with them."""
        session = await self._ask(
            self._v1.checkout.sessions.create_async(
                {
                    "mode": "setup",
                    "customer": customer,
                    "allowed_payment_method_types": ["card"],
                    "success_url": _with_token(return_url),
                    "cancel_url": return_url,
                },
                {"idempotency_key": idempotency_key},
            ),
            NewSession,
        )
        return session.url

    async def find_charge(self, *, idempotency_key: str) -> Charged | Declined | ActionNeeded | None:
        """See `Gateway.find_charge`. Stripe's search knows a payment about a minute after it was made."""
        quoted = idempotency_key.replace("\\", "\\\\").replace('"', '\\"')
        found = await self._ask(
            self._v1.payment_intents.search_async({"query": f'metadata["{KEY}"]:"{quoted}"', "limit": 1}),
            List,
        )
        if not found.data:
            return None
        intent = await self._intent(read(found.data[0], Reference).id)
        return await self._settled(intent, idempotency_key=idempotency_key)

    def verify_webhook(self, *, body: bytes, headers: Mapping[str, str], now: datetime) -> ProviderEvent:
        """See `Gateway.verify_webhook`."""
        return verified(body, secret=self._webhook_secret, headers=headers, now=now)

    async def _made_before(self, customer: str, key: str) -> Intent | None:
        """Return the payment of a key among the customer's latest, or `None`."""
        made = await self._ask(
            self._v1.payment_intents.list_async({"customer": customer, "limit": LATEST}), List
        )
        intents = (read(each, Intent) for each in made.data)
        return next((intent for intent in intents if intent.key == key), None)

    async def _settled(self, intent: Intent, *, idempotency_key: str) -> Charged | Declined | ActionNeeded:
        """Return what became of a payment, led to its confirmation if the bank wants one."""
        if intent.wants_confirmation:
            intent = await self._led_to_the_bank(intent, idempotency_key=idempotency_key)
        if intent.status == "requires_action" and not intent.url:
            # No page of the bank's can be mailed, so it is surely ended: another attempt may follow.
            given_up = await self.give_up(reference=intent.id)
            return given_up if isinstance(given_up, Charged) else declined(intent.id, code=WANTS_CONFIRMATION)
        outcome = intent.outcome()
        if outcome is None:
            raise OutcomeUnknown(f"{intent.id} is {intent.status}")
        return outcome

    async def _led_to_the_bank(self, intent: Intent, *, idempotency_key: str) -> Intent:
        """Confirm a payment again, with the customer to come; return it as it then is."""
        error = intent.last_payment_error or Failure()
        if error.payment_method is None:
            return intent
        try:
            return await self._ask(
                self._v1.payment_intents.confirm_async(
                    intent.id,
                    {"payment_method": error.payment_method.id, "return_url": self._return_url},
                    {"idempotency_key": f"{idempotency_key}:confirm"},
                ),
                Intent,
            )
        except Rejected:
            # Refused, or confirmed already by a call of ours whose answer was lost: it tells how it stands.
            return await self._intent(intent.id)

    async def _intent(self, reference: str) -> Intent:
        return await self._ask(self._v1.payment_intents.retrieve_async(reference), Intent)

    async def _setup(self, customer: str, token: str) -> Setup | None:
        """Return the SetupIntent behind a token, or `None` of a page without one yet."""
        if token.startswith("cs_"):
            page = self._v1.checkout.sessions.retrieve_async(
                token, {"expand": [SETUP, f"{SETUP}.payment_method"]}
            )
            return (await self._ask(page, Session)).setup_intent
        if token.startswith("pm_"):
            made = self._v1.setup_intents.create_async(
                {
                    "customer": customer,
                    "payment_method": token,
                    "allowed_payment_method_types": ["card"],
                    "usage": "off_session",
                    "confirm": True,
                    "return_url": self._return_url,
                    "expand": ["payment_method"],
                },
                {"idempotency_key": f"attach:{customer}:{token}"},
            )
            return await self._ask(made, Setup)
        if token.startswith("seti_"):
            found = self._v1.setup_intents.retrieve_async(token, {"expand": ["payment_method"]})
            return await self._ask(found, Setup)
        raise PaymentMethodRefused(EXPIRED_PAGE)

    async def _ask(self, call: Awaitable[stripe.StripeObject], shape: type[Shape]) -> Shape:
        return await ask(call, shape, timeout_seconds=self._timeout_seconds)


def _declined_outright(problem: Problem) -> Declined:
    return problem.failure().declined(problem.charge or "")


def _with_token(url: str) -> str:
    """Return the address with a place for the page's token, which Stripe fills in and which may not be escaped."""
    parts = urlsplit(url)
    query = "&".join([*filter(None, [parts.query]), "token={CHECKOUT_SESSION_ID}"])
    return urlunsplit(parts._replace(query=query))


def _key_used_for_something_else() -> Rejected:
    message = "This idempotency key was used with other parameters."
    return Rejected(400, Problem(type="idempotency_error", message=message))
