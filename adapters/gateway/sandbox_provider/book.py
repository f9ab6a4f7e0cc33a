"""What the provider remembers: customers, payment methods and charges, each idempotency key once.

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
from adapters.gateway.sandbox_provider.tokens import TOKENS, Kind
from adapters.gateway.sandbox_provider.wire import ChargeOrder, ProviderRefusal


class Customer(msgspec.Struct, frozen=True, tag="customer", tag_field="object"):
    """Somebody who pays."""

    id: str
    name: str
    idempotency_key: str


class PaymentMethod(msgspec.Struct, frozen=True, tag="payment_method", tag_field="object"):
    """A way to pay, kept for a customer."""

    id: str
    customer: str
    token: str
    brand: str
    last4: str
    kind: Kind


class Charge(ChargeOrder, frozen=True, kw_only=True, tag="charge", tag_field="object"):
    """An order that was decided."""

    id: str
    idempotency_key: str
    status: Literal["succeeded", "declined"]
    decline_code: str | None
    created_at: datetime

    def is_for(self, order: ChargeOrder) -> bool:
        """Return whether the order asks for just this charge."""
        return all(getattr(self, field) == getattr(order, field) for field in ChargeOrder.__struct_fields__)


Record = Customer | PaymentMethod | Charge


class Book:
    """The provider's memory, and its journal if it has one."""

    def __init__(self, journal: Path | None = None) -> None:
        self._customers: dict[str, Customer] = {}
        self._customers_by_key: dict[str, Customer] = {}
        self._methods: dict[str, PaymentMethod] = {}
        self._charges_by_key: dict[str, Charge] = {}
        self._charges_of_method: Counter[str] = Counter()
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
        """Return the charge of this key, and whether it was made just now."""
        known = self._charges_by_key.get(idempotency_key)
        if known is not None:
            if not known.is_for(order):
                raise _key_used_for_something_else()
            return known, False
        method = self.method(order.payment_method)
        if method.customer != order.customer:
            raise _missing("payment method")
        code = TOKENS[method.token].decides(earlier_charges=self._charges_of_method[method.id])
        charge = Charge(
            **msgspec.structs.asdict(order),
            id=_new_id("ch"),
            idempotency_key=idempotency_key,
            status="declined" if code else "succeeded",
            decline_code=code,
            created_at=datetime.now(UTC),
        )
        self._keep(charge)
        return charge, True

    def method(self, reference: str) -> PaymentMethod:
        """Return a stored payment method."""
        if reference not in self._methods:
            raise _missing("payment method")
        return self._methods[reference]

    def charges(self, *, idempotency_key: str | None = None) -> list[Charge]:
        """Return every charge in the order it was decided, or only that of one key."""
        if idempotency_key is None:
            return list(self._charges_by_key.values())
        found = self._charges_by_key.get(idempotency_key)
        return [found] if found else []

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
                self._charges_by_key[record.idempotency_key] = record
                self._charges_of_method[record.payment_method] += 1


def _new_id(prefix: str) -> str:
    return f"{prefix}_{uuid4().hex}"


def _missing(what: str) -> ProviderRefusal:
    return ProviderRefusal(404, code="resource_missing", message=f"No such {what}.")


def _key_used_for_something_else() -> ProviderRefusal:
    message = "This idempotency key was used with other parameters."
    return ProviderRefusal(409, code="idempotency_error", message=message)
