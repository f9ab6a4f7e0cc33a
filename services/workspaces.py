"""Workspaces: opening one with its first teammate, and keeping at least one billing contact (section 1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.ids import new_id
from adapters.queries import workspaces as queries
from adapters.tables.workspaces import BillingContact, Workspace
from domain.contacts import check_contacts, email_address
from domain.refusal import Refusal
from services import seats
from services.accounts import AccountNow


@dataclass(eq=False)
class UnknownWorkspace(Refusal):
    """No workspace of the caller has the id."""

    template = "No workspace has this id; workspaces of other accounts look the same as none."


async def create_workspace(
    session: AsyncSession, account: AccountNow, *, name: str, creator_name: str, creator_email: str
) -> Workspace:
    """Open a workspace; its creator gets a full seat at once and is the first billing contact.

    Raises BadEmailAddress.
    """
    email = email_address(creator_email)

    workspace = Workspace(account_id=account.id, id=new_id(), name=name, created_at=account.now)
    session.add(workspace)
    await session.flush()
    session.add(
        BillingContact(account_id=account.id, workspace_id=workspace.id, email=email, created_at=account.now)
    )
    await seats.join(session, account, workspace_id=workspace.id, name=creator_name, email=email)
    return workspace


async def set_contacts(
    session: AsyncSession, account: AccountNow, *, workspace_id: UUID, emails: Sequence[str]
) -> Workspace:
    """Replace the billing contacts.

    Raises UnknownWorkspace, BadEmailAddress, NoBillingContact, TooManyBillingContacts.
    """
    workspace = await find_workspace(session, account_id=account.id, workspace_id=workspace_id)
    wanted = check_contacts(emails)

    await queries.replace_contacts(
        session, account_id=account.id, workspace_id=workspace_id, emails=wanted, now=account.now
    )
    return workspace


async def find_workspace(session: AsyncSession, *, account_id: UUID, workspace_id: UUID) -> Workspace:
    """Give a workspace of an account; raises UnknownWorkspace."""
    workspace = await queries.find(session, account_id=account_id, workspace_id=workspace_id)
    if workspace is None:
        raise UnknownWorkspace
    return workspace
