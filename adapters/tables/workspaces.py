"""Workspaces: where a team works, and who gets its mail about billing."""

from datetime import datetime

from adapters.tables.accounts import Account
from adapters.tables.columns import Key, Record, String, StringKey, parent, reference


class Workspace(Record, table=True):
    """A workspace of one account; its seats and usage are billed to that account.

    One that came from another account has `joined_at`, one that went has `left_at`; both accounts keep a row of it.
    """

    __tablename__ = "workspaces"
    __table_args__ = (reference("accounts"),)

    account_id: Key
    id: Key
    name: String
    created_at: datetime
    joined_at: datetime | None = None
    left_at: datetime | None = None

    account: Account = parent(Account)


class BillingContact(Record, table=True):
    """An address that gets the invoices and the alarms of a workspace."""

    __tablename__ = "billing_contacts"
    __table_args__ = (reference("workspaces", workspace_id="id"),)

    account_id: Key
    workspace_id: Key
    email: StringKey
    created_at: datetime

    workspace: Workspace = parent(Workspace)
