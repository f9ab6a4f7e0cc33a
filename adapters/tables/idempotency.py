"""Idempotency keys: what was done under each, and what was answered."""

from datetime import datetime

from sqlalchemy import Index

from adapters.tables.columns import Json, Key, Record, String, StringKey


class IdempotencyKey(Record, table=True):
    """A key of an account, written in the transaction of what was done under it.

    `fingerprint` is a digest of what was asked; `answer` is empty until just before the commit.
    """

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index("ix_idempotency_keys_created_at", "created_at"),)

    account_id: Key
    key: StringKey
    mutation: String
    fingerprint: bytes
    answer: Json
    created_at: datetime
