"""Telling people: a notice in the product and a mail to billing contacts, written with what they tell of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.ids import new_id
from adapters.queries import notifications as queries
from services.accounts import AccountNow


class NoticeKind(StrEnum):
    """What a notice is about."""

    ALERT = "ALERT"
    LIMIT_DISABLED = "LIMIT_DISABLED"
    LIMIT_ENABLED = "LIMIT_ENABLED"
    RENEWAL_REMINDER = "RENEWAL_REMINDER"
    WEBHOOK_DISABLED = "WEBHOOK_DISABLED"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell in one workspace or, without one, in all of the account; mailed or only shown."""

    account: AccountNow
    workspace_id: UUID | None
    kind: NoticeKind
    title: str
    body: str
    is_mailed: bool = True


async def tell(session: AsyncSession, notices: Sequence[Notice]) -> None:
    """Write notices and, for those that are mailed, one mail to each billing contact (section 9).

    An account's notice goes to the contacts of all its workspaces; an address of several gets it once.
    """
    if not notices:
        return
    contacts = await queries.addresses(session, {notice.account.id for notice in notices})
    rows: list[dict[str, Any]] = []
    mails: list[dict[str, Any]] = []
    for notice in notices:
        owner, notification_id = notice.account, new_id()
        rows.append(
            {
                "account_id": owner.id,
                "id": notification_id,
                "workspace_id": notice.workspace_id,
                "kind": notice.kind.value,
                "title": notice.title,
                "body": notice.body,
                "at": owner.now,
            }
        )
        by_workspace = contacts[owner.id]
        wanted = by_workspace if notice.workspace_id is None else [notice.workspace_id]
        addresses = {address.lower(): address for each in wanted for address in by_workspace[each]}
        if notice.is_mailed:
            mails += [
                {
                    "account_id": owner.id,
                    "notification_id": notification_id,
                    "address": address,
                    "created_at": owner.now,
                }
                for address in addresses.values()
            ]
    await queries.write(session, notices=rows, mails=mails)


async def places(session: AsyncSession, accounts: Sequence[AccountNow]) -> dict[UUID, str]:
    """Name accounts and their workspaces, by id, as a notice calls them."""
    names = await queries.workspace_names(session, [account.id for account in accounts])
    return {account.id: account.row.name for account in accounts} | names
