"""What is written in bulk and read in sums is what the plain ways would write and read."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import takewhile
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from adapters import ingest
from adapters.ingest import EventRow
from adapters.queries import histories
from adapters.rowsets import insert_rows
from adapters.tables.columns import Record
from adapters.tables.invoices import Invoice, InvoiceLine
from adapters.tables.subscriptions import Subscription
from domain.calendar import month_of, months_from
from domain.pricebook import Metric
from domain.rated import usage_totals
from domain.rating import TierPart
from tests.adapters import rows
from tests.adapters.sending import event, new_sender, resolution

Sessions = async_sessionmaker[AsyncSession]

pytestmark = pytest.mark.usefixtures("price_book")

TIERS = [{"first": 1, "last": None, "units": 7, "price": 350_000}]


async def test_rows_written_as_a_set_equal_those_written_one_by_one(sessions: Sessions) -> None:
    stored = []
    for is_a_set in (False, True):
        contract = await _subscribed(sessions)
        bill = _values(
            rows.invoice(contract), without={"issued_in", "known_at", "ladder_step", "dunning_state"}
        )
        line = rows.invoice_line(Invoice(**bill), tiers=TIERS, causes=[3, 7], change_key="é")
        async with sessions.begin() as session:
            for table, values in ((Invoice, [bill]), (InvoiceLine, [_values(line)])):
                if is_a_set:
                    await insert_rows(session, table, values)
                else:
                    await session.execute(insert(table), values)
        stored.append(await _stored_bill(sessions, contract))

    assert stored[0] == stored[1]


async def test_a_tier_is_written_as_its_fields(sessions: Sessions) -> None:
    contract = await _subscribed(sessions)
    bill = rows.invoice(contract)
    line = rows.invoice_line(bill, tiers=[TierPart(first=1, last=None, units=7, price=350_000)])

    async with sessions.begin() as session:
        await insert_rows(session, Invoice, [_values(bill, without={"issued_in", "known_at"})])
        await insert_rows(session, InvoiceLine, [_values(line)])

    (_, lines) = await _stored_bill(sessions, contract)
    assert lines[0]["tiers"] == TIERS


@pytest.mark.parametrize("seed", range(6))
async def test_a_batch_is_recorded_alike_by_either_insert(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    batches = _batches(seed)
    told = []
    for plain_from in (1, 10**9):
        monkeypatch.setattr(ingest, "PLAIN_FROM", plain_from)
        sender = await new_sender(sessions)
        outcomes = [await sender.send(*batch) for batch in batches]
        told.append((outcomes, await sender.totals(), await sender.standing(), await sender.stored()))
        assert await sender.totals() == await sender.totals_recomputed()

    assert told[0] == told[1]


@pytest.mark.parametrize("seed", range(10))
async def test_the_totals_of_periods_are_the_sums_of_their_days(sessions: Sessions, seed: int) -> None:
    chance = random.Random(seed)
    anchor = date(2026, 1, chance.choice((1, 15, 28, 29, 30, 31)))
    running = month_of(anchor, anchor + timedelta(days=chance.randrange(40, 150)))
    contract = await _subscribed(
        sessions, anchor_on=anchor, period_start=running.start, period_end=running.end
    )
    days = await _use(sessions, contract.account_id, anchor, chance)
    since = month_of(anchor, running.start - timedelta(days=chance.randint(1, 60))).start

    async with sessions() as session:
        periods = takewhile(lambda month: month.start < running.end, months_from(anchor, max(since, anchor)))
        usage = await histories._usage(session, {contract.account_id: list(periods)})

    period = month_of(anchor, max(since, anchor))
    while period.start < running.end:
        assert usage_totals(usage[contract.account_id], period) == usage_totals(days, period)
        period = month_of(anchor, period.end)


async def _subscribed(sessions: Sessions, **given: Any) -> Subscription:
    owner = rows.account()
    contract = rows.subscription(owner.account_id, **given)
    async with sessions.begin() as session:
        session.add_all([owner, contract])
    return contract


async def _stored_bill(sessions: Sessions, contract: Subscription) -> tuple[Any, list[dict[str, Any]]]:
    """The invoice and lines of a subscription, but for what is of this one alone."""
    own = {"account_id", "subscription_id", "invoice_id", "id", "issued_in", "known_at"}
    found = []
    async with sessions() as session:
        for table in ("invoices", "invoice_lines"):
            query = text(f"SELECT * FROM {table} WHERE account_id = :account")
            read = await session.execute(query, {"account": contract.account_id})
            found.append([{k: v for k, v in row.items() if k not in own} for row in read.mappings()])
    return found[0][0], found[1]


async def _use(
    sessions: Sessions, account_id: UUID, anchor: date, chance: random.Random
) -> dict[tuple[Metric, date], int]:
    """Give two workspaces usage on random days, and the account's units by metric and day."""
    units: dict[tuple[Metric, date], int] = {}
    records: list[Record] = []
    for _ in range(2):
        desk = rows.workspace(account_id)
        records.append(desk)
        for number in chance.sample(range(200), 60):
            metric, day = chance.choice(list(Metric)), anchor + timedelta(days=number)
            count = chance.randint(1, 1000)
            records.append(rows.usage_day(desk, metric=metric.value, day=day, units=count))
            units[metric, day] = units.get((metric, day), 0) + count
    async with sessions.begin() as session:
        session.add_all(records)
    return units


def _batches(seed: int) -> Sequence[Sequence[EventRow]]:
    """Batches with repeats, contradictions and rivals for a conversation, some of them all new."""
    chance = random.Random(seed)
    batches = [[event(f"new-{seed}-{number}", day=chance.randint(1, 9)) for number in range(300)]]
    for _ in range(8):
        batch = []
        for _ in range(chance.randint(1, 60)):
            name = f"e{chance.randrange(150)}ü"
            if chance.random() < 0.3:
                batch.append(resolution(name, f"c{chance.randrange(40)}", day=chance.randint(1, 4)))
            else:
                said = {"properties": {"to": "é\u2028"}} if chance.random() < 0.2 else {}
                batch.append(event(name, day=chance.randint(1, 4), quantity=chance.randint(1, 3), **said))
        batches.append(batch)
    return batches


def _values(record: Record, *, without: set[str] | None = None) -> dict[str, Any]:
    names = type(record).model_fields.keys() - (without or set())
    return {name: getattr(record, name) for name in sorted(names)}


async def test_a_failed_insert_leaves_the_transaction_as_it_was(sessions: Sessions) -> None:
    sender = await new_sender(sessions)
    known = [event(f"k{number}") for number in range(ingest.PLAIN_FROM)]
    await sender.send(*known)

    async with sessions.begin() as session:
        first = await sender.send_in(session, event("before"))
        again = await sender.send_in(session, *known, event("z-new"))

    assert [*first, again[-1]] == [ingest.Recorded.ACCEPTED] * 2
    assert set(again[:-1]) == {ingest.Recorded.DUPLICATE}
    assert await sender.totals() == [("SMS_SEGMENT", 1, "", ingest.PLAIN_FROM + 2, ingest.PLAIN_FROM + 2)]
