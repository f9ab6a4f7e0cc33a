"""Many rows in one INSERT: each column goes as one array, and triggers that look at whole statements look once.

COPY would take some less, but PostgreSQL refuses it where row security is in force.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import orjson
from sqlalchemy import TextClause, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.recording import note_created
from adapters.tables.columns import Record, metadata

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


async def insert_rows(session: AsyncSession, table: type[Record], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that name the same columns; the other columns take the server's defaults.

    No column may be an array. What the session holds back is flushed first, for the rows may refer to it. Raises
    IntegrityError, after which the transaction is over.
    """
    if not rows:
        return
    name, columns = str(table.__tablename__), tuple(rows[0])
    json = {column for column in columns if isinstance(metadata.tables[name].columns[column].type, JSONB)}
    values = {
        column: [_to_json(row[column]) for row in rows] if column in json else [row[column] for row in rows]
        for column in columns
    }
    await session.flush()
    note_created(session, table, rows)
    await session.execute(_insert(name, columns), values)


@cache
def _insert(table: str, columns: tuple[str, ...]) -> TextClause:
    types = [metadata.tables[table].columns[column].type for column in columns]
    names = ", ".join(f'"{column}"' for column in columns)
    arrays = ", ".join(
        f"CAST(:{column} AS {'text' if isinstance(kind, JSONB) else kind.compile(_DIALECT)}[])"
        for column, kind in zip(columns, types, strict=True)
    )
    taken = ", ".join(
        f'"{column}"::jsonb' if isinstance(kind, JSONB) else f'"{column}"'
        for column, kind in zip(columns, types, strict=True)
    )
    return text(f"INSERT INTO {table} ({names}) SELECT {taken} FROM unnest({arrays}) AS sent ({names})")


def _to_json(value: object) -> str | None:
    return None if value is None else orjson.dumps(value).decode()
