"""A real worker killed while it sends mail: what it sent and could not record goes out again, and nothing else does."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from adapters.embedded.valkey import EmbeddedValkey
from services import notifications
from services.notifications import Notice, NoticeKind
from tests.gateway.running_provider import RunningProvider
from tests.services.world import World
from tests.sink import Sink, listening
from tests.workers.running_worker import Workshop, until

MAILS = 120


class SlowSink(Sink):
    """A mail server slow enough to be watched."""

    async def handle_DATA(self, *given: object) -> str:
        answer = await super().handle_DATA(*given)  # type: ignore[arg-type]
        await asyncio.sleep(0.02)
        return answer


async def test_a_worker_killed_between_sending_and_recording_repeats_one_mail_at_most(
    world: World,
    database_url: str,
    valkey: EmbeddedValkey,
    payment_provider: RunningProvider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    company = await world.company()
    async with world.locked(company) as (session, account):
        to = tuple(f"{number}@kill.test" for number in range(MAILS))
        notice = Notice(account, None, NoticeKind.RESTORED, "Restored", "All is well.", to=to)
        await notifications.tell(session, [notice])

    async with listening(SlowSink) as sink:
        monkeypatch.setenv("PRORATA_SMTP_URL", sink.url)
        monkeypatch.setenv("PRORATA_MAIL_FROM", "billing@acme.test")
        with Workshop(
            database_url=database_url, redis_url=valkey.url, sandbox_url=payment_provider.url
        ) as shop:
            doomed = await shop.start(world)
            await until(lambda: _has(sink, 30))
            doomed.kill()
            doomed.wait()
            killed_at = len(sink.taken)
            await world.run("UPDATE outbox SET lease_until = NULL")
            await shop.start(world)
            await until(lambda: _all_sent(world))

    names = Counter(mail["Message-ID"] for _, mail in sink.taken)
    assert {address for address, _ in sink.taken} == set(to)
    assert len(names) == MAILS
    assert killed_at < MAILS
    assert len(sink.taken) - MAILS <= 1


async def _has(sink: Sink, number: int) -> bool:
    return len(sink.taken) >= number


async def _all_sent(world: World) -> bool:
    return not await world.value("SELECT count(*) FROM outbox WHERE sent_at IS NULL")
