"""The gateway to Stripe, by its official SDK.

**Once for each key.** Stripe replays its stored answer to a key for 24 hours and may forget the key after. So every
payment and refund also carries our key in its metadata, and before asking for one its customer's latest 100 payments (or
the payment's refunds) are read: an attempt whose answer was lost is found again however late, and never made anew.

**A bank that wants a confirmation** answers a charge without the customer in one of two ways: the payment waits at an
address, or it is refused with `authentication_required`. After the second the same payment, which can succeed only once,
is confirmed again as if the customer were there, which leads to an address too.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from adapters.gateway.declines import declined
from adapters.gateway.protocol import (
    ActionNeeded,
    Charged,
    Declined,
    OutcomeUnknown,
    ProviderEvent,
    Refunded,
    RefundRefused,
    StoredPaymentMethod,
)
from adapters.gateway.stripe_calls import CardRefused, Connection, Rejected, key_used_for_something_else
from adapters.gateway.stripe_messages import (
    KEY,
    LATEST,
    WANTS_CONFIRMATION,
    Failure,
    Intent,
    List,
    Reference,
    read,
)
from adapters.gateway.stripe_refunds import refund
from adapters.gateway.stripe_setups import keep, open_page
from adapters.gateway.stripe_webhooks import verified

SETTLED: Final = frozenset({"succeeded", "canceled"})


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
        self._stripe = Connection(key, url=url, return_url=return_url, timeout_seconds=timeout_seconds)

    async def aclose(self) -> None:
        """See `Gateway.aclose`."""
        await self._stripe.aclose()

    async def create_customer(self, *, name: str, idempotency_key: str) -> str:
        """See `Gateway.create_customer`. After Stripe forgets the key, 24 hours at the least, it is another customer."""
        call = self._stripe.v1.customers.create_async(
            {"name": name, "metadata": {KEY: idempotency_key}}, {"idempotency_key": idempotency_key}
        )
        return (await self._stripe.ask(call, Reference)).id

    async def attach_payment_method(self, *, customer: str, token: str) -> StoredPaymentMethod:
        """See `Gateway.attach_payment_method`."""
        return await keep(self._stripe, customer=customer, token=token)

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
                raise key_used_for_something_else()
            return await self._settled(known, idempotency_key=idempotency_key)
        call = self._stripe.v1.payment_intents.create_async(
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
                "return_url": self._stripe.return_url,
            },
            {"idempotency_key": idempotency_key},
        )
        try:
            intent = await self._stripe.ask(call, Intent)
        except CardRefused as refused:
            problem = refused.problem
            if problem.payment_intent is None:
                return problem.failure().declined(problem.charge or "")
            intent = problem.payment_intent
        return await self._settled(intent, idempotency_key=idempotency_key)

    async def give_up(self, *, reference: str) -> Charged | Declined:
        """See `Gateway.give_up`."""
        intent = await self._intent(reference)
        if intent.status not in SETTLED:
            call = self._stripe.v1.payment_intents.cancel_async(
                reference, {}, {"idempotency_key": f"give_up:{reference}"}
            )
            try:
                intent = await self._stripe.ask(call, Intent)
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
        return await refund(
            self._stripe, charge=charge, amount_cents=amount_cents, idempotency_key=idempotency_key
        )

    async def payment_method_page(self, *, customer: str, return_url: str, idempotency_key: str) -> str:
        """See `Gateway.payment_method_page`. Google Pay and Apple Pay show there beside cards, on devices with them."""
        return await open_page(
            self._stripe, customer=customer, return_url=return_url, idempotency_key=idempotency_key
        )

    async def find_charge(self, *, idempotency_key: str) -> Charged | Declined | ActionNeeded | None:
        """See `Gateway.find_charge`. Stripe's search knows a payment about a minute after it was made."""
        quoted = idempotency_key.replace("\\", "\\\\").replace('"', '\\"')
        call = self._stripe.v1.payment_intents.search_async(
            {"query": f'metadata["{KEY}"]:"{quoted}"', "limit": 1}
        )
        found = await self._stripe.ask(call, List)
        if not found.data:
            return None
        # What the search returns may be a minute old.
        intent = await self._intent(read(found.data[0], Reference).id)
        return await self._settled(intent, idempotency_key=idempotency_key)

    def verify_webhook(self, *, body: bytes, headers: Mapping[str, str], now: datetime) -> ProviderEvent:
        """See `Gateway.verify_webhook`."""
        return verified(body, secret=self._webhook_secret, headers=headers, now=now)

    async def _made_before(self, customer: str, key: str) -> Intent | None:
        """Return the payment of a key among the customer's latest, or `None`."""
        call = self._stripe.v1.payment_intents.list_async({"customer": customer, "limit": LATEST})
        made = await self._stripe.ask(call, List)
        intents = (read(each, Intent) for each in made.data)
        return next((intent for intent in intents if intent.key == key), None)

    async def _settled(self, intent: Intent, *, idempotency_key: str) -> Charged | Declined | ActionNeeded:
        """Return what became of a payment, led to its confirmation if the bank wants one."""
        if intent.wants_confirmation:
            intent = await self._led_to_the_bank(intent, idempotency_key=idempotency_key)
        if intent.status == "requires_action" and not intent.url:
            # There is no address to send the customer to, so it is surely ended: another attempt may follow.
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
        call = self._stripe.v1.payment_intents.confirm_async(
            intent.id,
            {"payment_method": error.payment_method.id, "return_url": self._stripe.return_url},
            {"idempotency_key": f"{idempotency_key}:confirm"},
        )
        try:
            return await self._stripe.ask(call, Intent)
        except Rejected:
            # Refused, or confirmed already by a call of ours whose answer was lost: it tells how it stands.
            return await self._intent(intent.id)

    async def _intent(self, reference: str) -> Intent:
        return await self._stripe.ask(self._stripe.v1.payment_intents.retrieve_async(reference), Intent)
