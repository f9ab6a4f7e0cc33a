"""Due work: everything that will fall due is a row here, so that nothing is forgotten.

A sweep takes the rows whose `due_at` has passed on their account's clock. A handler
looks again under the account's lock and does nothing if the work is done.
"""

from datetime import datetime
from typing import Final

from sqlalchemy import Index

from adapters.tables.accounts import Account
from adapters.tables.columns import (
    Key,
    OptionalString,
    Record,
    StringKey,
    check,
    one_of,
    parent,
    reference,
    stored_default,
    where,
)

DUE_KINDS: Final = ("CLOSE", "TRIAL_END", "COLLECT", "FREEZE", "REMINDER", "REFUND")


class DueWork(Record, table=True):
    """One thing to do for one subject. Work that keeps failing is parked, with why."""

    __tablename__ = "due_work"
    __table_args__ = (
        reference("accounts"),
        one_of("kind", DUE_KINDS),
        check("failures", "failures >= 0"),
        Index("ix_due_work_due_at", "due_at", postgresql_where=where("parked_at IS NULL")),
    )

    account_id: Key
    kind: StringKey
    subject_id: Key
    due_at: datetime
    lease_until: datetime | None = None
    failures: int = stored_default("0", python=0)
    parked_at: datetime | None = None
    parked_reason: OptionalString = None

    account: Account = parent(Account)
