"""Accounts that have everything there is to see, and the ids of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.api.inputs import Ids
from tests.application import Api
from tests.scenarios.player import Player, Sent, new_player

NOW = datetime(2026, 9, 10, 9, tzinfo=UTC)


async def new_company(api: Api, *, name: str = "Acme") -> Ids:
    """Open an account with a paid invoice, usage and everything else, on a clock of its own."""
    return await ids_of(await new_player(api, now=NOW, name=name))


async def ids_of(player: Player) -> Ids:
    """Subscribe an account, use something, have its invoice paid, and name its things."""
    started = await player.do(
        "subscriptionStart",
        "subscription { id } invoice { id }",
        accountId=player.account_id,
        plan="ADVANCED",
        psp=True,
    )
    alert = {"accountId": player.account_id, "metric": "MESSAGES_SENT"}
    await player.do("alertSet", **alert, threshold=1)
    await player.use([Sent("an event", "MESSAGES_SENT", 1, player.now)])
    await player.do("alertTurnOff", **alert)
    await player.go_to(player.now + timedelta(hours=1))
    edges = "{ edges { node { id } } }"
    query = f"query ($id: ID!) {{ account(id: $id) {{ payments {edges} notifications {edges} }} }}"
    account = (await player.api.ask(query, id=player.account_id))["account"]
    (payment,), (notice, *_) = account["payments"]["edges"], account["notifications"]["edges"]
    endpoint, delivery = await told(player)
    return Ids(
        account=player.account_id,
        workspace=player.workspace_id,
        teammate=player.creator_id,
        subscription=started["subscription"]["id"],
        invoice=started["invoice"]["id"],
        payment=payment["node"]["id"],
        notification=notice["node"]["id"],
        endpoint=endpoint,
        delivery=delivery,
        clock=player.clock_id,
    )


async def told(player: Player) -> tuple[str, str]:
    """Make an endpoint with a delivery, and turn it off, so that nothing is written for it by and by; name both."""
    made = await player.do(
        "webhookEndpointCreate",
        "endpoint { id }",
        accountId=player.account_id,
        url="https://example.com/webhooks",
    )
    endpoint: str = made["endpoint"]["id"]
    sent = await player.do("webhookTest", "delivery { id }", endpointId=endpoint)
    await player.do("webhookEndpointChange", endpointId=endpoint, isEnabled=False)
    return endpoint, sent["delivery"]["id"]


async def key_of(operator: Api, account_id: str) -> Api:
    """Make a key of one account and give its client."""
    made = await operator.do("apiKeyCreate", "key", accountId=account_id, name="backend")
    return operator.with_key(made["key"])
