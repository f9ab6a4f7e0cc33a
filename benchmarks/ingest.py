"""Recording usage: events a second through each door, against COPY of the same rows into a table with the same key.

A thousand events a request over several connections, each request of one workspace. Every door is idempotent, raises the
totals and has committed when it answers; the limit does none of that but commit.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import cycle

import orjson
import uvloop

from benchmarks.rig.companies import copy_company, make_company
from benchmarks.rig.http import Connection, post, send_all
from benchmarks.rig.installation import Servers, Store, installed, opened, serving
from benchmarks.rig.measure import Rival, Work, race, show
from benchmarks.rig.sending import OUTCOMES, SIZE, Place, Sender
from domain.events import SentEvent
from services import usage
from services.accounts import read_account
from services.usage import EventStatus

COMPANIES = 20
CONNECTIONS = 4
PREFILLED = 150
NDJSON = "application/x-ndjson"
TWIN = "CREATE TABLE twin_events (LIKE usage_events INCLUDING ALL)"
TOTALS = """
    INSERT INTO usage_days SELECT account_id, workspace_id, metric, day, coalesce(channel, ''), sum(units), count(*)
    FROM usage_events GROUP BY 1, 2, 3, 4, 5"""
# Each must come to nothing.
BROKEN = {
    "a total that is not the sum of its events": """
        SELECT count(*) FROM (SELECT account_id, workspace_id, metric, day, coalesce(channel, '') AS channel,
                sum(units) AS units, count(*) AS events FROM usage_events GROUP BY 1, 2, 3, 4, 5) AS counted
            FULL JOIN usage_days AS kept USING (account_id, workspace_id, metric, day, channel)
        WHERE (counted.units, counted.events) IS DISTINCT FROM (kept.units, kept.events)""",
    "a resolution that does not stand": """
        SELECT count(*) FROM usage_events e LEFT JOIN standing_resolutions s
            USING (account_id, workspace_id, conversation_id)
        WHERE e.metric = 'FIN_RESOLUTION' AND s.event_id IS DISTINCT FROM e.event_id""",
}


@dataclass(frozen=True, slots=True)
class Doors:
    """The rivals: each has some batches to send, over all connections at once."""

    store: Store
    connections: list[Connection]
    sender: Sender
    places: Iterator[Place]
    batches: int

    async def graphql(self, fields: str = "") -> Work:
        """Send through the mutation."""
        return self._posting([self._graphql(fields) for _ in range(self.batches)], _accepted_by_graphql)

    async def graphql_with_outcomes(self) -> Work:
        """Send through the mutation and have every event's outcome told."""
        return await self.graphql(OUTCOMES)

    async def ndjson(self) -> Work:
        """Send through the usage door."""
        return self._posting([self._ndjson() for _ in range(self.batches)], _accepted_by_door)

    async def use_case(self) -> Work:
        """Call the use case, without HTTP."""
        batches = iter([(next(self.places), self.sender.sent()) for _ in range(self.batches)])

        async def record() -> int:
            return sum([await self._record(place, events) for place, events in batches])

        return _at_once(record, CONNECTIONS)

    async def copy(self, connections: int = 1) -> Work:
        """Copy the same rows, a transaction a batch."""
        batches = iter([self.sender.rows(next(self.places)) for _ in range(2 * self.batches)])

        async def copy() -> int:
            count = 0
            async with self.store.pool.acquire() as connection:
                for rows in batches:
                    await connection.copy_records_to_table("twin_events", records=rows)
                    count += len(rows)
            return count

        return _at_once(copy, connections)

    async def copy_at_once(self) -> Work:
        """Copy over as many connections as the doors have."""
        return await self.copy(CONNECTIONS)

    async def check_replay(self) -> None:
        """Send one batch twice through each door: the second time nothing is recorded."""
        for request in (self._graphql(""), self._ndjson()):
            connection = self.connections[0]
            before = await self.store.number("SELECT count(*) FROM usage_events")
            answers = [await connection.send(request), await connection.send(request)]
            after = await self.store.number("SELECT count(*) FROM usage_events")
            assert after - before == SIZE, "a replay was recorded"
            assert answers[0] != answers[1]

    def _graphql(self, fields: str) -> bytes:
        body = self.sender.graphql(next(self.places), fields=fields)
        return post("/graphql", body, key=self.store.key)

    def _ndjson(self) -> bytes:
        path = f"/usage?workspace={next(self.places).node}"
        return post(path, self.sender.ndjson(), key=self.store.key, media_type=NDJSON)

    def _posting(self, requests: list[bytes], accepted: Callable[[bytes], int]) -> Work:
        async def send() -> int:
            answers = await send_all(self.connections, requests)
            assert all(accepted(answer) == SIZE for answer in answers), answers[0][:500]
            return SIZE * len(answers)

        return send

    async def _record(self, place: Place, events: list[SentEvent]) -> int:
        async with self.store.sessions.begin() as session:
            account = await read_account(session, account_id=place.account_id, wall=self.sender.now)
            outcomes = await usage.record(session, account, workspace_id=place.workspace_id, events=events)
        return sum(outcome.status is EventStatus.ACCEPTED for outcome in outcomes)


