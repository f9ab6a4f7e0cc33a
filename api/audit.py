"""The audit log shown: who did what to an account, by which permission, and what it changed (section 1)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, NewType, TypeAlias
from uuid import UUID

import strawberry
from strawberry.types.scalar import ScalarDefinition

from adapters.queries import audit as queries
from adapters.tables import audit as tables
from api.connections import Connection, connection_from_rows, decode_cursor, page_size
from api.context import Info
from api.enums import AuditChangeKind, CallerKind
from api.scalars import BigInt, SafeString

AuditInput = NewType("AuditInput", Mapping[str, Any])
"""The input of a mutation as it was sent, a JSON object, without its secrets."""

AUDIT_SCALARS: Final[Mapping[object, ScalarDefinition]] = {
    AuditInput: strawberry.scalar(
        name="AuditInput",
        description="The input of a mutation as a JSON object; what is secret in it reads `[hidden]`.",
        serialize=dict,
    )
}

Action: TypeAlias = Annotated[
    SafeString | None, strawberry.argument(description="Only this action; all unless told.")
]
Actor: TypeAlias = Annotated[
    SafeString | None,
    strawberry.argument(description="Only what this actor did, by its handle; all actors unless told."),
]
Since: TypeAlias = Annotated[
    datetime | None, strawberry.argument(description="Only entries from this moment on.")
]
Until: TypeAlias = Annotated[
    datetime | None, strawberry.argument(description="Only entries before this moment.")
]


@strawberry.type(description="Who did something.")
class AuditActor:
    """An actor."""

    kind: CallerKind = strawberry.field(description="What it is.")
    handle: str = strawberry.field(
        description="What tells it from others: a key's public id, a person's address, or a part of the system."
    )
    name: str = strawberry.field(description="Its name then.")


@strawberry.type(description="A field of a row before and after.")
class AuditField:
    """A changed field."""

    name: str = strawberry.field(description="The column.")
    before: str | None = strawberry.field(description="Its value before, as text; null if there was none.")
    after: str | None = strawberry.field(description="Its value after, as text; null if there is none.")


@strawberry.type(
    description="A row that was created, changed or removed. What is secret in it reads `[hidden]`."
)
class AuditChange:
    """A changed row."""

    subject: str = strawberry.field(description="The row: its kind and its own id, `Teammate:<UUID>`.")
    kind: AuditChangeKind = strawberry.field(description="What became of it.")
    fields: list[AuditField] = strawberry.field(description="The fields that differ.")


@strawberry.type(
    description="An entry of an account's audit log. It is never changed, and holds a hash of the entry before it, so that "
    "`prorata verify` sees what was changed behind the application's back."
)
class AuditEntry:
    """An entry."""

    seq: BigInt = strawberry.field(description="Its place in the account's log, from 1 without gaps.")
    at: datetime = strawberry.field(description="When, on the wall's clock.")
    actor: AuditActor = strawberry.field(description="Who did it.")
    permissions: list[str] = strawberry.field(
        description="The permissions it took; none for an invitee who accepts, and for what the system does."
    )
    action: str = strawberry.field(
        description="What was done: the mutation's name, or accountFreeze, accountRestore."
    )
    subject: str | None = strawberry.field(description="What it was done to: its kind and its own id.")
    input: AuditInput = strawberry.field(description="What was asked.")
    changes: list[AuditChange] = strawberry.field(description="The rows that it changed, at most 100.")
    left_out: int = strawberry.field(description="How many more rows it changed.")
    reason: str | None = strawberry.field(description="The reason that was given.")
    request_id: str | None = strawberry.field(description="The request's id, as in the log lines.")
    previous_hash: str = strawberry.field(
        description="The hash of the entry before it, in hexadecimal digits."
    )
    hash: str = strawberry.field(description="Its own hash, SHA-256, in hexadecimal digits.")


async def audit_log(
    info: Info,
    account_id: UUID,
    *,
    first: int | None,
    after: str | None,
    action: str | None,
    actor: str | None,
    since: datetime | None,
    until: datetime | None,
) -> Connection[AuditEntry]:
    """Show a page of an account's audit log, newest first."""
    size = page_size(first)
    before = decode_cursor(after, int)[0] if after is not None else None
    async with info.context.reads() as session:
        rows = await queries.page(
            session,
            account_id=account_id,
            before=before,
            limit=size + 1,
            action=action,
            actor_id=actor,
            since=since,
            until=until,
        )
    return connection_from_rows(rows, size=size, after=after, key=lambda row: (row.seq,), node=_entry)


def _entry(row: tables.AuditEntry) -> AuditEntry:
    return AuditEntry(
        seq=BigInt(row.seq),
        at=row.at,
        actor=AuditActor(kind=CallerKind(row.actor_kind), handle=row.actor_id, name=row.actor_name),
        permissions=row.permissions,
        action=row.action,
        subject=row.subject,
        input=AuditInput(row.input),
        changes=[
            AuditChange(
                subject=change["subject"],
                kind=AuditChangeKind(change["kind"]),
                fields=[AuditField(**field) for field in change["fields"]],
            )
            for change in row.changes
        ],
        left_out=row.left_out,
        reason=row.reason,
        request_id=row.request_id,
        previous_hash=row.previous.hex(),
        hash=row.hash.hex(),
    )
