"""Rows as CSV that a spreadsheet opens without harm: RFC 4180, every text quoted, and no text taken for a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Final, TypeAlias

MEDIA_TYPE: Final = "text/csv; charset=utf-8; header=present"
# Signs a spreadsheet calculates on, their full-width forms, and blanks that it skips on the way to one.
RISKY: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")

Cell: TypeAlias = str | int | Decimal | date | None


def sheet(rows: Iterable[Sequence[Cell]]) -> bytes:
    """Write rows. Numbers stay numbers; text that would be calculated gets an apostrophe before it."""
    written = io.StringIO()
    # Quotes around every text keep it one cell also where semicolons part them.
    writer = csv.writer(written, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    writer.writerows([_cell(value) for value in row] for row in rows)
    return written.getvalue().encode(errors="replace")


def _cell(value: Cell) -> str | int | Decimal:
    if isinstance(value, str):
        return f"'{value}" if value.lstrip(" ").startswith(RISKY) else value
    if isinstance(value, date):
        return value.isoformat()
    return "" if value is None else value
