"""Nested reads in batches: each loader reads what all siblings asked for in one statement, in a session of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from functools import partial
from typing import TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from strawberry.dataloader import DataLoader

from adapters.queries import (
    accounts,
    apikeys,
    invoices,
    notifications,
    refunds,
    statements,
    subscriptions,
    webhooks,
    workspaces,
)
from adapters.tables.apikeys import ApiKey
from adapters.tables.invoices import CreditNote, Invoice, InvoiceLine
from adapters.tables.payments import PaymentAttempt
from adapters.tables.refunds import Refund
from adapters.tables.subscriptions import SubscriptionFact
from adapters.tables.teammates import SeatChange, Teammate
from adapters.tables.testclocks import TestClock
from adapters.tables.webhooks import WebhookEndpoint
from adapters.tables.workspaces import Workspace
from services import alerts, limits, previews
from services.accounts import AccountNow, accounts_now
from services.alerts import AlertView
from services.ledger import credit_balances
from services.limits import LimitView

Key = tuple[UUID, UUID]
Place = tuple[UUID, int]
K = TypeVar("K")
V = TypeVar("V")
Sessions = Callable[[], AbstractAsyncContextManager[AsyncSession]]


class Loaders:
    """The loaders of one request; never shared, so that no caller can be given what another has read."""

    def __init__(self, sessions: Sessions, *, wall: datetime) -> None:
        def loader(
            read: Callable[[AsyncSession, list[K]], Awaitable[Mapping[K, V]]],
        ) -> DataLoader[K, V | None]:
            return DataLoader(load_fn=partial(_load, sessions, read))

        self.accounts: DataLoader[UUID, AccountNow | None] = loader(partial(_accounts, wall=wall))

        def of_accounts(
            read: Callable[[AsyncSession, list[AccountNow]], Awaitable[Mapping[UUID, V]]],
        ) -> DataLoader[UUID, V | None]:
            async def load(ids: list[UUID]) -> list[V | None]:
                known = [account for account in await self.accounts.load_many(ids) if account]
                async with sessions() as session:
                    found = await read(session, known)
                return [found.get(account_id) for account_id in ids]

            return DataLoader(load_fn=load)

        self.overviews: DataLoader[UUID, previews.Overview | None] = of_accounts(previews.overviews)
        self.alerts: DataLoader[UUID, list[AlertView] | None] = of_accounts(alerts.read)
        self.limits: DataLoader[UUID, list[LimitView] | None] = of_accounts(limits.read)
        self.clocks: DataLoader[UUID, TestClock | None] = loader(accounts.clocks)
        self.balances: DataLoader[UUID, int | None] = loader(credit_balances)
        self.owed: DataLoader[UUID, int | None] = loader(statements.owed)
        self.workspaces: DataLoader[Key, Workspace | None] = loader(workspaces.find_many)
        self.workspaces_of: DataLoader[UUID, list[Workspace] | None] = loader(workspaces.of_accounts)
        self.contacts: DataLoader[Key, list[str] | None] = loader(workspaces.contacts)
        self.seats_held: DataLoader[UUID, Mapping[str, int] | None] = loader(_seats_held)
        self.teammates: DataLoader[Key, Teammate | None] = loader(workspaces.teammates_by_id)
        self.seat_changes: DataLoader[Key, list[SeatChange] | None] = loader(workspaces.seat_changes_of)
        self.invoices: DataLoader[Key, Invoice | None] = loader(invoices.find_many)
        self.credit_notes: DataLoader[Key, list[CreditNote] | None] = loader(invoices.credit_notes)
        self.lines: DataLoader[Key, list[InvoiceLine] | None] = loader(invoices.lines)
        self.attempts: DataLoader[Key, list[PaymentAttempt] | None] = loader(invoices.attempts)
        self.refunds: DataLoader[Key, list[Refund] | None] = loader(refunds.of_payments)
        self.notifications: DataLoader[Key, notifications.Shown | None] = loader(notifications.find_many)
        self.webhook_endpoints: DataLoader[Key, WebhookEndpoint | None] = loader(webhooks.find_many)
        self.webhook_endpoints_of: DataLoader[UUID, list[WebhookEndpoint] | None] = loader(
            webhooks.of_accounts
        )
        self.keys_of: DataLoader[UUID, list[ApiKey] | None] = loader(apikeys.of_accounts)
        self.facts: DataLoader[Place, SeatChange | SubscriptionFact | None] = loader(_facts)


async def _load(
    sessions: Sessions, read: Callable[[AsyncSession, list[K]], Awaitable[Mapping[K, V]]], keys: list[K]
) -> list[V | None]:
    async with sessions() as session:
        found = await read(session, keys)
    return [found.get(key) for key in keys]


async def _accounts(session: AsyncSession, ids: list[UUID], *, wall: datetime) -> Mapping[UUID, AccountNow]:
    return await accounts_now(session, await accounts.find_many(session, ids), wall=wall)


async def _seats_held(session: AsyncSession, ids: list[UUID]) -> Mapping[UUID, Mapping[str, int]]:
    held = await workspaces.seats_held(session, ids)
    found: dict[UUID, dict[str, int]] = {account_id: {} for account_id in ids}
    for (account_id, seat), count in held.items():
        found[account_id][seat] = count
    return found


async def _facts(session: AsyncSession, places: list[Place]) -> Mapping[Place, SeatChange | SubscriptionFact]:
    """Find facts by account and place in its record, whichever kind they are of."""
    changes = await workspaces.changes_at(session, places)
    return {**changes, **await subscriptions.facts_at(session, places)}
