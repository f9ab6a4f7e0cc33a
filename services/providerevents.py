"""Messages from the payment provider: each is taken once and recorded by the function that records its direct answer."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from adapters.gateway.protocol import ProviderEvent, Refunded, RefundRefused
from adapters.queries import invoices as queries
from adapters.scopes import Sessions
from adapters.spans import traced
from services import payments, refunds
from services.accounts import UnknownAccount, lock_account


@traced
async def receive(sessions: Sessions, event: ProviderEvent, *, wall: datetime) -> bool:
    """Take a verified webhook; False when it was taken before or is about nothing of ours.

    An answer is recorded once whichever way it comes, so the order of messages does not matter.
    """
    subject = _subject(event.idempotency_key)
    async with sessions.begin() as session:
        is_new = await queries.take_provider_event(session, event_id=event.id, kind=event.kind, now=wall)
        if not is_new or subject is None or event.outcome is None:
            return False
        kind, account_id, subject_id = subject
        try:
            account = await lock_account(session, account_id=account_id, wall=wall)
        except UnknownAccount:
            return False
        if isinstance(event.outcome, Refunded | RefundRefused):
            if kind != "refund":
                return False
            await refunds.record(session, account, refund_id=subject_id, outcome=event.outcome)
        elif kind == "attempt":
            await payments.record(session, account, attempt_id=subject_id, outcome=event.outcome)
    return True


def _subject(key: str | None) -> tuple[str, UUID, UUID] | None:
    """Read kind, account and id out of an idempotency key; None for a key that is not ours."""
    kind, _, rest = (key or "").partition(":")
    account_id, _, subject_id = rest.partition(":")
    try:
        return (kind, UUID(account_id), UUID(subject_id)) if kind in {"attempt", "refund"} else None
    except ValueError:
        return None
