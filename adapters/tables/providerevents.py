"""Webhooks taken from the payment provider, so that a repeated one is seen as such."""

from datetime import datetime

from adapters.tables.columns import Record, String, StringKey


class ProviderEvent(Record, table=True):
    """One webhook, inserted in the transaction of its effect."""

    __tablename__ = "provider_events"

    id: StringKey
    kind: String
    received_at: datetime
