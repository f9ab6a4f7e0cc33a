"""Subscriptions and the dated facts they are billed from."""

from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Index, Text
from sqlmodel import Field

from adapters.tables.accounts import Account
from adapters.tables.columns import (
    Json,
    Key,
    Record,
    String,
    check,
    one_of,
    parent,
    reference,
    stored_default,
    where,
)

SUBSCRIPTION_STATUSES: Final = ("TRIAL", "ACTIVE", "ENDED")
BILLINGS: Final = ("TRIAL", "MONTHLY", "EARLY_STAGE", "YEARLY", "CONTRACT")
PLANS: Final = ("ESSENTIAL", "ADVANCED", "EXPERT")


class Subscription(Record, table=True):
    """A subscription and its running period `[period_start, period_end)`.

    An account has one at a time. `dirty_from` is the earliest date of a fact recorded
    after the period it belongs to was billed. `billing_months` is the length of what is billed
    ahead; a subscription that was cancelled has `ends_on`.
    """

    __tablename__ = "subscriptions"
    __table_args__ = (
        reference("accounts"),
        one_of("status", SUBSCRIPTION_STATUSES),
        one_of("plan", PLANS),
        one_of("billing", BILLINGS),
        check("billing_months", "billing_months >= 1"),
        check("period", "period_start <= period_end"),
        Index(
            "uq_subscriptions_live",
            "account_id",
            unique=True,
            postgresql_where=where("status <> 'ENDED'"),
        ),
    )

    account_id: Key
    id: Key
    status: String
    plan: String
    price_book_version: int = Field(foreign_key="price_books.version")
    is_psp: bool
    anchor_on: date
    period_start: date
    period_end: date
    dirty_from: date | None = None
    started_at: datetime
    ended_at: datetime | None = None
    billing: str = stored_default("'MONTHLY'", python="MONTHLY", sa_type=Text)
    billing_months: int = stored_default("1", python=1)
    ends_on: date | None = None

    account: Account = parent(Account)


class SubscriptionFact(Record, table=True):
    """What became true of a subscription `at` a moment. Appended, never changed.

    `position` is its place among all facts of the account.
    """

    __tablename__ = "subscription_facts"
    __table_args__ = (
        reference("subscriptions", subscription_id="id"),
        check("position", "position >= 1"),
    )

    account_id: Key
    position: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    subscription_id: UUID
    kind: String
    at: datetime
    recorded_at: datetime
    payload: Json

    subscription: Subscription = parent(Subscription)
