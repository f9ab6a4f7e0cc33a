"""Test clocks: a time that stands still until somebody advances it."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlmodel import Field

from adapters.tables.columns import Record, String, check


class TestClock(Record, table=True):
    """A clock; `target_at` is where an advance in progress is heading.

    Whoever advances it holds it until `lease_until`.
    """

    __test__: ClassVar[bool] = False
    __tablename__ = "test_clocks"
    __table_args__ = (check("target_at", "target_at >= now_at"),)

    id: UUID = Field(primary_key=True)
    name: String
    now_at: datetime
    target_at: datetime | None = None
    lease_until: datetime | None = None
    created_at: datetime
