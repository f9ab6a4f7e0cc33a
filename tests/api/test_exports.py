"""`GET /accounts/<id>/usage.csv`: every day's totals, however many, and nothing held back in memory."""

from __future__ import annotations

import asyncio
import tracemalloc
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from starlette.applications import Starlette

from api.node_ids import decode_node_id
from tests.api.companies import NOW, key_of, new_company
from tests.api.inputs import Ids, moved, nothing_like
from tests.application import Api
from tests.scenarios.papers import cells, fetch
from tests.scenarios.player import Player, Sent, new_player

RANGE = "from=2026-09-01&to=2026-09-30"
MONTH = "from=2025-09-01&to=2025-09-30"
MANY = 100_000


@pytest.fixture(scope="module")
async def ours(operator: Api) -> Ids:
    """Ids of the account that asks."""
    return await new_company(operator)


@pytest.fixture(scope="module")
async def caller(operator: Api, ours: Ids) -> Api:
    """A client with a key of that account."""
    return await key_of(operator, ours.account)


@pytest.fixture(scope="module")
async def busy(operator: Api, sessions: async_sessionmaker[AsyncSession]) -> Player:
    """An account with a year of 100,000 daily totals in 70 workspaces, one of them called like a formula."""
    player = await new_player(operator, now=NOW, name="Busy")
    ref = decode_node_id(player.account_id)
    assert ref is not None
    async with sessions.begin() as session:
        await session.execute(
            text("""
                INSERT INTO workspaces (account_id, id, name, created_at)
                SELECT :account, gen_random_uuid(), '=1+' || number, now() FROM generate_series(1, 70) number"""),
            {"account": ref.account_id},
        )
        await session.execute(
            text("""
                INSERT INTO usage_days (account_id, workspace_id, metric, day, channel, units, events)
                SELECT account_id, id, metric, date '2025-09-01' + day, '', 1000 + day, 1
                FROM workspaces, unnest(ARRAY['BULK_EMAIL', 'SMS_SEGMENT', 'PHONE_MINUTE', 'WHATSAPP_SENT']) metric,
                     generate_series(0, 364) day
                WHERE account_id = :account
                ORDER BY 1, 2, 3, 4
                LIMIT :many"""),
            {"account": ref.account_id, "many": MANY},
        )
    return player


async def test_a_row_for_each_day_workspace_metric_and_channel(operator: Api) -> None:
    player = await new_player(operator, now=NOW, name="Acme")
    await player.do("subscriptionStart", accountId=player.account_id, plan="ADVANCED", psp=True)
    await player.use(
        [
            Sent("a", "BULK_EMAIL", 700, player.now),
            Sent("b", "BULK_EMAIL", 300, player.now),
            Sent("c", "MESSAGES_SENT", 5, player.now),
            Sent("d", "PHONE_MINUTE", 61, player.now),
        ]
    )
    await player.take_back("d")

    answer = await fetch(operator, f"/accounts/{player.account_id}/usage.csv?{RANGE}")

    assert (answer.status_code, answer.headers["content-type"]) == (
        200,
        "text/csv; charset=utf-8; header=present",
    )
    assert answer.headers["content-disposition"] == (
        'attachment; filename="Acme-usage-2026-09-01-to-2026-09-30.csv"'
    )
    assert [
        (row["day"], row["workspace"], row["metric"], row["channel"], row["units"], row["events"])
        for row in cells(answer.content)
    ] == [
        ("2026-09-10", "Support", "BULK_EMAIL", "", "1000", "2"),
        ("2026-09-10", "Support", "MESSAGES_SENT", "POST", "5", "1"),
    ]
    assert {row["workspace_id"] for row in cells(answer.content)} == {player.workspace_id}


@pytest.mark.parametrize(
    ("days", "rows"),
    [
        ("from=2026-09-10&to=2026-09-10", 1),
        ("from=2026-09-11&to=2026-09-30", 0),
        ("from=2026-08-01&to=2026-09-09", 0),
        ("from=2025-10-01&to=2026-10-31", 1),
    ],
)
async def test_both_days_of_a_range_are_in_it(caller: Api, ours: Ids, days: str, rows: int) -> None:
    answer = await fetch(caller, f"/accounts/{ours.account}/usage.csv?{days}")

    assert answer.status_code == 200
    assert len(cells(answer.content)) == rows


async def test_one_workspace_can_be_asked_for(operator: Api, busy: Player) -> None:
    path = f"/accounts/{busy.account_id}/usage.csv?from=2025-09-01&to=2025-09-30"
    everything = cells((await fetch(operator, path)).content)
    one = next(row["workspace_id"] for row in everything if row["workspace"] == "'=1+7")

    own = cells((await fetch(operator, f"{path}&workspace={one}")).content)

    assert own == [row for row in everything if row["workspace_id"] == one]
    assert 0 < len(own) < len(everything)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("", "Name the days"),
        ("from=2026-09-01", "Name the days"),
        ("to=2026-09-01", "Name the days"),
        ("from=&to=2026-09-01", "`from` is no day"),
        ("from=2026-9-1&to=2026-09-30", "`from` is no day"),
        ("from=2026-09-01&to=2026-09-31", "`to` is no day"),
        ("from=2026-09-01T00:00:00Z&to=2026-09-30", "`from` is no day"),
        ("from=0001-01-01&to=2026-09-30", "`from` is no day"),
        ("from=2026-09-01&to=9999-12-31", "`to` is no day"),
        ("from=2026-09-01&to=%00", "`to` is no day"),
        ("from=2026-09-30&to=2026-09-01", "ends before it begins"),
        ("from=2025-09-01&to=2026-10-01", "at most 13 months"),
    ],
)
async def test_a_range_that_cannot_be_is_refused_with_what_to_send(
    caller: Api, ours: Ids, asked: str, told: str
) -> None:
    answer = await fetch(caller, f"/accounts/{ours.account}/usage.csv?{asked}")

    assert (answer.status_code, code(answer)) == (400, "BAD_REQUEST")
    assert told in answer.json()["errors"][0]["message"]


