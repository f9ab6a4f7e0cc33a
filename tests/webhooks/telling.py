"""An account with an endpoint on a receiver of the test's own, and the worker that brings it the messages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from starlette.applications import Starlette

from adapters.webhooks_out import WebhookClient
from api.rendering import Renderer
from tests.scenarios.player import Player
from tests.webhooks.receiving import Received, Receiver, receiving
from workers.webhooks import Courier

TIMEOUT_SECONDS = 1.0
LOG = """
    query ($id: ID!) {
      node(id: $id) {
        ... on WebhookEndpoint {
          url isEnabled disabledReason failingSince previousSecretUntil
          deliveries(first: 100) { edges { node {
            id kind status attempts responseStatus responseExcerpt failure body nextAttemptAt finishedAt
            subject { __typename id }
          } } }
        }
      }
    }"""


@dataclass(slots=True)
class Told:
    """An account, its endpoint with the secret, the receiver behind it, and the moment its worker lives in."""

    player: Player
    endpoint_id: str
    secret: str
    receiver: Receiver
    courier: Courier
    renderer: Renderer
    sessions: async_sessionmaker[AsyncSession]
    wall: datetime

    async def rendered(self) -> None:
        """Have the API make every body that is to be made."""
        while await self.renderer.render_waiting():
            pass

    async def deliver(self, *, later: timedelta = timedelta()) -> list[Received]:
        """Move on in time, let the worker send all that is due, and give what arrived."""
        await self.rendered()
        self.wall = max(self.wall, datetime.now(UTC)) + later
        before = len(self.receiver.got)
        while await self.courier.launch(wall=self.wall):
            await self.courier.drain()
        return self.receiver.got[before:]

    async def begin(self) -> None:
        """Let the worker begin to send, and wait until the receiver has the message."""
        await self.rendered()
        self.wall = datetime.now(UTC)
        await self.courier.launch(wall=self.wall)
        await self.receiver.has_some.wait()

    async def ping(self) -> str:
        """Ask for a ping, and name its delivery."""
        sent = await self.player.do("webhookTest", "delivery { id }", endpointId=self.endpoint_id)
        delivery_id: str = sent["delivery"]["id"]
        return delivery_id

    async def endpoint(self) -> dict[str, Any]:
        """Give the endpoint as GraphQL shows it."""
        shown: dict[str, Any] = (await self.player.api.ask(LOG, id=self.endpoint_id))["node"]
        return shown

    async def log(self) -> list[dict[str, Any]]:
        """Give its deliveries, oldest first."""
        return [edge["node"] for edge in reversed((await self.endpoint())["deliveries"]["edges"])]

    async def row(self, query: str, **values: object) -> Row[Any]:
        """Run a query that gives one row."""
        async with self.sessions() as session:
            return (await session.execute(text(query), values)).one()

    async def run(self, statement: str, **values: object) -> None:
        """Run a statement."""
        async with self.sessions.begin() as session:
            await session.execute(text(statement), values)

    async def expire_leases(self) -> None:
        """Let the leases of those who died run out."""
        await self.run("UPDATE webhook_deliveries SET lease_until = now() - interval '1 second'")


@asynccontextmanager
async def told(
    player: Player, app: Starlette, sessions: async_sessionmaker[AsyncSession], **given: Any
) -> AsyncIterator[Told]:
    """Give an account an endpoint and its worker; after the test it is turned off."""
    async with receiving() as receiver:
        given = {"accountId": player.account_id, "url": receiver.url, **given}
        made = await player.do("webhookEndpointCreate", "endpoint { id } secret", **given)
        courier = Courier(sessions, WebhookClient(allows_loopback=True, timeout_seconds=TIMEOUT_SECONDS))
        found = Told(
            player=player,
            endpoint_id=made["endpoint"]["id"],
            secret=made["secret"],
            receiver=receiver,
            courier=courier,
            renderer=app.state.renderer,
            sessions=sessions,
            wall=datetime.now(UTC),
        )
        yield found
        await courier.stop()
        await player.do("webhookEndpointChange", endpointId=found.endpoint_id, isEnabled=False)
