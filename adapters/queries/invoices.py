"""Invoices, their lines and payment attempts: reads by key and keyset, and the bulk writes of a close."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, func, literal, select, tuple_
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from adapters.rowsets import insert_rows
from adapters.tables.invoices import CreditNote, Invoice, InvoiceLine
from adapters.tables.ledger import LedgerEntry
from adapters.tables.payments import IN_FLIGHT, PaymentAttempt
from adapters.tables.providerevents import ProviderEvent

Key = tuple[UUID, UUID]


async def write(
    session: AsyncSession,
    *,
    invoices: Sequence[Mapping[str, Any]],
    lines: Sequence[Mapping[str, Any]],
    entries: Sequence[Mapping[str, Any]],
) -> None:
    """Insert the invoices of a close, their lines and their ledger entries, one statement a table."""
    await insert_rows(session, Invoice, invoices)
    await insert_rows(session, InvoiceLine, lines)
    await insert_rows(session, LedgerEntry, entries)


async def find(session: AsyncSession, *, account_id: UUID, invoice_id: UUID) -> Invoice | None:
    """Give an invoice of an account, as it stands now."""
    return await session.get(Invoice, (account_id, invoice_id), populate_existing=True)


async def find_many(session: AsyncSession, keys: Iterable[Key]) -> dict[Key, Invoice]:
    """Give invoices by account and id."""
    query = select(Invoice).where(tuple_(col(Invoice.account_id), col(Invoice.id)).in_(list(keys)))
    return {(row.account_id, row.id): row for row in await session.scalars(query)}


async def page(
    session: AsyncSession, *, account_id: UUID, before_number: int | None, limit: int
) -> list[Invoice]:
    """Give an account's invoices, newest first, from a number down."""
    query = (
        select(Invoice)
        .where(col(Invoice.account_id) == account_id)
        .order_by(col(Invoice.number).desc())
        .limit(limit)
    )
    if before_number is not None:
        # A cursor holds any number; one past the column's own range comes after every invoice.
        query = query.where(col(Invoice.number) < literal(before_number, BigInteger))
    return list(await session.scalars(query))


async def lines(session: AsyncSession, keys: Iterable[Key]) -> dict[Key, list[InvoiceLine]]:
    """Give the lines of invoices in their order, by account and invoice."""
    wanted = list(keys)
    query = (
        select(InvoiceLine)
        .where(tuple_(col(InvoiceLine.account_id), col(InvoiceLine.invoice_id)).in_(wanted))
        .order_by(col(InvoiceLine.account_id), col(InvoiceLine.invoice_id), col(InvoiceLine.position))
    )
    found: dict[Key, list[InvoiceLine]] = {key: [] for key in wanted}
    for row in await session.scalars(query):
        found[row.account_id, row.invoice_id].append(row)
    return found


async def attempts(session: AsyncSession, keys: Iterable[Key]) -> dict[Key, list[PaymentAttempt]]:
    """Give the payment attempts of invoices, first to last, by account and invoice."""
    wanted = list(keys)
    query = (
        select(PaymentAttempt)
        .where(tuple_(col(PaymentAttempt.account_id), col(PaymentAttempt.invoice_id)).in_(wanted))
        .order_by(col(PaymentAttempt.attempt))
    )
    found: dict[Key, list[PaymentAttempt]] = {key: [] for key in wanted}
    for row in await session.scalars(query):
        found[row.account_id, row.invoice_id].append(row)
    return found


async def attempt(session: AsyncSession, *, account_id: UUID, attempt_id: UUID) -> PaymentAttempt | None:
    """Give a payment attempt of an account, as it stands now."""
    return await session.get(PaymentAttempt, (account_id, attempt_id), populate_existing=True)


