"""Refunds (section 11): credit that is paid back to where a payment came from, by staff and with a reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from domain.dunning import AttemptStatus
from domain.money import show_cents
from domain.refusal import Refusal


class RefundStatus(StrEnum):
    """Where a refund stands; UNKNOWN means the provider's answer was lost and is asked for again."""

    PENDING = "PENDING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"


class RefundEvent(StrEnum):
    """What can happen to a refund."""

    PAID_BACK = "PAID_BACK"
    REFUSED = "REFUSED"
    ANSWER_LOST = "ANSWER_LOST"


NEXT: Mapping[tuple[RefundStatus, RefundEvent], RefundStatus] = {
    (RefundStatus.PENDING, RefundEvent.PAID_BACK): RefundStatus.SUCCEEDED,
    (RefundStatus.PENDING, RefundEvent.REFUSED): RefundStatus.FAILED,
    (RefundStatus.PENDING, RefundEvent.ANSWER_LOST): RefundStatus.UNKNOWN,
    (RefundStatus.UNKNOWN, RefundEvent.PAID_BACK): RefundStatus.SUCCEEDED,
    (RefundStatus.UNKNOWN, RefundEvent.REFUSED): RefundStatus.FAILED,
    (RefundStatus.UNKNOWN, RefundEvent.ANSWER_LOST): RefundStatus.UNKNOWN,
    # A bank may send money back days after the provider said that it went out.
    (RefundStatus.SUCCEEDED, RefundEvent.REFUSED): RefundStatus.FAILED,
}


@dataclass(eq=False)
class PaymentNotTaken(Refusal):
    """The payment took no money that could be given back."""

    template = "The payment is {status}; only one that succeeded can be refunded."
    status: str


@dataclass(eq=False)
class RefundTooLarge(Refusal):
    """A refund pays credit back, and no more than the payment took."""

    template = (
        "At most {most} can be refunded of this payment now; {asked} was asked for. A refund pays the account's credit "
        "back: make a credit note on the paid invoice first."
    )
    most: str
    asked: str


def check_refund(*, status: str, taken: int, refunded: int, credit: int, amount: int) -> None:
    """Refuse a refund beyond the account's credit or what is left of the payment; amounts in cents.

    Raises PaymentNotTaken, RefundTooLarge.
    """
    if status != AttemptStatus.SUCCEEDED:
        raise PaymentNotTaken(status)
    most = max(0, min(taken - refunded, credit))
    if not 1 <= amount <= most:
        raise RefundTooLarge(show_cents(most), show_cents(amount))
