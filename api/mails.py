"""Mails: what was written to whom, whether it arrived at the mail server, and why not."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import strawberry

from adapters.queries import outbox as queries
from adapters.tables import notifications as tables
from api.connections import Connection, connection_from_rows, decode_cursor, page_size
from api.context import Info
from api.enums import MailStatus, NoticeKind
from services.outbox import status_of

Row = tuple[tables.Mail, tables.Notification]


@strawberry.type(description="A mail to one address.")
class Mail:
    """A mail."""

    kind: NoticeKind = strawberry.field(description="What it is about.")
    title: str = strawberry.field(description="Its subject.")
    address: str = strawberry.field(description="Who gets it.")
    status: MailStatus = strawberry.field(description="Where it stands.")
    attempts: int = strawberry.field(description="How often it was handed to the mail server.")
    reason: str | None = strawberry.field(
        description="Why the last try failed, in the mail server's words; null once it is sent."
    )
    written_at: datetime = strawberry.field(description="When it was written, by the account's clock.")
    next_try_at: datetime | None = strawberry.field(
        description="When it is tried next, in real time; null once it is sent or given up."
    )
    sent_at: datetime | None = strawberry.field(description="When it was sent, in real time.")


async def mails_of(
    info: Info, account_id: UUID, *, status: MailStatus | None, first: int | None, after: str | None
) -> Connection[Mail]:
    """Show a page of an account's mails."""
    size = page_size(first)
    before = decode_cursor(after, UUID, str) if after is not None else None
    async with info.context.reads() as session:
        rows = await queries.page(
            session,
            account_id=account_id,
            status=status.value if status else None,
            before=before,
            limit=size + 1,
        )
    return connection_from_rows(rows, size=size, after=after, key=_key, node=_mail)


def _key(row: Row) -> tuple[UUID, str]:
    return row[0].notification_id, row[0].address


def _mail(row: Row) -> Mail:
    mail, notice = row
    status = status_of(mail)
    return Mail(
        kind=NoticeKind(notice.kind),
        title=notice.title,
        address=mail.address,
        status=status,
        attempts=mail.failures + (mail.sent_at is not None),
        reason=mail.last_error,
        written_at=mail.created_at,
        next_try_at=mail.next_try_at if status is MailStatus.WAITING else None,
        sent_at=mail.sent_at,
    )
