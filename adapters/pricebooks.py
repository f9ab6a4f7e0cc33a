"""Price books in the store: the one shipped with Prorata is put there, and every version is read once a process."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from importlib import resources
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from adapters.queries import accounts as queries
from adapters.recording import note_created
from adapters.tables.pricebooks import PriceBook as PriceBookRow
from domain.pricebook import PriceBook, read_price_book

_read: dict[int, PriceBook] = {}


def shipped() -> dict[str, Any]:
    """Give the price book document shipped with Prorata."""
    document: dict[str, Any] = json.loads(
        resources.files("domain").joinpath("pricebook.json").read_text("utf-8")
    )
    return document


async def publish_shipped(session: AsyncSession, *, now: datetime) -> PriceBook:
    """Put the price book shipped with Prorata in the store; done again, it changes nothing."""
    return await publish(session, shipped(), now=now)


async def publish(session: AsyncSession, document: Mapping[str, Any], *, now: datetime) -> PriceBook:
    """Store a version; one that is stored already stays as it is. Raises InvalidPriceBook."""
    book = read_price_book(document)
    row = {
        "version": book.version,
        "effective_on": book.effective_on,
        "content": dict(document),
        "created_at": now,
    }
    added = insert(PriceBookRow).values(row).on_conflict_do_nothing().returning(col(PriceBookRow.version))
    if (await session.execute(added)).all():
        note_created(session, PriceBookRow, [row])
    return book


async def books(session: AsyncSession) -> Mapping[int, PriceBook]:
    """Give every version in the store by number."""
    rows = await queries.price_books(session)
    for row in rows:
        if row.version not in _read:
            _read[row.version] = read_price_book(row.content)
    return {row.version: _read[row.version] for row in rows}


async def book(session: AsyncSession, version: int) -> PriceBook:
    """Give one version; what was read once is not read again, for a stored version never changes."""
    return _read[version] if version in _read else (await books(session))[version]


async def books_of(session: AsyncSession, versions: Iterable[int]) -> Mapping[int, PriceBook]:
    """Give every version known, the named ones surely among them."""
    return _read if _read.keys() >= set(versions) else await books(session)


async def current(session: AsyncSession, *, on: date) -> PriceBook:
    """Give the version in force on a date: what a new subscription signs (section 3)."""
    known = await books(session)
    return max(
        (book for book in known.values() if book.effective_on <= on),
        key=lambda book: (book.effective_on, book.version),
    )
