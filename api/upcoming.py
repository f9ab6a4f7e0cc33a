"""Invoices to come (section 5), in the shape of issued ones: the next one, and what a change would issue at once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import strawberry

from adapters.tables import invoices as tables
from api.lines import InvoiceSectionGroup, grouped, issued_sections, made_line
from api.periods import Period, dates, period
from api.scalars import Money, money
from services.previews import NextInvoice


@strawberry.type(
    description="The next invoice, if nothing more happens: worked out as the invoice itself will be."
)
class UpcomingInvoice:
    """A preview."""

    invoice_on: date = strawberry.field(description="The date it will be issued.")
    period: Period = strawberry.field(description="The period that runs.")
    total: Money = strawberry.field(description="The sum of its lines.")
    credit_applied: Money = strawberry.field(
        description="Credit that will lower what is due; below zero, a debt added."
    )
    due: Money = strawberry.field(description="What will be charged.")
    sections: list[InvoiceSectionGroup] = strawberry.field(description="Its lines by section.")


def upcoming_invoice(preview: NextInvoice | None) -> UpcomingInvoice | None:
    """Show the next invoice, if there will be one."""
    if preview is None:
        return None
    return UpcomingInvoice(
        invoice_on=preview.invoice_on,
        period=period(preview.period),
        total=money(preview.total),
        credit_applied=money(preview.settlement.applied),
        due=money(preview.settlement.due),
        sections=grouped(
            [made_line(preview.account_id, line) for line in preview.lines], is_yearly=preview.is_yearly
        ),
    )


def issued_as_upcoming(row: tables.Invoice, lines: Iterable[tables.InvoiceLine]) -> UpcomingInvoice:
    """Show an invoice that a previewed change would issue."""
    return UpcomingInvoice(
        invoice_on=row.invoice_on,
        period=dates(row.period_start, row.period_end),
        total=money(row.total_cents),
        credit_applied=money(row.credit_applied_cents),
        due=money(row.due_cents),
        sections=issued_sections(row, lines),
    )
