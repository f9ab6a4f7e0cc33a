"""What the provider remembers: customers, payment methods, charges, refunds and pages, each idempotency key once.

No method waits for anything, so on one event loop a charge is decided and kept in one step: requests with the
same key, however many at once, find the first one's charge.
"""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeVar
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
)
from adapters.gateway.sandbox_provider.tokens import TOKENS
from adapters.gateway.sandbox_provider.wire import (
    ChargeOrder,
    CustomerOrder,
    PageOrder,
    ProviderRefusal,
    RefundOrder,
)

NOT_CHARGED = "The charge did not succeed, so there is nothing to give back."
TOO_MUCH = "This is more than is left of the charge."
NO_REFUNDS = "The card takes no refunds."

Made = TypeVar("Made", Customer, PaymentMethod, Charge, Refund, Page)
Order = CustomerOrder | ChargeOrder | RefundOrder | PageOrder

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
        self._records: dict[str, Record] = {}
        self._made: dict[tuple[type[Record], str], str] = {}
        self._charges_of_method: Counter[str] = Counter()
        self._refunded_cents: Counter[str] = Counter()
        self._journal = Journal(journal) if journal else None
        if self._journal:
            decoder = msgspec.json.Decoder(Record)
            for line in self._journal.lines():
                self._remember(decoder.decode(line))

    def create_customer(self, order: CustomerOrder, *, idempotency_key: str) -> Customer:
        """Return the customer of this key, made now if there is none."""
        known = self._known(Customer, order, idempotency_key)
        if known:
            return known
        customer = Customer(id=_new_id("cus"), name=order.name, idempotency_key=idempotency_key)
        self._keep(customer)
        return customer

    def attach(self, *, customer: str, token: str) -> PaymentMethod:
        """Keep the payment method behind a token for the customer."""
        self._find(Customer, customer)
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
        known = self._known(Charge, order, idempotency_key)
        if known:
            return known, False
        method = self.method(order.payment_method)
        if method.customer != order.customer:
            raise _missing(PaymentMethod)
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
        known = self._known(Refund, order, idempotency_key)
        if known:
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
        known = self._known(Page, order, idempotency_key)
        if known:
            return known
        self._find(Customer, order.customer)
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
        return self._find(PaymentMethod, reference)

    def find(self, charge_id: str) -> Charge:
        """Return a charge."""
        return self._find(Charge, charge_id)

    def page(self, page_id: str) -> Page:
        """Return a page."""
        return self._find(Page, page_id)

    def charges(self, *, idempotency_key: str | None = None) -> list[Charge]:
        """Return every charge in the order it was asked for, or only that of one key."""
        if idempotency_key is None:
            return self._all(Charge)
        made = self._made.get((Charge, idempotency_key))
        return [self.find(made)] if made else []

    def refunds(self) -> list[Refund]:
        """Return every refund in the order it was asked for, those refused as well."""
        return self._all(Refund)

    def _known(self, kind: type[Made], order: Order, idempotency_key: str) -> Made | None:
        """Return what was made with a key before; raises `ProviderRefusal` if that was something else."""
        made = self._made.get((kind, idempotency_key))
        if made is None:
            return None
        known = self._find(kind, made)
        if any(getattr(known, field) != getattr(order, field) for field in order.__struct_fields__):
            message = "This idempotency key was used with other parameters."
            raise ProviderRefusal(409, code="idempotency_error", message=message)
        return known

    def _find(self, kind: type[Made], reference: str) -> Made:
        record = self._records.get(reference)
        if not isinstance(record, kind):
            raise _missing(kind)
        return record

    def _all(self, kind: type[Made]) -> list[Made]:
        return [record for record in self._records.values() if isinstance(record, kind)]

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
        if isinstance(record, Charge):
            self._charges_of_method[record.payment_method] += record.id not in self._records
        if isinstance(record, Refund) and record.status == "succeeded":
            self._refunded_cents[record.charge] += record.amount_cents
        self._records[record.id] = record
        if not isinstance(record, PaymentMethod):
            self._made[type(record), record.idempotency_key] = record.id


def _new_id(prefix: str) -> str:
    return f"{prefix}_{uuid4().hex}"


def _missing(kind: type[Record]) -> ProviderRefusal:
    name = str(kind.__struct_config__.tag).replace("_", " ")
    return ProviderRefusal(404, code="resource_missing", message=f"No such {name}.")
