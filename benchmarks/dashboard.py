"""An account's dashboard: requests a second and CPU of one GraphQL query, against the same answer written by hand.

The query asks for the subscription with its next invoice, the series of all metrics, and six invoices with their lines.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from uuid import UUID

import orjson
import uvloop

from adapters.gateway.sandbox import SandboxGateway
from api.node_ids import NodeRef, encode_node_id
from benchmarks.rig.companies import account_day, copy_company, make_company
from benchmarks.rig.http import Connection, post, send_all
from benchmarks.rig.installation import WEBHOOK_SECRET, Servers, Store, installed, opened, serving
from benchmarks.rig.measure import Rival, Work, race, show
from services.due import close_chunk

COMPANIES = 50
MONTHS = 6
CONNECTIONS = 4
QUERY = """
    query Dashboard($id: ID!) {
      account(id: $id) {
        name
        subscription {
          status plan currentPeriod { start end } runRate { amount }
          nextInvoice {
            invoiceOn total { amount } due { amount }
            sections { label total { amount } lines { description quantity amount { amount } explanation } }
          }
        }
        usage {
          metrics {
            metric total included cost { amount } projectedCost { amount } series { day units cumulative }
          }
        }
        invoices(first: 6) {
          edges {
            node {
              number invoiceOn status total { amount } due { amount }
              lines { section description quantity amount { amount } explanation }
            }
          }
        }
      }
    }"""


@dataclass(frozen=True, slots=True)
class Reader:
    """A rival: asks one server for dashboards."""

    connections: list[Connection]
    requests: Iterator[bytes]
    number: int

    async def prepare(self) -> Work:
        """Choose the accounts to ask for."""
        requests = list(islice(self.requests, self.number))

        async def read() -> int:
            return len(await send_all(self.connections, requests))

        return read

    async def one(self) -> object:
        """Read one dashboard."""
        answer: dict[str, object] = orjson.loads(await self.connections[0].send(next(self.requests)))
        assert "errors" not in answer, answer
        return answer["data"]


async def fill(store: Store) -> list[UUID]:
    """Make companies half a year old, each month invoiced."""
    gateway = SandboxGateway("http://127.0.0.1:1", "no payment is made here", WEBHOOK_SECRET)
    started_at = datetime.now(UTC) - timedelta(days=31 * MONTHS + 12)
    original = await make_company(store, started_at=started_at, months=MONTHS + 1)
    for month in range(1, MONTHS + 1):
        wall = account_day(started_at, months=month) + timedelta(minutes=1)
        assert await close_chunk(store.sessions, gateway, wall=wall) == 1
    await gateway.aclose()
    return await copy_company(store.pool, original, times=COMPANIES)


async def main(servers: Servers, store: Store, *, rounds: int, requests: int) -> None:
    """Race, check that both say the same, and print."""
    accounts = await fill(store)
    bodies = [
        orjson.dumps(
            {"query": QUERY, "variables": {"id": encode_node_id(NodeRef("BillingAccount", each, str(each)))}}
        )
        for each in accounts
    ]
    asked = [post("/graphql", body, key=store.key) for body in bodies]
    by_hand = [post(f"/{each}", b"", key="none") for each in accounts]
    with (
        serving(servers, servers.application) as (pid, port),
        serving(servers, servers.owner, "benchmarks.limits.dashboard") as (pid_2, port_2),
    ):
        ours = Reader([await Connection.open(port) for _ in range(CONNECTIONS)], cycle(asked), requests)
        limit = Reader([await Connection.open(port_2) for _ in range(CONNECTIONS)], cycle(by_hand), requests)
        rivals = [
            Rival("GraphQL dashboard", ours.prepare, (pid,)),
            Rival("limit: Starlette, asyncpg, orjson", limit.prepare, (pid_2,), is_limit=True),
        ]
        for _ in accounts:
            assert await ours.one() == await limit.one(), "the two answers differ"
        size = len(await ours.connections[0].send(asked[0]))
        tallies = await race(rivals, rounds=rounds, postmaster=store.postmaster, settle=store.settle)
        for connection in (*ours.connections, *limit.connections):
            await connection.close()
    print(f"{size / 1000:.1f} kB an answer, {CONNECTIONS} connections")
    show(rivals, tallies, unit="requests")


async def run(servers: Servers, *, rounds: int, requests: int) -> None:
    """Open the store."""
    async with opened(servers, connections=CONNECTIONS) as store:
        await main(servers, store, rounds=rounds, requests=requests)


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=4)
    options.add_argument("--requests", type=int, default=60, help="Requests a round.")
    given = options.parse_args()
    with installed() as made:
        uvloop.run(run(made, rounds=given.rounds, requests=given.requests))
