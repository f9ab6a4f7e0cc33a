"""Open WebSockets and the subscriptions on them are counted while they last."""

from __future__ import annotations

import httpx

from tests.application import Api
from tests.live.running_api import talk
from tests.workers.running_worker import until

FOLLOW = 'subscription { invoiceChanged(accountId: "nothing") { number } }'
OPEN = "prorata_websockets_open "
BEGUN = 'prorata_graphql_operations_total{kind="subscription"} '


async def test_a_socket_counts_while_it_is_open(client: Api, api_url: str, operator_key: str) -> None:
    before = await shown(client.http)

    async with talk(api_url, key=operator_key) as opened:
        await opened.say({"id": "1", "type": "subscribe", "payload": {"query": FOLLOW}})
        assert (await opened.hear())["type"] == "error"  # there is no such account to follow
        during = await shown(client.http)

    assert value(during, OPEN) == value(before, OPEN) + 1
    assert value(during, BEGUN) == value(before, BEGUN) + 1
    await until(lambda: is_closed_of(client.http, before=before))


async def is_closed_of(http: httpx.AsyncClient, *, before: str) -> bool:
    """Tell whether as many are open as before."""
    return value(await shown(http), OPEN) == value(before, OPEN)


async def shown(http: httpx.AsyncClient) -> str:
    """Read the metrics."""
    return (await http.get("/metrics")).text


def value(shown: str, name: str) -> float:
    """Give the value of a sample, 0 where there is none."""
    return next((float(line.removeprefix(name)) for line in shown.splitlines() if line.startswith(name)), 0.0)
