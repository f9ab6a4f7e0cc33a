"""The test tokens: what each one does, in one table.

A token stands for what a hosted page would give the browser. Whatever it does after a charge it does once: the same
idempotency key asked again is answered at once with what really happened.

| Token                      | At attach   | When charged                                                   |
|----------------------------|-------------|----------------------------------------------------------------|
| `tok_visa`                 | Visa        | succeeds                                                       |
| `tok_googlepay`            | Google Pay  | succeeds                                                       |
| `tok_applepay`             | Apple Pay   | succeeds                                                       |
| `tok_insufficient_funds`   | Visa        | declined, soft: insufficient_funds                             |
| `tok_declined`             | Visa        | declined, soft: generic_decline                                |
| `tok_do_not_honor`         | Visa        | declined, soft: do_not_honor                                   |
| `tok_expired`              | Visa        | declined, soft: expired_card                                   |
| `tok_processing_error`     | Visa        | declined, soft: processing_error                               |
| `tok_lost`                 | Visa        | declined, hard: lost_card                                      |
| `tok_stolen`               | Visa        | declined, hard: stolen_card                                    |
| `tok_closed`               | Visa        | declined, hard: account_closed                                 |
| `tok_invalid_account`      | Visa        | declined, hard: invalid_account                                |
| `tok_flaky`                | Visa        | the method's first two charges: insufficient_funds; then succeeds |
| `tok_timeout_after_charge` | Visa        | succeeds, then hangs past the client's timeout                 |
| `tok_error_after_charge`   | Visa        | succeeds, then answers 500                                     |
| `tok_action_needed`        | Visa        | waits for the customer, who confirms or refuses at the charge's page |
| `tok_no_refunds`           | Visa        | succeeds; every refund of it is refused                        |
| `tok_refused`              | refused     | -                                                              |
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from types import MappingProxyType
from typing import Literal

Kind = Literal["CARD", "GOOGLE_PAY", "APPLE_PAY"]


class AfterCharge(Enum):
    """What the provider does once the charge is decided."""

    ANSWER = auto()
    HANG = auto()
    FAIL = auto()


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One row of the table. `declines` is how many charges of a method are declined first; `None` means all."""

    last4: str
    brand: str = "visa"
    kind: Kind = "CARD"
    is_refused: bool = False
    decline_code: str | None = None
    declines: int | None = None
    after_charge: AfterCharge = AfterCharge.ANSWER
    needs_action: bool = False
    takes_no_refunds: bool = False

    @property
    def told(self) -> str:
        """What it does, in a few words."""
        if self.is_refused:
            return "is not kept"
        if self.needs_action:
            return "asks for a confirmation"
        if self.decline_code:
            return f"declined: {self.decline_code}" + (f", {self.declines} times" if self.declines else "")
        if self.takes_no_refunds:
            return "succeeds, refuses refunds"
        answers = {AfterCharge.HANG: ", then hangs", AfterCharge.FAIL: ", then answers 500"}
        return "succeeds" + answers.get(self.after_charge, "")

    def decides(self, *, earlier_charges: int) -> str | None:
        """Return the decline code of a method's next charge, or `None` if it succeeds."""
        if self.declines is None or earlier_charges < self.declines:
            return self.decline_code
        return None


TOKENS: Mapping[str, Behaviour] = MappingProxyType(
    {
        "tok_visa": Behaviour("4242"),
        "tok_googlepay": Behaviour("1111", kind="GOOGLE_PAY"),
        "tok_applepay": Behaviour("0005", brand="amex", kind="APPLE_PAY"),
        "tok_insufficient_funds": Behaviour("9995", decline_code="insufficient_funds"),
        "tok_declined": Behaviour("0002", decline_code="generic_decline"),
        "tok_do_not_honor": Behaviour("0003", decline_code="do_not_honor"),
        "tok_expired": Behaviour("0069", decline_code="expired_card"),
        "tok_processing_error": Behaviour("0119", decline_code="processing_error"),
        "tok_lost": Behaviour("9987", decline_code="lost_card"),
        "tok_stolen": Behaviour("9979", decline_code="stolen_card"),
        "tok_closed": Behaviour("0012", decline_code="account_closed"),
        "tok_invalid_account": Behaviour("0014", decline_code="invalid_account"),
        "tok_flaky": Behaviour("0341", decline_code="insufficient_funds", declines=2),
        "tok_timeout_after_charge": Behaviour("0408", after_charge=AfterCharge.HANG),
        "tok_error_after_charge": Behaviour("0500", after_charge=AfterCharge.FAIL),
        "tok_action_needed": Behaviour("3155", needs_action=True),
        "tok_no_refunds": Behaviour("5126", takes_no_refunds=True),
        "tok_refused": Behaviour("0101", is_refused=True),
    }
)
