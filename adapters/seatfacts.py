"""Seat changes to facts of the rules: a corrected change keeps its place in the record and takes the corrected moment."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.seats import SeatChange, SeatType


class StoredChange(Protocol):
    """The columns of a seat change that the rules need."""

    teammate_id: UUID
    seat: str | None
    at: datetime
    position: int
    corrects: int | None


def seat_facts(rows: Iterable[StoredChange]) -> list[SeatChange]:
    """Read stored changes, in any order; of several corrections of one change the last recorded holds."""
    found: dict[int, SeatChange] = {}
    for row in sorted(rows, key=lambda row: row.position):
        order = row.corrects or row.position
        seat = SeatType(row.seat) if row.seat else None
        found[order] = SeatChange(str(row.teammate_id), seat, row.at, order)
    return list(found.values())
