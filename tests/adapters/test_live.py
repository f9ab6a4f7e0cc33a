"""Changes are told after their commit or not at all, and nothing waits for Redis or breaks without it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from adapters.database import session_maker
from adapters.embedded.ports import free_port
from adapters.feed import MOST_WAITING, Feed, TooFarBehindError
from adapters.live import Change, Outlet, Touched, from_message, to_message, touch

ACCOUNT = uuid4()
READ = text("SELECT 1")


class Kept(Outlet):
    """An outlet that keeps what it is given."""

    def __init__(self) -> None:
        self.given: list[Change] = []

    def put(self, changes: Iterable[Change]) -> None:
        self.given += changes


async def change(session: AsyncSession, own_id: str) -> None:
    await session.execute(READ)
    touch(session, Touched.INVOICE, ACCOUNT, own_id)


async def test_what_is_committed_is_told_once_and_in_order(engine: AsyncEngine) -> None:
    kept = Kept()

    async with session_maker(engine, outlet=kept).begin() as session:
        for own_id in ("b", "a", "b"):
            await change(session, own_id)
        before = list(kept.given)

    assert before == []
    assert [each.id for each in kept.given] == ["b", "a"]


async def test_what_is_rolled_back_is_not_told(engine: AsyncEngine) -> None:
    kept = Kept()

    async with session_maker(engine, outlet=kept)() as session:
        await change(session, "rolled back")
        await session.rollback()
        await change(session, "committed")
        await session.commit()
        await change(session, "left open")

    assert [each.id for each in kept.given] == ["committed"]


async def test_a_savepoint_tells_nothing_by_itself(engine: AsyncEngine) -> None:
    kept = Kept()

    async with session_maker(engine, outlet=kept)() as session:
        await session.execute(READ)
        async with session.begin_nested():
            await change(session, "inside")
        within = list(kept.given)
        await session.rollback()

    assert within == kept.given == []


async def test_a_commit_without_an_outlet_is_a_commit(engine: AsyncEngine) -> None:
    async with session_maker(engine).begin() as session:
        await change(session, "nobody hears")


async def test_a_process_hears_what_another_tells(redis_url: str) -> None:
    feed, outlet, stranger = Feed(redis_url), Outlet(redis_url), uuid4()
    feed.open()
    try:
        async with asyncio.timeout(5):
            await feed.connected.wait()
            with feed.watch(Touched.USAGE, ACCOUNT) as watcher:
                outlet.put([Change(Touched.USAGE, stranger, "x"), Change(Touched.NOTICE, ACCOUNT, "y")])
                outlet.put([Change(Touched.USAGE, ACCOUNT, each) for each in ("a", "b", "a")])
                heard = await watcher.take()
    finally:
        await outlet.close()
        await feed.close()

    assert heard == ["a", "b"]
    assert feed.watched == 0


async def test_without_redis_nothing_waits_and_one_line_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    address = f"redis://127.0.0.1:{free_port()}"
    outlet, feed = Outlet(address), Feed(address)
    feed.open()
    began = time.monotonic()

    with caplog.at_level(logging.INFO, "prorata.live"):
        for number in range(100):
            outlet.put([Change(Touched.USAGE, ACCOUNT, str(number))])
            await asyncio.sleep(0.005)
        put_seconds = time.monotonic() - began
        await outlet.close()
        await feed.close()

    assert put_seconds < 2
    assert sorted(record.message.split(":")[0] for record in caplog.records) == [
        "live changes are not heard while Redis is away",
        "live changes are not told while Redis is away",
    ]


async def test_a_watcher_that_never_looks_keeps_no_more_than_its_room(redis_url: str) -> None:
    feed = Feed(redis_url)
    with feed.watch(Touched.INVOICE, ACCOUNT) as watcher:
        feed.hand_out([Change(Touched.INVOICE, ACCOUNT, str(each)) for each in range(10 * MOST_WAITING)])

        assert len(watcher._ids) == MOST_WAITING + 1
        with pytest.raises(TooFarBehindError):
            await watcher.take()
    await feed.close()


@pytest.mark.parametrize(
    "message", [b"", b"{}", b"[[1]]", b'[["USAGE", "no id", "x"]]', b'[["NONE", "x", "y"]]', b"7", b"\xff"]
)
def test_a_message_that_is_not_ours_holds_nothing(message: bytes) -> None:
    assert from_message(message) == []


def test_changes_come_out_of_a_message_as_they_went_in() -> None:
    changes = [Change(Touched.ALERT, UUID(int=7), "a b"), Change(Touched.SWITCH, ACCOUNT, "x")]

    assert from_message(to_message(changes)) == changes