async def test_what_is_anothers_looks_like_nothing(operator: Api, caller: Api, ours: Ids) -> None:
    theirs = await new_company(operator, name="Theirs")
    account = decode_node_id(ours.account)
    assert account is not None
    assert account.account_id is not None
    strangers = [theirs.account, nothing_like(ours.account), ours.workspace, ours.account[:-1], "nonsense"]
    workspaces = [
        theirs.workspace,
        moved(theirs.workspace, account.account_id),
        nothing_like(ours.workspace),
        ours.account,
        "",
        "nonsense",
    ]

    answers = [await fetch(caller, f"/accounts/{node}/usage.csv?{RANGE}") for node in strangers]
    by_workspace = [
        await fetch(caller, f"/accounts/{ours.account}/usage.csv?{RANGE}&workspace={node}")
        for node in workspaces
    ]
    mixed = await fetch(operator, f"/accounts/{ours.account}/usage.csv?{RANGE}&workspace={theirs.workspace}")

    assert {answer.status_code for answer in [*answers, *by_workspace]} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert len({answer.content for answer in [*by_workspace, mixed]}) == 1


@pytest.mark.parametrize("key", ["", "pr_000000000000_wrong"])
async def test_nobody_gets_in_without_a_key(caller: Api, ours: Ids, key: str) -> None:
    answer = await fetch(caller.with_key(key), f"/accounts/{ours.account}/usage.csv?{RANGE}")

    assert (answer.status_code, code(answer)) == (401, "UNAUTHENTICATED")


async def test_a_hundred_thousand_rows_come_without_being_held(
    app: Starlette, operator: Api, busy: Player
) -> None:
    reader = Reader()
    tracemalloc.start()
    await reader.read(app, operator, busy)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert reader.lines == MANY + 1
    assert reader.size > 15_000_000
    assert peak < 6_000_000


async def test_a_reader_that_goes_away_gives_back_its_place(
    app: Starlette, operator: Api, busy: Player
) -> None:
    # More than there are connections and places: each must be given back for the last to get one.
    for _ in range(25):
        await Reader(MONTH, leaves_after=2).read(app, operator, busy)

    answer = await fetch(operator, f"/accounts/{busy.account_id}/usage.csv?from=2025-09-01&to=2025-09-01")

    assert answer.status_code == 200


async def test_more_exports_at_once_than_there_are_places_are_asked_to_come_back(
    app: Starlette, operator: Api, busy: Player
) -> None:
    gate = asyncio.Event()
    readers = [Reader(MONTH, gate=gate) for _ in range(5)]
    running = [asyncio.create_task(reader.read(app, operator, busy)) for reader in readers]
    for reader in readers:
        await reader.began.wait()

    refused = await fetch(operator, f"/accounts/{busy.account_id}/usage.csv?{MONTH}")
    gate.set()
    await asyncio.gather(*running)
    taken = await fetch(operator, f"/accounts/{busy.account_id}/usage.csv?{MONTH}")

    assert (refused.status_code, code(refused), refused.headers["retry-after"]) == (
        429,
        "TOO_MANY_REQUESTS",
        "5",
    )
    assert taken.status_code == 200
    assert {reader.lines for reader in readers} == {taken.content.count(b"\r\n")}


class Reader:
    """Reads an export as a server would hand it on, keeping count and nothing else."""

    def __init__(
        self,
        days: str = "from=2025-09-01&to=2026-08-31",
        *,
        leaves_after: int | None = None,
        gate: asyncio.Event | None = None,
    ) -> None:
        self.days, self.leaves_after, self.gate = days, leaves_after, gate
        self.began = asyncio.Event()
        self.lines = self.size = 0

    async def read(self, app: Starlette, api: Api, player: Player) -> None:
        """Ask for the days, and leave or wait where that was said."""
        self.lines = self.size = chunks = 0
        gone = asyncio.Event()
        asked = asyncio.Event()

        async def receive() -> dict[str, Any]:
            if not asked.is_set():
                asked.set()
                return {"type": "http.request", "body": b"", "more_body": False}
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            nonlocal chunks
            if message["type"] == "http.response.start":
                assert message["status"] == 200
                return
            self.lines += message["body"].count(b"\r\n")
            self.size += len(message["body"])
            chunks += 1
            self.began.set()
            if chunks == self.leaves_after:
                gone.set()
                await asyncio.sleep(60)
            if self.gate is not None:
                await self.gate.wait()

        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": f"/accounts/{player.account_id}/usage.csv",
            "raw_path": b"",
            "query_string": self.days.encode(),
            "root_path": "",
            "headers": [(b"authorization", f"Bearer {api.key}".encode())],
            "client": ("127.0.0.1", 1),
            "server": ("prorata", 80),
        }
        await app(scope, receive, send)


def code(answer: httpx.Response) -> str:
    """Give the code of the answer's error."""
    (error,) = answer.json()["errors"]
    found: str = error["extensions"]["code"]
    return found
