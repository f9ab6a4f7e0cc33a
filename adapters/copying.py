"""Many rows in one COPY: a third of the work of an INSERT, and triggers that look at whole statements look once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import asyncpg
import orjson
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.recording import note_created
from adapters.tables.columns import Record, metadata


async def copy_rows(session: AsyncSession, table: type[Record], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that name the same columns; the other columns take the server's defaults.

    What the session holds back is flushed first, for the rows may refer to it. Raises asyncpg's own errors, such as
    UniqueViolationError, for SQLAlchemy does not see the statement.
    """
    if not rows:
        return
    stored = metadata.tables[str(table.__tablename__)]
    names = list(rows[0])
    columns = [
        list(map(_to_json, _column(rows, name)))
        if isinstance(stored.columns[name].type, JSONB)
        else _column(rows, name)
        for name in names
    ]
    await session.flush()
    note_created(session, table, rows)
    await copy_records(session, stored.name, names=names, records=zip(*columns, strict=True))


async def copy_records(
    session: AsyncSession, table: str, *, names: Sequence[str], records: Iterable[tuple[object, ...]]
) -> None:
    """Insert tuples in the order of the named columns, in the session's transaction; JSON is given as text.

    What fails is undone to a savepoint, so that the transaction can go on.
    """
    lent = await (await session.connection()).get_raw_connection()
    driver = lent.driver_connection
    assert isinstance(driver, asyncpg.Connection)  # noqa: S101  the engine knows no other driver
    if not driver.is_in_transaction():
        # SQLAlchemy begins with the first statement of its own.
        await session.execute(text("SELECT 1"))
    async with driver.transaction():
        await driver.copy_records_to_table(table, columns=list(names), records=records)


def _column(rows: Iterable[Mapping[str, Any]], name: str) -> list[Any]:
    return [row[name] for row in rows]


def _to_json(value: object) -> str | None:
    return None if value is None else orjson.dumps(value).decode()
