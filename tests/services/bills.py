"""Reading what was billed."""

from __future__ import annotations

from datetime import date

from tests.services.world import Company, World

CENTS_A_SEGMENT = 6


async def units_billed(world: World, company: Company, start: date) -> int:
    """Give the segments of a month, fewer than 500, that were billed over all invoices."""
    cents = await world.value(
        "SELECT coalesce(sum(amount_cents), 0) FROM invoice_lines WHERE account_id = :a AND key = :key",
        a=company.account_id,
        key=f"usage:SMS_SEGMENT:{start}",
    )
    units, rest = divmod(int(cents), CENTS_A_SEGMENT)
    assert rest == 0
    return units


async def lines(world: World, company: Company, number: int) -> list[tuple[str, int]]:
    """Give the lines of an invoice: what is charged for, and the amount in cents."""
    rows = await world.run(
        "SELECT l.key, l.amount_cents FROM invoice_lines l JOIN invoices i "
        "ON i.account_id = l.account_id AND i.id = l.invoice_id "
        "WHERE i.account_id = :a AND i.number = :n ORDER BY l.position",
        a=company.account_id,
        n=number,
    )
    return [(row.key, row.amount_cents) for row in rows]
