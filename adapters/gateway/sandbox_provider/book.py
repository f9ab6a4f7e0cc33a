"""What the provider remembers: customers, payment methods, charges, refunds and pages, each idempotency key once.

No method waits for anything, so on one event loop a charge is decided and kept in one step: requests with the
same key, however many at once, find the first one's charge.
"""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from uuid import uuid4

import msgspec

from adapters.gateway.sandbox_provider.journal import Journal
from adapters.gateway.sandbox_provider.records import (
    Charge,
    Customer,
    Page,
    PaymentMethod,
    Record,
    Refund,
    is_for,
)
from adapters.gateway.sandbox_provider.tokens import TOKENS
from adapters.gateway.sandbox_provider.wire import ChargeOrder, PageOrder, ProviderRefusal, RefundOrder

NOT_CHARGED = "The charge did not succeed, so there is nothing to give back."
TOO_MUCH = "This is more than is left of the charge."
NO_REFUNDS = "The card takes no refunds."

Decision = Literal["confirmed", "refused", "given_up"]
DECLINES: dict[Decision, str | None] = {
    "confirmed": None,
    "refused": "authentication_failed",
    "given_up": "not_confirmed",
}


class Book:
    """The provider's memory, and its journal if it has one. `public_url` is where browsers find its pages."""

    def __init__(self, journal: Path | None = None, *, public_url: str = "") -> None:
        self._public_url = public_url
        self._customers: dict[str, Customer] = {}
        self._customers_by_key: dict[str, Customer] = {}
        self._methods: dict[str, PaymentMethod] = {}
        self._charges: dict[str, Charge] = {}
        self._charges_by_key: dict[str, str] = {}
        self._charges_of_method: Counter[str] = Counter()
        self._refunds_by_key: dict[str, Refund] = {}
        self._refunded_cents: Counter[str] = Counter()
        self._pages: dict[str, Page] = {}
        self._pages_by_key: dict[str, Page] = {}
        self._journal = Journal(journal) if journal else None
        if self._journal:
            decoder = msgspec.json.Decoder(Record)
            for line in self._journal.lines():
                self._remember(decoder.decode(line))

    def create_customer(self, *, name: str, idempotency_key: str) -> Customer:
        """Return the customer of this key, made now if there is none."""
        known = self._customers_by_key.get(idempotency_key)
        if known is None:
            customer = Customer(id=_new_id("cus"), name=name, idempotency_key=idempotency_key)
            self._keep(customer)
            return customer
        if known.name != name:
            raise _key_used_for_something_else()
        return known

    def attach(self, *, customer: str, token: str) -> PaymentMethod:
        """Keep the payment method behind a token for the customer."""
        if customer not in self._customers:
            raise _missing("customer")
        behaviour = TOKENS.get(token)
        if behaviour is None or behaviour.is_refused:
            message = "This payment method cannot be used." if behaviour else "This payment page has expired."
            raise ProviderRefusal(402, code="payment_method_refused", message=message)
        method = PaymentMethod(
            id=_new_id("pm"),
            customer=customer,
            token=token,
            brand=behaviour.brand,
            last4=behaviour.last4,
            kind=behaviour.kind,
        )
        self._keep(method)
        return method

    def charge(self, order: ChargeOrder, *, idempotency_key: str) -> tuple[Charge, bool]:
        """Return the charge of this key as it now is, and whether it was made just now."""
        if idempotency_key in self._charges_by_key:
            known = self.find(self._charges_by_key[idempotency_key])
            if not is_for(known, order):
                raise _key_used_for_something_else()
            return known, False
        method = self.method(order.payment_method)
        if method.customer != order.customer:
            raise _missing("payment method")
        behaviour = TOKENS[method.token]
        code = behaviour.decides(earlier_charges=self._charges_of_method[method.id])
        decided: Literal["succeeded", "declined"] = "declined" if code else "succeeded"
        charge_id = _new_id("ch")
        charge = Charge(
            **msgspec.structs.asdict(order),
            id=charge_id,
            idempotency_key=idempotency_key,
            status="action_needed" if behaviour.needs_action else decided,
            decline_code=code,
            created_at=datetime.now(UTC),
            url=f"{self._public_url}/pages/confirm/{charge_id}" if behaviour.needs_action else None,
        )
        self._keep(charge)
        return charge, True

    def decide(self, charge_id: str, decision: Decision) -> tuple[Charge, bool]:
        """Return a charge after a decision about its waiting, and whether it waited until now."""
        charge = self.find(charge_id)
        if charge.status != "action_needed":
            return charge, False
        code = DECLINES[decision]
        status: Literal["succeeded", "declined"] = "declined" if code else "succeeded"
        decided = msgspec.structs.replace(charge, status=status, decline_code=code, url=None)
        self._keep(decided)
        return decided, True

    def refund(self, order: RefundOrder, *, idempotency_key: str) -> tuple[Refund, bool]:
        """Return the refund of this key, and whether it was made or refused just now."""
        known = self._refunds_by_key.get(idempotency_key)
        if known is not None:
            if not is_for(known, order):
                raise _key_used_for_something_else()
            return known, False
        refusal = self._refusal(order)
        refund = Refund(
            **msgspec.structs.asdict(order),
            id=_new_id("re"),
            idempotency_key=idempotency_key,
            status="refused" if refusal else "succeeded",
            refusal=refusal,
            created_at=datetime.now(UTC),
        )
        self._keep(refund)
        return refund, True

    def open_page(self, order: PageOrder, *, idempotency_key: str) -> Page:
        """Return the page of this key, made now if there is none."""
        known = self._pages_by_key.get(idempotency_key)
        if known is not None:
            if not is_for(known, order):
                raise _key_used_for_something_else()
            return known
        if order.customer not in self._customers:
            raise _missing("customer")
        page_id = _new_id("page")
        page = Page(
            **msgspec.structs.asdict(order),
            id=page_id,
            idempotency_key=idempotency_key,
            url=f"{self._public_url}/pages/payment-method/{page_id}",
        )
        self._keep(page)
        return page

    def method(self, reference: str) -> PaymentMethod:
        """Return a stored payment method."""
        if reference not in self._methods:
            raise _missing("payment method")
        return self._methods[reference]

    def find(self, charge_id: str) -> Charge:
        """Return a charge."""
        if charge_id not in self._charges:
            raise _missing("charge")
        return self._charges[charge_id]

    def page(self, page_id: str) -> Page:
        """Return a page."""
        if page_id not in self._pages:
            raise _missing("page")
        return self._pages[page_id]

    def charges(self, *, idempotency_key: str | None = None) -> list[Charge]:
        """Return every charge in the order it was asked for, or only that of one key."""
        if idempotency_key is None:
            return list(self._charges.values())
        found = self._charges_by_key.get(idempotency_key)
        return [self._charges[found]] if found else []

    def refunds(self) -> list[Refund]:
        """Return every refund in the order it was asked for, those refused as well."""
        return list(self._refunds_by_key.values())

    def _refusal(self, order: RefundOrder) -> str | None:
        """Return why a refund is refused, or `None` if it is not."""
        charge = self.find(order.charge)
        if charge.status != "succeeded":
            return NOT_CHARGED
        if order.amount_cents > charge.amount_cents - self._refunded_cents[charge.id]:
            return TOO_MUCH
        if TOKENS[self.method(charge.payment_method).token].takes_no_refunds:
            return NO_REFUNDS
        return None

    def _keep(self, record: Record) -> None:
        # Written before it is remembered: nothing is ever answered that a restart would forget.
        if self._journal:
            self._journal.append(msgspec.json.encode(record))
        self._remember(record)

    def _remember(self, record: Record) -> None:
        match record:
            case Customer():
                self._customers[record.id] = record
                self._customers_by_key[record.idempotency_key] = record
            case PaymentMethod():
                self._methods[record.id] = record
            case Charge():
                self._charges_of_method[record.payment_method] += record.id not in self._charges
                self._charges[record.id] = record
                self._charges_by_key[record.idempotency_key] = record.id
            case Refund():
                self._refunds_by_key[record.idempotency_key] = record
                if record.status == "succeeded":
                    self._refunded_cents[record.charge] += record.amount_cents
            case Page():
                self._pages[record.id] = record
                self._pages_by_key[record.idempotency_key] = record


def _new_id(prefix: str) -> str:
    return f"{prefix}_{uuid4().hex}"


def _missing(what: str) -> ProviderRefusal:
    return ProviderRefusal(404, code="resource_missing", message=f"No such {what}.")


def _key_used_for_something_else() -> ProviderRefusal:
    message = "This idempotency key was used with other parameters."
    return ProviderRefusal(409, code="idempotency_error", message=message)
