"""Closing periods: invoices a second of `close_chunk`, against raw COPY of the same invoices and their lines.

Each company has seat changes, an add-on and six metrics of daily totals: ten lines an invoice. The limit copies the
very rows that were just issued into twin tables with the same keys and foreign keys, as many at a time.
"""

from __future__ import annotations

import argparse
import os
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import uvloop

from adapters.gateway.sandbox import SandboxGateway
from benchmarks.rig.companies import account_day, copy_company, make_company
from benchmarks.rig.installation import WEBHOOK_SECRET, Addresses, Store, installed, opened
from benchmarks.rig.measure import Rival, Work, race, show
from services.due import CHUNK, close_chunk

STARTED_AT = datetime(2026, 1, 1, 9, tzinfo=UTC)
TWINS = (
    "CREATE TABLE twin_invoices (LIKE invoices INCLUDING ALL)",
    "ALTER TABLE twin_invoices ADD FOREIGN KEY (account_id, subscription_id) REFERENCES subscriptions",
    "CREATE TABLE twin_lines (LIKE invoice_lines INCLUDING ALL)",
    "ALTER TABLE twin_lines ADD FOREIGN KEY (account_id, invoice_id) REFERENCES twin_invoices",
    # Foreign keys are checked by plans that are made once: of an empty table, PostgreSQL would read all of it each time.
    "INSERT INTO twin_invoices SELECT * FROM invoices",
    "INSERT INTO twin_lines SELECT * FROM invoice_lines",
    "VACUUM ANALYZE",
)
INVOICES = "SELECT * FROM invoices WHERE number = (SELECT max(number) FROM invoices)"
LINES = """
    SELECT l.* FROM invoice_lines l JOIN invoices i ON (i.account_id, i.id) = (l.account_id, l.invoice_id)
    WHERE number = (SELECT max(number) FROM invoices)"""
# What must hold of every invoice issued here, each as a count of those of which it does not.
BROKEN = {
    "an invoice whose total is not the sum of its lines": """
        SELECT count(*) FROM invoices i WHERE total_cents <> (SELECT sum(amount_cents) FROM invoice_lines l
            WHERE (l.account_id, l.invoice_id) = (i.account_id, i.id))""",
    "a transaction out of balance": """
        SELECT count(*) FROM (SELECT 1 FROM ledger_entries GROUP BY account_id, transaction_id
            HAVING sum(amount_cents) <> 0) AS off""",
    "an account whose copy was billed otherwise": """
        SELECT count(DISTINCT bill) - 1 FROM (SELECT array_agg(total_cents ORDER BY number) AS bill
            FROM invoices GROUP BY account_id) AS billed""",
}


class Closes:
    """The rivals: each round the product closes one more month, and the limit copies what came of it."""

    def __init__(self, store: Store, *, companies: int) -> None:
        self.store = store
        self.companies = companies
        self.month = 0
        self.gateway = SandboxGateway("http://127.0.0.1:1", "no payment is made here", WEBHOOK_SECRET)
        self.invoices: list[tuple[Any, ...]] = []
        self.lines: dict[UUID, list[tuple[Any, ...]]] = {}

    async def next_month(self) -> Work:
        """Let the next month come to its end."""
        self.month += 1
        return self.close

    async def close(self) -> int:
        """Close that month for every company."""
        wall = account_day(STARTED_AT, months=self.month) + timedelta(minutes=1)
        closed = 0
        while done := await close_chunk(self.store.sessions, self.gateway, wall=wall):
            closed += done
        assert closed == self.companies
        return closed

    async def issued(self) -> Work:
        """Read what was issued for that month, to be copied."""
        self.invoices = list(map(tuple, await self.store.pool.fetch(INVOICES)))
        self.lines = {bill[0]: [] for bill in self.invoices}
        for line in await self.store.pool.fetch(LINES):
            self.lines[line["account_id"]].append(tuple(line))
        return self.copy

    async def copy(self) -> int:
        """Copy the invoices of that month and their lines, a chunk a transaction."""
        async with self.store.pool.acquire() as connection:
            for start in range(0, len(self.invoices), CHUNK):
                bills = self.invoices[start : start + CHUNK]
                lines = [line for bill in bills for line in self.lines[bill[0]]]
                async with connection.transaction():
                    await connection.copy_records_to_table("twin_invoices", records=bills)
                    await connection.copy_records_to_table("twin_lines", records=lines)
        return len(self.invoices)


async def main(addresses: Addresses, *, companies: int, rounds: int) -> None:
    """Race, check that nothing is amiss, and print."""
    async with opened(addresses, connections=2) as store:
        original = await make_company(store, started_at=STARTED_AT, months=rounds + 1)
        await copy_company(store.pool, original, times=companies - 1)
        for statement in TWINS:
            await store.pool.execute(statement)
        closes = Closes(store, companies=companies)
        mine = (os.getpid(),)
        rivals = [
            Rival("close_chunk", closes.next_month, mine),
            Rival("limit: COPY of the same rows", closes.issued, mine, is_limit=True),
        ]
        tallies = await race(rivals, rounds=rounds, postmaster=store.postmaster, settle=store.settle)
        for what, query in BROKEN.items():
            assert await store.number(query) == 0, what
        issued = await store.number("SELECT count(*) FROM twin_invoices WHERE number > 1")
        lines = sum(map(len, closes.lines.values()))
        assert issued == companies * (rounds + 1)
        print(f"{companies} companies, {lines / companies:.1f} lines an invoice, {CHUNK} a transaction")
        show(rivals, tallies, unit="invoices")
        await closes.gateway.aclose()


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--companies", type=int, default=1000)
    options.add_argument("--rounds", type=int, default=4)
    given = options.parse_args()
    with installed() as made:
        uvloop.run(main(made, companies=given.companies, rounds=given.rounds))
