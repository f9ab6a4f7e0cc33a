"""Idempotency keys: what was done under each, and what was answered."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index
from sqlmodel import Field

from adapters.tables.columns import Key, Record, String, StringKey


class IdempotencyKey(Record, table=True):
    """A key of an account, written in the transaction of what was done under it.

    `fingerprint` is a digest of what was asked; `answer` is empty until just before the commit. It is json and not
    jsonb, which refuses NUL: an event is answered for by its id, whatever that is.
    """

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index("ix_idempotency_keys_created_at", "created_at"),)

    account_id: Key
    key: StringKey
    mutation: String
    fingerprint: bytes
    answer: dict[str, Any] = Field(sa_type=JSON)
    created_at: datetime
