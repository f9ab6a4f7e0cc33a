"""API keys: who may speak. Only a hash of the secret is kept."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, Text
from sqlalchemy.dialects.postgresql import ARRAY

from adapters.tables.columns import OptionalString, Record, String, StringKey, stored_default


class ApiKey(Record, table=True):
    """A key, found by its public id. Without an account it is an operator's."""

    __tablename__ = "api_keys"
    __table_args__ = (Index("ix_api_keys_account", "account_id"),)

    id: StringKey
    account_id: UUID | None = None
    name: String
    scopes: list[str] = stored_default("'{}'", python=[], sa_type=ARRAY(Text))
    secret_hash: bytes
    created_at: datetime
    revoked_at: datetime | None = None
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    successor_id: OptionalString = None
