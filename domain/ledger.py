"""Money moves are double-entry (section 11): each change posts entries in cents, debits positive, that add up to zero."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from domain.invoicing import Settlement


class LedgerAccount(StrEnum):
    """Where money stands: owed to us, earned, the customer's credit, received, given up, or on its way back."""

    RECEIVABLE = "RECEIVABLE"
    REVENUE = "REVENUE"
    CREDIT = "CREDIT"
    CASH = "CASH"
    WRITE_OFF = "WRITE_OFF"
    REFUND = "REFUND"


class MoveKind(StrEnum):
    """What moved money."""

    INVOICE_ISSUED = "INVOICE_ISSUED"
    CREDIT_APPLIED = "CREDIT_APPLIED"
    PAYMENT = "PAYMENT"
    CREDIT_NOTE = "CREDIT_NOTE"
    INVOICE_VOIDED = "INVOICE_VOIDED"
    WRITE_OFF = "WRITE_OFF"
    REFUND = "REFUND"
    REFUND_PAID = "REFUND_PAID"
    REFUND_FAILED = "REFUND_FAILED"


CUSTOMER = frozenset({LedgerAccount.RECEIVABLE, LedgerAccount.CREDIT})
"""What the customer owes and holds: their sum is the account's balance, what is owed in all."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One side of a money move, in cents; a debit is positive."""

    account: LedgerAccount
    amount: int


def issued(total: int, settlement: Settlement) -> tuple[Entry, ...]:
    """Post an issued invoice: its total as revenue, and the credit it used or became."""
    owed = max(total, 0)
    return _posted(
        Entry(LedgerAccount.REVENUE, -total),
        Entry(LedgerAccount.RECEIVABLE, owed),
        Entry(LedgerAccount.CREDIT, total - owed),
        *_applied(settlement.applied),
    )


def credit_applied(applied: int) -> tuple[Entry, ...]:
    """Post credit that lowers what an open invoice still owes; a negative amount raises it."""
    return _posted(*_applied(applied))


def paid(amount: int) -> tuple[Entry, ...]:
    """Post a payment received for an invoice."""
    return _posted(Entry(LedgerAccount.CASH, amount), Entry(LedgerAccount.RECEIVABLE, -amount))


def undone(total: int, *, applied: int, noted: int) -> tuple[Entry, ...]:
    """Post a void: the revenue not yet noted away and what is owed go, and credit that was used returns (section 5)."""
    left = total - noted
    return _posted(
        Entry(LedgerAccount.REVENUE, left),
        Entry(LedgerAccount.RECEIVABLE, applied - left),
        Entry(LedgerAccount.CREDIT, -applied),
    )


def written_off(due: int) -> tuple[Entry, ...]:
    """Post a write-off: what is still owed is given up; it stays billed (section 5)."""
    return _posted(Entry(LedgerAccount.WRITE_OFF, due), Entry(LedgerAccount.RECEIVABLE, -due))


def noted(amount: int, *, to_due: int) -> tuple[Entry, ...]:
    """Post a credit note: it lowers what is owed, and what is over that becomes credit (section 5)."""
    return _posted(
        Entry(LedgerAccount.REVENUE, amount),
        Entry(LedgerAccount.RECEIVABLE, -to_due),
        Entry(LedgerAccount.CREDIT, to_due - amount),
    )


def refund_begun(amount: int) -> tuple[Entry, ...]:
    """Post a refund on its way: credit that can no longer be used."""
    return _posted(Entry(LedgerAccount.CREDIT, amount), Entry(LedgerAccount.REFUND, -amount))


def refund_paid(amount: int) -> tuple[Entry, ...]:
    """Post a refund that the provider paid back."""
    return _posted(Entry(LedgerAccount.REFUND, amount), Entry(LedgerAccount.CASH, -amount))


def refund_failed(amount: int, *, was_paid: bool) -> tuple[Entry, ...]:
    """Post a refund that came to nothing, before or after the provider paid it: it is credit again."""
    source = LedgerAccount.CASH if was_paid else LedgerAccount.REFUND
    return _posted(Entry(source, amount), Entry(LedgerAccount.CREDIT, -amount))


def balance(credit_sum: int) -> int:
    """Give the account's credit balance in cents from the sum of its CREDIT entries, which credits make negative."""
    return -credit_sum


def _applied(applied: int) -> tuple[Entry, Entry]:
    return Entry(LedgerAccount.CREDIT, applied), Entry(LedgerAccount.RECEIVABLE, -applied)


def _posted(*entries: Entry) -> tuple[Entry, ...]:
    return tuple(entry for entry in entries if entry.amount)
