"""Telling people: a notice in the product and a mail to billing contacts, written with what they tell of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.ids import new_id
from adapters.live import Touched, touch
from adapters.queries import notifications as queries
from adapters.spans import traced
from domain.refusal import Refusal
from services.accounts import AccountNow, read_account

MOST_READ = 100


class NoticeKind(StrEnum):
    """What a notice is about."""

    ALERT = "ALERT"
    LIMIT_DISABLED = "LIMIT_DISABLED"
    LIMIT_ENABLED = "LIMIT_ENABLED"
    RENEWAL_REMINDER = "RENEWAL_REMINDER"
    INVOICE_ISSUED = "INVOICE_ISSUED"
    PAYMENT_FAILED = "PAYMENT_FAILED"
    ACTION_NEEDED = "ACTION_NEEDED"
    FROZEN = "FROZEN"
    RESTORED = "RESTORED"
    INVITE = "INVITE"
    WEBHOOK_DISABLED = "WEBHOOK_DISABLED"


@dataclass(eq=False)
class UnknownNotification(Refusal):
    """No notice that the caller may read has the id."""

    template = "No notice has this id; notices of other accounts look the same as none. Nothing was marked."


@dataclass(eq=False)
class TooManyNotifications(Refusal):
    """More notices at once than are taken."""

    template = "{given} notices were named; at most {limit} are marked at once. Send them in several calls."
    given: int
    limit: int


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell in one workspace or, without one, in all of the account; mailed or only shown.

    `facts` are short texts by name that the mail shows beside title and body: `{"invoice": "7", "due": "$39.00"}`. With
    `to`, it is mailed to these addresses and to no billing contact.
    """

    account: AccountNow
    workspace_id: UUID | None
    kind: NoticeKind
    title: str
    body: str
    is_mailed: bool = True
    facts: Mapping[str, str] = field(default_factory=dict)
    to: tuple[str, ...] | None = None


@traced
async def tell(session: AsyncSession, notices: Sequence[Notice]) -> None:
    """Write notices and, for those that are mailed, one mail to each billing contact (section 9).

    An account's notice goes to the contacts of all its workspaces; an address of several gets it once. The name of the
    account goes with every notice as the fact `account`.
    """
    if not notices:
        return
    contacts = await queries.addresses(session, {notice.account.id for notice in notices})
    rows: list[dict[str, Any]] = []
    mails: list[dict[str, Any]] = []
    for notice in notices:
        owner, notification_id = notice.account, new_id()
        touch(session, Touched.NOTICE, owner.id, notification_id)
        rows.append(
            {
                "account_id": owner.id,
                "id": notification_id,
                "workspace_id": notice.workspace_id,
                "kind": notice.kind.value,
                "title": notice.title,
                "body": notice.body,
                "at": owner.now,
                "facts": {"account": owner.row.name, **notice.facts},
            }
        )
        if notice.is_mailed:
            mails += [
                {
                    "account_id": owner.id,
                    "notification_id": notification_id,
                    "address": address,
                    "created_at": owner.now,
                }
                for address in _addresses(notice, contacts.get(owner.id, {}))
            ]
    await queries.write(session, notices=rows, mails=mails)


def check_number(given: int) -> None:
    """Raise TooManyNotifications for more notices than are marked at once."""
    if given > MOST_READ:
        raise TooManyNotifications(given, MOST_READ)


async def mark_read(
    session: AsyncSession, *, keys: Sequence[tuple[UUID, UUID]], wall: datetime
) -> list[queries.Shown]:
    """Mark notices, named by account and id, as read, and give them in that order; read again, nothing changes.

    Raises UnknownNotification; then none is marked.
    """
    found = await queries.find_many(session, keys)
    if not keys or any(key not in found for key in keys):
        raise UnknownNotification
    for account_id in sorted({account_id for account_id, _ in keys}):
        account = await read_account(session, account_id=account_id, wall=wall)
        ids = [own for owner, own in keys if owner == account_id]
        await queries.read(session, account_id=account_id, notification_ids=ids, now=account.now)
    found = await queries.find_many(session, keys)
    return [found[key] for key in keys]


async def mark_all_read(session: AsyncSession, account: AccountNow, *, workspace_id: UUID | None) -> int:
    """Mark all notices of an account, or all that a workspace is shown, as read; give how many were not."""
    return await queries.read_all(session, account_id=account.id, workspace_id=workspace_id, now=account.now)


async def places(session: AsyncSession, accounts: Sequence[AccountNow]) -> dict[UUID, str]:
    """Name accounts and their workspaces, by id, as a notice calls them."""
    names = await queries.workspace_names(session, [account.id for account in accounts])
    return {account.id: account.row.name for account in accounts} | names


def _addresses(notice: Notice, contacts: Mapping[UUID, Sequence[str]]) -> Iterable[str]:
    """Give who gets a notice by mail, each address once whatever its case."""
    if notice.to is not None:
        wanted = [notice.to]
    elif notice.workspace_id is not None:
        wanted = [tuple(contacts.get(notice.workspace_id, ()))]
    else:
        wanted = [tuple(found) for found in contacts.values()]
    return {address.lower(): address for found in wanted for address in found}.values()
