"""Pairs of account and place as one parameter each: a query may ask for more of them than a statement has parameters."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import BigInteger, Select, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as PG_UUID


def pairs(places: Collection[tuple[UUID, int]]) -> Select[tuple[UUID, int]]:
    """Give pairs of account and place as rows."""
    accounts = literal([account_id for account_id, _ in places], ARRAY(PG_UUID))
    positions = literal([position for _, position in places], ARRAY(BigInteger))
    return select(func.unnest(accounts), func.unnest(positions))