def _at_once(work: Work, times: int) -> Work:
    async def run() -> int:
        return sum(await asyncio.gather(*(work() for _ in range(times))))

    return run


def _accepted_by_graphql(answer: bytes) -> int:
    data = orjson.loads(answer)["data"]
    return int(data["usageRecord"]["accepted"])


def _accepted_by_door(answer: bytes) -> int:
    return answer.count(b'"ACCEPTED"')


async def prefill(store: Store, sender: Sender, places: Iterator[Place]) -> None:
    """Put some events in both tables, so that neither is measured empty; resolutions need more than a row."""
    await store.pool.execute(TWIN)
    for _ in range(PREFILLED):
        rows = [row for row in sender.rows(next(places)) if row[3] != "FIN_RESOLUTION"]
        await store.pool.copy_records_to_table("usage_events", records=rows)
    await store.pool.execute("DELETE FROM usage_days")
    await store.pool.execute(TOTALS)
    await store.pool.execute("INSERT INTO twin_events SELECT * FROM usage_events")
    await store.pool.execute("VACUUM ANALYZE")


async def main(store: Store, *, server: tuple[int, int], rounds: int, batches: int) -> None:
    """Race, check that nothing is amiss, and print."""
    pid, port = server
    now = datetime.now(UTC)
    original = await make_company(store, started_at=now - timedelta(days=20), months=0)
    await copy_company(store.pool, original, times=COMPANIES - 1)
    desks = await store.pool.fetch("SELECT account_id, id FROM workspaces")
    places = cycle([Place(desk["account_id"], desk["id"]) for desk in desks])
    sender = Sender(now=now)
    await prefill(store, sender, places)

    connections = [await Connection.open(port) for _ in range(CONNECTIONS)]
    doors = Doors(store, connections, sender, places, batches)
    here = (os.getpid(),)
    rivals = [
        Rival("GraphQL usageRecord", doors.graphql, (pid,)),
        Rival("GraphQL usageRecord, with outcomes", doors.graphql_with_outcomes, (pid,)),
        Rival("POST /usage, NDJSON", doors.ndjson, (pid,)),
        Rival("services.usage.record", doors.use_case, here),
        Rival("limit: COPY, 1 connection", doors.copy, here, is_limit=True),
        Rival(f"limit: COPY, {CONNECTIONS} connections", doors.copy_at_once, here, is_limit=True),
    ]
    tallies = await race(rivals, rounds=rounds, postmaster=store.postmaster, settle=store.settle)
    await doors.check_replay()
    for what, query in BROKEN.items():
        assert await store.number(query) == 0, what
    for connection in connections:
        await connection.close()
    stored = await store.number("SELECT count(*) FROM usage_events")
    print(f"{SIZE} events a request, {CONNECTIONS} connections, {stored:,} events stored")
    show(rivals, tallies, unit="events")


async def run(servers: Servers, *, rounds: int, batches: int) -> None:
    """Open the store and a server on it."""
    async with opened(servers, connections=CONNECTIONS) as store:
        with serving(servers, servers.application) as server:
            await main(store, server=server, rounds=rounds, batches=batches)


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=4)
    options.add_argument("--batches", type=int, default=12, help="Requests a door and round.")
    given = options.parse_args()
    with installed() as made:
        uvloop.run(run(made, rounds=given.rounds, batches=given.batches))
