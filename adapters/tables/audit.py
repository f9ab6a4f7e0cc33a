"""The audit log: what was done, by whom, in a chain for each account whose every entry holds a hash of the one before.

An entry is never changed or removed; a head moves on by one. No key leads to the account: what belongs to none is kept
under the nil UUID, and writing an entry locks nothing but the head.
"""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from sqlalchemy import BigInteger, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field

from adapters.tables.columns import (
    Bigint,
    Json,
    Key,
    OptionalString,
    Record,
    String,
    check,
    one_of,
    stored_default,
)

ACTOR_KINDS = ("KEY", "USER", "SYSTEM")

Strings = Annotated[list[str], Field(sa_type=ARRAY(Text))]


class AuditEntry(Record, table=True):
    """One thing done. `seq` counts from 1 in each chain; `hash` is worked out as domain.audit tells."""

    __tablename__ = "audit_entries"
    __table_args__ = (
        one_of("actor_kind", ACTOR_KINDS),
        check("seq", "seq >= 1"),
        check("left_out", "left_out >= 0"),
        check("hashes", "length(previous) = 32 AND length(hash) = 32"),
    )

    account_id: Key
    seq: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    at: datetime
    actor_kind: String
    actor_id: String
    actor_name: String
    permissions: Strings
    action: String
    subject: OptionalString = None
    input: Json
    changes: list[dict[str, Any]] = Field(sa_type=JSONB(none_as_null=True))
    left_out: int = stored_default("0", python=0, sa_type=BigInteger)
    reason: OptionalString = None
    request_id: OptionalString = None
    previous: bytes
    hash: bytes


class AuditHead(Record, table=True):
    """Where a chain ends: the last entry's place and hash. Its row is locked, last of all, by whoever writes an entry."""

    __tablename__ = "audit_heads"
    __table_args__ = (
        check("seq", "seq >= 0"),
        check("hash", "length(hash) = 32"),
        {"postgresql_with": {"fillfactor": 50}},
    )

    account_id: UUID = Field(primary_key=True)
    seq: Bigint
    hash: bytes
