"""The words of an invoice's page: its sections with pairs and tiers, what it comes to, and where its payment stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from adapters.pdf import Block, Page, Part, Row, Sum, Tier
from adapters.tables.invoices import Invoice, InvoiceLine
from adapters.tables.payments import PaymentAttempt
from domain.calendar import Period, local_day, show_day
from domain.dunning import AttemptStatus
from domain.invoicing import InvoiceStatus
from domain.money import show_cents, show_price
from domain.refunds import RefundStatus
from domain.sections import Section, Stream
from services.documents import InvoiceDocument

STATUS_WORDS = {
    InvoiceStatus.OPEN: "Open",
    InvoiceStatus.PAID: "Paid",
    InvoiceStatus.UNCOLLECTIBLE: "Uncollectible",
    InvoiceStatus.VOID: "Void",
}


@dataclass(frozen=True, slots=True)
class Seller:
    """Who issues the invoices: a name, and lines such as address and tax number."""

    name: str
    lines: tuple[str, ...] = ()


def page(document: InvoiceDocument, *, seller: Seller) -> Page:
    """Write an invoice's page, with dates in the account's time zone (section 5)."""
    invoice = document.invoice
    state, note = _state(document)
    return Page(
        title=f"Invoice {invoice.number}",
        date=(invoice.invoice_on.year, invoice.invoice_on.month, invoice.invoice_on.day),
        seller=seller.name,
        seller_lines=seller.lines,
        customer=document.account.row.name,
        facts=(
            ("Invoice number", str(invoice.number)),
            ("Invoice date", show_day(invoice.invoice_on)),
            ("Billing period", str(Period(invoice.period_start, invoice.period_end))),
            ("Status", STATUS_WORDS[InvoiceStatus(invoice.status)]),
            ("Currency", "US dollars (USD)"),
        ),
        tone=invoice.status,
        state=state,
        state_note=note,
        parts=tuple(_parts(document)),
        sums=tuple(_sums(document)),
        notes=tuple(_notes(document)),
    )


def _parts(document: InvoiceDocument) -> Iterator[Part]:
    is_yearly = document.invoice.stream in {Stream.ADDITIONAL_USAGE, Stream.CHANGE}
    for section in Section:
        lines = [line for line in document.lines if line.section == section]
        if lines:
            yield Part(section.label(is_yearly=is_yearly), _total(lines), tuple(_blocks(lines)))


def _blocks(lines: Sequence[InvoiceLine]) -> Iterator[Block]:
    """Put the two lines of a proration pair together, with their net; any other line stands alone."""
    pairs: dict[str | int, list[InvoiceLine]] = {}
    for line in lines:
        pairs.setdefault(line.change_key or line.position, []).append(line)
    for pair in pairs.values():
        yield Block(tuple(_row(line) for line in pair), net=_net(pair) if len(pair) > 1 else None)


def _row(line: InvoiceLine) -> Row:
    return Row(
        description=line.description,
        service=_service(line),
        quantity="" if line.quantity is None else f"{line.quantity:,}",
        price="" if line.unit_price is None else show_price(line.unit_price),
        amount=show_cents(line.amount_cents),
        explanation=line.explanation,
        tiers=tuple(_tier(**part) for part in line.tiers),
    )


def _tier(first: int, last: int | None, units: int, price: int) -> Tier:
    reach = f"{first:,} and above" if last is None else f"{first:,} to {last:,}"
    return Tier(f"Units {reach}", f"{units:,}", show_price(price), show_price(units * price))


def _net(pair: Sequence[InvoiceLine]) -> Row:
    seats = sum(line.quantity or 0 for line in pair)
    return Row(
        description="Net of this change",
        service=_service(pair[0]),
        quantity=f"{seats:,}" if seats else "",
        price="",
        amount=_total(pair),
        explanation="",
    )


def _sums(document: InvoiceDocument) -> Iterator[Sum]:
    """Lead from the total to what is due; what no document accounts for was written off, or became credit."""
    invoice = document.invoice
    yield Sum("Total", show_cents(invoice.total_cents))
    if invoice.credit_applied_cents > 0:
        yield Sum("Paid from credit balance", show_cents(-invoice.credit_applied_cents))
    elif invoice.credit_applied_cents < 0:
        yield Sum("Earlier balance added", show_cents(-invoice.credit_applied_cents))
    for note in document.credit_notes:
        if note.to_due_cents:
            yield Sum(f"Credit note, {_day(document, note.at)}", show_cents(-note.to_due_cents))
    for attempt in _succeeded(document):
        day = _day(document, attempt.finished_at or attempt.created_at)
        yield Sum(f"Payment, {day}, {_card(attempt)}", show_cents(-attempt.amount_cents))
    if rest := _unaccounted(document):
        yield Sum(_REST_WORDS.get(invoice.status, "Added to credit balance"), show_cents(-rest))
    yield Sum("Amount due", show_cents(invoice.due_cents), is_strong=True)


_REST_WORDS: dict[Any, str] = {
    InvoiceStatus.UNCOLLECTIBLE: "Written off",
    InvoiceStatus.VOID: "Void, not to be paid",
}


def _unaccounted(document: InvoiceDocument) -> int:
    invoice = document.invoice
    noted = sum(note.to_due_cents for note in document.credit_notes)
    charged = sum(attempt.amount_cents for attempt in _succeeded(document))
    return invoice.total_cents - invoice.credit_applied_cents - noted - charged - invoice.due_cents


def _state(document: InvoiceDocument) -> tuple[str, str]:
    """Say in words where the payment stands, with a second sentence where there is more to say."""
    invoice, reason = document.invoice, document.invoice.closed_reason or ""
    match InvoiceStatus(invoice.status):
        case InvoiceStatus.OPEN:
            return f"{show_cents(invoice.due_cents)} due", _open_note(document)
        case InvoiceStatus.UNCOLLECTIBLE:
            return "Uncollectible", f"What was left to pay was written off. Reason: {reason}"
        case InvoiceStatus.VOID:
            return (
                "VOID",
                f"This invoice was cancelled and is not to be paid; what is due is billed on a later one. Reason: {reason}",
            )
        case InvoiceStatus.PAID:
            return _paid(document, invoice)


def _open_note(document: InvoiceDocument) -> str:
    last = document.attempts[-1] if document.attempts else None
    if last is None:
        return ""
    day = _day(document, last.created_at)
    if last.status in {AttemptStatus.PENDING, AttemptStatus.UNKNOWN}:
        return f"A payment of {show_cents(last.amount_cents)} of {day} is being processed."
    if last.status == AttemptStatus.ACTION_NEEDED:
        return f"The payment of {day} waits for the customer to confirm it with the bank."
    return f"The payment of {day} did not succeed. {last.reason or ''}"


def _paid(document: InvoiceDocument, invoice: Invoice) -> tuple[str, str]:
    if invoice.total_cents <= 0:
        credit = show_cents(-invoice.total_cents)
        return "Nothing to pay", f"{credit} was added to the credit balance." if invoice.total_cents else ""
    day = _day(document, invoice.paid_at or invoice.issued_at)
    if _succeeded(document):
        return f"Paid on {day}", ""
    if invoice.credit_applied_cents > 0:
        return f"Paid on {day}", "It was paid from the credit balance."
    return f"Settled on {day}", "It was settled by credit notes."


def _notes(document: InvoiceDocument) -> Iterator[str]:
    for note in document.credit_notes:
        became = note.amount_cents - note.to_due_cents
        credit = f", of which {show_cents(became)} became credit" if became else ""
        day, amount = _day(document, note.at), show_cents(note.amount_cents)
        yield f"Credit note of {day}: {amount}{credit}. Reason: {note.reason}"
    for refund in document.refunds:
        if refund.status != RefundStatus.FAILED:
            done = "paid back" if refund.status == RefundStatus.SUCCEEDED else "being paid back"
            day, amount = (
                _day(document, refund.finished_at or refund.created_at),
                show_cents(refund.amount_cents),
            )
            yield f"Refund of {day}: {amount} of the credit balance, {done}. Reason: {refund.reason}"
    yield (
        "Each amount is rounded once, on its line; the total is the sum of the lines. "
        f"Dates are days in the time zone {document.account.row.time_zone}, first and last day included."
    )


def _succeeded(document: InvoiceDocument) -> list[PaymentAttempt]:
    return [attempt for attempt in document.attempts if attempt.status == AttemptStatus.SUCCEEDED]


def _card(attempt: PaymentAttempt) -> str:
    """Name the card of a payment."""
    if attempt.card_brand and attempt.card_last4:
        return f"{attempt.card_brand.replace('_', ' ').title()} ending {attempt.card_last4}"
    return "by the stored method"


def _service(line: InvoiceLine) -> str:
    return str(Period(line.service_start, line.service_end))


def _total(lines: Sequence[InvoiceLine]) -> str:
    return show_cents(sum(line.amount_cents for line in lines))


def _day(document: InvoiceDocument, moment: datetime) -> str:
    return show_day(local_day(moment, document.account.zone))
