"""The audit log kept: who did what, by which permission, and what it changed, in the transaction of the change.

A mutation or a command has one entry in the chain of each account that it changes. What an account does by itself and
nobody's record tells is written too: that it was frozen, and restored.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.logs import redact
from adapters.queries import audit as queries
from adapters.recording import Recording, Row, is_recorded, record_changes
from domain.audit import OF_NO_ACCOUNT, ChangeKind, Entry, moment
from services.callers import Caller, CallerKind

HIDDEN: Final = "[hidden]"
MOST_ROWS: Final = 100
LONGEST_TEXT: Final = 2_000

SECRETS: Final[Mapping[str, frozenset[str]]] = {
    "accounts": frozenset({"payment_method"}),
    "api_keys": frozenset({"secret_hash"}),
    "invoices": frozenset({"action_url"}),
    "payment_attempts": frozenset({"payment_method"}),
    "webhook_endpoints": frozenset({"secret", "previous_secret"}),
}
"""Columns of which is told that they changed, and not to what."""

ADDRESSES: Final = frozenset({"url", "returnUrl"})
"""Columns and fields with addresses, of which the query and the password are hidden."""

_NAMES: Final = {"accounts": "BillingAccount", "payment_attempts": "Payment"}

COMMAND_LINE: Final = Caller(kind=CallerKind.SYSTEM, id="command-line", name="command line")
ITSELF: Final = Caller(kind=CallerKind.SYSTEM, id="automatic", name="automatic")


@dataclass(slots=True, kw_only=True)
class Deed:
    """Something that somebody does: what the log tells of it beside the rows that it changes.

    `accounts` have the entry if no row tells whose it is; `is_recorded` says that the entry is written.
    """

    action: str
    by: Caller
    permissions: Collection[str] = ()
    accounts: frozenset[UUID] = frozenset()
    subject: str | None = None
    input: Mapping[str, Any] = field(default_factory=dict)
    reason: str | None = None
    request_id: str | None = None
    is_recorded: bool = False


def keep(session: AsyncSession, deed: Deed, *, always: bool = True) -> None:
    """Have the session's transaction write what is done in it from now on; unless `always`, only if it changes a row."""
    recording = record_changes(session)

    def entries() -> Iterable[Entry]:
        deed.is_recorded = True
        return _entries(deed, recording, always=always)

    queries.at_commit(session, entries)


def by_command(action: str, **given: object) -> Deed:
    """Say what an operator does at the command line."""
    told = {name: plain(name, value) for name, value in given.items() if value is not None}
    return Deed(action=action, by=COMMAND_LINE, input=told)


def keep_automatic(
    session: AsyncSession,
    *,
    account_id: UUID,
    action: str,
    reason: str,
    field_name: str,
    before: object,
    after: object,
) -> None:
    """Have the transaction write what an account does by itself; in a mutation, the mutation's own entry tells it."""
    if is_recorded(session):
        return
    shown = {"name": field_name, "before": _text(before), "after": _text(after)}
    subject = f"BillingAccount:{account_id}"
    deed = Deed(action=action, by=ITSELF, subject=subject, reason=reason)
    changes = [{"subject": subject, "kind": ChangeKind.CHANGED.value, "fields": [shown]}]
    queries.at_commit(session, lambda: [_entry(deed, str(account_id), changes)])


def plain(name: str, value: object) -> Any:
    """Give a value of an input as JSON without secrets, whole numbers beyond 2^53 as text."""
    match value:
        case None | bool():
            return value
        case int():
            return value if abs(value) < 2**53 else str(value)
        case dict():
            return {str(key): plain(str(key), each) for key, each in value.items()}
        case list() | tuple():
            return [plain(name, each) for each in value]
        case _:
            text = _text(value)
            return hide_query(text) if name in ADDRESSES and text else text


def hide_query(address: str) -> str:
    """Give an address without its query and whoever is named before its host: both may hold secrets."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return HIDDEN
    host = f"{HIDDEN}@{parts.netloc.rpartition('@')[2]}" if "@" in parts.netloc else parts.netloc
    return parts._replace(netloc=host, query=HIDDEN if parts.query else "", fragment="").geturl()


def _entries(deed: Deed, recording: Recording, *, always: bool) -> Iterable[Entry]:
    rows: dict[str, list[Row]] = defaultdict(list)
    for row in recording.rows():
        rows[str(row.account_id or OF_NO_ACCOUNT)].append(row)
    accounts = rows.keys() or ((set(map(str, deed.accounts)) or {OF_NO_ACCOUNT}) if always else ())
    for account in accounts:
        changed = rows.get(account, [])
        shown = [_change(row) for row in changed[:MOST_ROWS]]
        yield _entry(deed, account, shown, left_out=max(len(changed) - MOST_ROWS, 0))


def _entry(deed: Deed, account: str, changes: Sequence[Mapping[str, Any]], *, left_out: int = 0) -> Entry:
    return Entry(
        account=account,
        actor_kind=deed.by.kind.value,
        actor_id=_clean(deed.by.id),
        actor_name=_clean(deed.by.name),
        permissions=sorted(deed.permissions),
        action=deed.action,
        subject=deed.subject or (str(changes[0]["subject"]) if changes else None),
        input=deed.input,
        changes=changes,
        left_out=left_out,
        reason=_text(deed.reason),
        request_id=_text(deed.request_id),
    )


def _change(row: Row) -> dict[str, Any]:
    table = str(row.model.__tablename__)
    kind = (
        ChangeKind.CREATED
        if row.before is None
        else ChangeKind.REMOVED
        if row.after is None
        else ChangeKind.CHANGED
    )
    own = row.key[1:] if len(row.key) > 1 else row.key
    return {
        "subject": f"{_NAMES.get(table, row.model.__name__)}:{'/'.join(map(str, own))}",
        "kind": kind.value,
        "fields": [
            {"name": name, "before": _shown(table, name, before), "after": _shown(table, name, after)}
            for name, before, after in row.differences()
        ],
    }


def _shown(table: str, name: str, value: object) -> str | None:
    text = _text(value)
    if text and name in SECRETS.get(table, ()):
        return HIDDEN
    return hide_query(text) if text and name in ADDRESSES else text


def _text(value: object) -> str | None:
    match value:
        case None | str():
            return None if value is None else _clean(value)
        case bool():
            return str(value).lower()
        case date():
            return moment(value) if isinstance(value, datetime) else value.isoformat()
        case dict() | list() | tuple():
            return _clean(orjson.dumps(value, default=str, option=orjson.OPT_SORT_KEYS).decode())
        case bytes():
            return value.hex()
        case _:
            return _clean(str(value))


def _clean(text: str) -> str:
    """Give a text that can be stored and shown: no secret by its looks, no NUL, no half of a pair, no endless length."""
    storable = redact(text).encode(errors="replace").decode().replace("\0", "?")
    return (
        storable
        if len(storable) <= LONGEST_TEXT
        else f"{storable[:LONGEST_TEXT]}... ({len(storable):,} characters)"
    )