async def attempts_page(
    session: AsyncSession, *, account_id: UUID, before: UUID | None, limit: int
) -> list[PaymentAttempt]:
    """Give an account's payment attempts, newest first; their ids grow with time."""
    query = (
        select(PaymentAttempt)
        .where(col(PaymentAttempt.account_id) == account_id)
        .order_by(col(PaymentAttempt.id).desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(col(PaymentAttempt.id) < before)
    return list(await session.scalars(query))


async def open_invoices(session: AsyncSession, *, account_id: UUID) -> list[Invoice]:
    """Give an account's open invoices, oldest first."""
    query = (
        select(Invoice)
        .where(col(Invoice.account_id) == account_id, col(Invoice.status) == "OPEN")
        .order_by(col(Invoice.number))
        .execution_options(populate_existing=True)
    )
    return list(await session.scalars(query))


async def dues(session: AsyncSession, account_ids: Iterable[UUID]) -> dict[UUID, list[int]]:
    """Give what each open invoice leaves to pay, in cents, oldest first, but for those with a charge on its way."""
    wanted = list(account_ids)
    on_its_way = (
        select(PaymentAttempt)
        .where(
            col(PaymentAttempt.account_id) == col(Invoice.account_id),
            col(PaymentAttempt.invoice_id) == col(Invoice.id),
            col(PaymentAttempt.status).in_(IN_FLIGHT),
        )
        .exists()
    )
    query = (
        select(col(Invoice.account_id), col(Invoice.due_cents))
        .where(col(Invoice.account_id).in_(wanted), col(Invoice.status) == "OPEN", ~on_its_way)
        .order_by(col(Invoice.account_id), col(Invoice.number))
    )
    found: dict[UUID, list[int]] = {account_id: [] for account_id in wanted}
    for account_id, due in await session.execute(query):
        found[account_id].append(due)
    return found


async def due_sums(session: AsyncSession, account_ids: Iterable[UUID]) -> dict[UUID, int]:
    """Add up what accounts' open invoices leave to pay, in cents; accounts without any are absent."""
    query = (
        select(col(Invoice.account_id), func.sum(col(Invoice.due_cents)))
        .where(col(Invoice.account_id).in_(list(account_ids)), col(Invoice.status) == "OPEN")
        .group_by(col(Invoice.account_id))
    )
    return {account_id: int(due) for account_id, due in await session.execute(query)}


async def invoices_being_charged(session: AsyncSession, *, account_id: UUID) -> set[UUID]:
    """Name the invoices of an account that have a payment attempt without an outcome."""
    query = select(col(PaymentAttempt.invoice_id)).where(
        col(PaymentAttempt.account_id) == account_id, col(PaymentAttempt.status).in_(IN_FLIGHT)
    )
    return set(await session.scalars(query))


async def take_provider_event(session: AsyncSession, *, event_id: str, kind: str, now: datetime) -> bool:
    """Note a webhook as taken; False when it was taken before, also by somebody at the same time."""
    row = {"id": event_id, "kind": kind, "received_at": now}
    statement = upsert(ProviderEvent).values(row).on_conflict_do_nothing()
    return (await session.scalar(statement.returning(col(ProviderEvent.id)))) is not None


async def credited(session: AsyncSession, *, account_id: UUID, invoice_id: UUID) -> int:
    """Add up the credit notes of an invoice, in cents."""
    query = select(func.coalesce(func.sum(col(CreditNote.amount_cents)), 0)).where(
        col(CreditNote.account_id) == account_id, col(CreditNote.invoice_id) == invoice_id
    )
    return int((await session.scalar(query)) or 0)


async def credit_notes(session: AsyncSession, keys: Iterable[Key]) -> dict[Key, list[CreditNote]]:
    """Give the credit notes of invoices, oldest first, by account and invoice."""
    wanted = list(keys)
    query = (
        select(CreditNote)
        .where(tuple_(col(CreditNote.account_id), col(CreditNote.invoice_id)).in_(wanted))
        .order_by(col(CreditNote.id))
    )
    found: dict[Key, list[CreditNote]] = {key: [] for key in wanted}
    for row in await session.scalars(query):
        found[row.account_id, row.invoice_id].append(row)
    return found


async def database_time(session: AsyncSession) -> datetime:
    """Give the database's own time."""
    now: datetime = (await session.execute(select(func.clock_timestamp()))).scalar_one()
    return now
