"""The outbox: every mail is sent, tried again or given up with its reason, and one that fails holds up no other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from adapters.mail import Line, Mailer
from adapters.queries import outbox as queries
from services import notifications, outbox
from services.notifications import Notice, NoticeKind
from tests.services.world import Company, World
from tests.sink import DROP, DROP_AFTER, Sink, listening
from workers import outbox as worker
from workers.tools import Tools

WALL = datetime(2026, 9, 1, 12, tzinfo=UTC)


@pytest_asyncio.fixture(loop_scope="session")
async def sink(world: World) -> AsyncIterator[Sink]:
    """A mail server, with nothing on its way to it."""
    await world.run("UPDATE outbox SET sent_at = now() WHERE sent_at IS NULL AND given_up_at IS NULL")
    async with listening() as found:
        yield found


def tools(world: World, sink: Sink, *, url: str | None = None) -> Tools:
    mailer = Mailer(
        url or sink.url, sender="Acme Billing <billing@acme.test>", answer_seconds=5, rest_seconds=0
    )
    return Tools(world.sessions, world.gateway, mailer)


async def tell(world: World, *to: str, title: str = "Access is restored") -> Company:
    """Write one notice, mailed to some addresses."""
    company = await world.company()
    async with world.locked(company) as (session, account):
        notice = Notice(account, None, NoticeKind.RESTORED, title, "All is well.", to=to)
        await notifications.tell(session, [notice])
    return company


async def make_due(world: World) -> None:
    """Let the time until the next try pass."""
    await world.run("UPDATE outbox SET next_try_at = now() - interval '1 s' WHERE sent_at IS NULL")


async def row(world: World, address: str) -> tuple[bool, bool, int, str | None]:
    """Tell of a mail whether it was sent, whether it was given up, how often it failed, and why."""
    found = await world.row("SELECT * FROM outbox WHERE address = :a", a=address)
    return (
        found.sent_at is not None,
        found.given_up_at is not None,
        found.failures,
        found.last_error,
    )


async def test_a_mail_is_sent_once_as_text_and_html_under_a_name_of_its_own(world: World, sink: Sink) -> None:
    await tell(world, "ada@one.test", title="Zażółć gęślą jaźń: 5 €")

    sent = [await worker.deliver(tools(world, sink), wall=WALL) for _ in range(2)]

    assert sent == [1, 0]
    (mail,) = sink.to("ada@one.test")
    assert (mail["Subject"], mail["To"]) == ("Zażółć gęślą jaźń: 5 €", "ada@one.test")
    assert mail["From"] == "Acme Billing <billing@acme.test>"
    assert mail["Message-ID"].endswith("@acme.test>")
    assert [part.get_content_type() for part in mail.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]
    assert await row(world, "ada@one.test") == (True, False, 0, None)


async def test_a_refusal_for_now_is_tried_again_later(world: World, sink: Sink) -> None:
    sink.script["ada@later.test"] = ["451 come back later"]
    await tell(world, "ada@later.test")
    at = tools(world, sink)

    await worker.deliver(at, wall=WALL)
    refused = await row(world, "ada@later.test")
    too_soon = await worker.deliver(at, wall=WALL)
    await make_due(world)
    await worker.deliver(at, wall=WALL)

    assert refused == (False, False, 1, "451 come back later")
    assert too_soon == 0
    assert await row(world, "ada@later.test") == (True, False, 1, None)


async def test_a_refusal_for_good_is_given_up_with_its_reason_and_holds_up_nobody(
    world: World, sink: Sink
) -> None:
    sink.script["nobody@gone.test"] = ["550 no such user"] * 9
    await tell(world, "ada@gone.test", "nobody@gone.test", "zoe@gone.test")

    await worker.deliver(tools(world, sink), wall=WALL)
    await make_due(world)
    again = await worker.deliver(tools(world, sink), wall=WALL)

    assert again == 0
    assert await row(world, "nobody@gone.test") == (False, True, 1, "550 no such user")
    assert [len(sink.to(f"{name}@gone.test")) for name in ("ada", "zoe")] == [1, 1]
    assert sink.connections == 1


async def test_a_mail_refused_for_three_days_is_given_up(world: World, sink: Sink) -> None:
    sink.script["ada@full.test"] = ["452 mailbox full"] * 99
    await tell(world, "ada@full.test")

    tries = 0
    while not (await row(world, "ada@full.test"))[1]:
        await make_due(world)
        tries += await worker.deliver(tools(world, sink), wall=WALL)

    assert tries == len(outbox.WAITS) + 1
    assert timedelta(days=3) <= sum(outbox.WAITS, timedelta()) < timedelta(days=3, hours=1)
    assert await row(world, "ada@full.test") == (False, True, tries, "452 mailbox full")


async def test_the_next_try_waits_longer_each_time(world: World, sink: Sink) -> None:
    sink.script["ada@waits.test"] = ["451 later"] * 3
    await tell(world, "ada@waits.test")

    waits = []
    for _ in range(3):
        await make_due(world)
        await worker.deliver(tools(world, sink), wall=WALL)
        waits.append(
            await world.value(
                "SELECT extract(epoch FROM next_try_at - clock_timestamp())::int FROM outbox WHERE address = :a",
                a="ada@waits.test",
            )
        )

    assert waits == [pytest.approx(seconds, abs=5) for seconds in (60, 300, 1800)]


async def test_a_connection_lost_in_the_middle_costs_one_mail_a_try_and_the_others_nothing(
    world: World, sink: Sink
) -> None:
    sink.script["b@lost.test"] = [DROP]
    await tell(world, "a@lost.test", "b@lost.test", "c@lost.test")
    at = tools(world, sink)

    await worker.deliver(at, wall=WALL)

    assert [len(sink.to(f"{name}@lost.test")) for name in "abc"] == [1, 0, 1]
    sent, given_up, failures, reason = await row(world, "b@lost.test")
    assert (sent, given_up, failures) == (False, False, 1)
    assert reason
    assert (await row(world, "c@lost.test"))[2] == 0


async def test_a_mail_whose_answer_was_lost_is_sent_again_under_the_same_name(
    world: World, sink: Sink
) -> None:
    sink.script["ada@answer.test"] = [DROP_AFTER]
    await tell(world, "ada@answer.test")

    await worker.deliver(tools(world, sink), wall=WALL)
    await make_due(world)
    await worker.deliver(tools(world, sink), wall=WALL)

    first, second = sink.to("ada@answer.test")
    assert first["Message-ID"] == second["Message-ID"]


async def test_each_mail_has_a_name_of_its_own(world: World, sink: Sink) -> None:
    await tell(world, "a@names.test", "b@names.test")
    await tell(world, "a@names.test")

    await worker.deliver(tools(world, sink), wall=WALL)

    assert len({mail["Message-ID"] for _, mail in sink.taken}) == 3


async def test_two_workers_at_once_send_each_mail_once(world: World, sink: Sink) -> None:
    addresses = [f"{number}@two.test" for number in range(120)]
    await tell(world, *addresses)
    await tell(world, *addresses)

    sent = await asyncio.gather(*(worker.deliver(tools(world, sink), wall=WALL) for _ in range(4)))

    assert sum(sent) == len(sink.taken) == 240
    assert sum(count > 0 for count in sent) >= 2
    assert len({mail["Message-ID"] for _, mail in sink.taken}) == 240


async def test_who_dies_between_sending_and_recording_sends_that_one_again(
    world: World, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    await tell(world, "a@dies.test", "b@dies.test")
    send = Line.send

    class Killed(BaseException):
        pass

    async def send_and_die(self: Line, *given: object, **named: object) -> object:
        await send(self, *given, **named)  # type: ignore[arg-type]
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Line, "send", send_and_die)
        with pytest.raises(Killed):
            await worker.deliver(tools(world, sink), wall=WALL)
    held = await worker.deliver(tools(world, sink), wall=WALL)
    await world.run("UPDATE outbox SET lease_until = now() - interval '1 s' WHERE lease_until IS NOT NULL")
    await worker.deliver(tools(world, sink), wall=WALL)

    first, again = sink.to("a@dies.test")
    assert held == 0
    assert first["Message-ID"] == again["Message-ID"]
    assert len(sink.to("b@dies.test")) == 1


async def test_a_worker_whose_lease_is_over_does_not_send(world: World, sink: Sink) -> None:
    await tell(world, "ada@slow.test")
    async with world.sessions.begin() as session:
        (slow,) = await queries.take(session, limit=9, lease=timedelta(seconds=-1))
    async with world.sessions.begin() as session:
        (quick,) = await queries.take(session, limit=9, lease=timedelta(minutes=1))

    async with world.sessions.begin() as session:
        held = [await queries.hold(session, mail, lease=timedelta(minutes=1)) for mail in (slow, quick)]

    assert [mail is not None for mail in held] == [False, True]


async def test_while_the_server_cannot_be_reached_mail_waits_and_no_mail_is_to_blame(
    world: World, sink: Sink
) -> None:
    await tell(world, "ada@down.test")
    nobody_there = tools(world, sink, url="smtp+plain://127.0.0.1:1")

    for _ in range(12):
        assert await worker.deliver(nobody_there, wall=WALL) == 0
    waiting = await row(world, "ada@down.test")
    await worker.deliver(tools(world, sink), wall=WALL)

    assert waiting == (False, False, 0, None)
    assert len(sink.to("ada@down.test")) == 1


async def test_a_server_that_cannot_be_reached_is_left_alone_for_a_while(world: World, sink: Sink) -> None:
    await tell(world, "ada@rests.test")
    mailer = Mailer("smtp+plain://127.0.0.1:1", sender="billing@acme.test", rest_seconds=60)

    await worker.deliver(Tools(world.sessions, world.gateway, mailer), wall=WALL)

    assert mailer.is_resting


async def test_mail_is_not_sent_in_the_clear_unless_told(world: World, sink: Sink) -> None:
    await tell(world, "ada@clear.test")

    await worker.deliver(tools(world, sink, url=f"smtp://127.0.0.1:{sink.port}"), wall=WALL)

    assert sink.taken == []
    assert await row(world, "ada@clear.test") == (False, False, 0, None)


async def test_an_address_no_server_takes_is_given_up(world: World, sink: Sink) -> None:
    odd = "ada@\u00fc\u00fc..test"
    await tell(world, odd, "j\u00f6rg@m\u00fcller.test", "zoe@odd.test")

    await worker.deliver(tools(world, sink), wall=WALL)

    assert (await row(world, odd))[:3] == (False, True, 1)
    assert len(sink.to("j\u00f6rg@xn--mller-kva.test")) == 1
    assert len(sink.to("zoe@odd.test")) == 1


async def test_without_a_mail_server_mail_waits(world: World, sink: Sink) -> None:
    await tell(world, "ada@waiting.test")

    await worker.deliver(Tools(world.sessions, world.gateway), wall=WALL)

    assert await row(world, "ada@waiting.test") == (False, False, 0, None)
