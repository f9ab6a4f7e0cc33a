"""How each refusal of webhooks is provoked; cases as in `refusal_cases`."""

from __future__ import annotations

from typing import Any

from domain.webhooks import EndpointUrlRefused, PayloadQueryRefused
from services.deliveries import EndpointDisabled
from services.webhooks import TooManyEndpoints
from tests.api.companies import told
from tests.api.refusal_cases import Asked, Installation, bare, case
from tests.scenarios.player import Player

URL = "https://example.com/webhooks"
NOT_PUBLIC = EndpointUrlRefused("its host is not a public one")
NO_MUTATION = PayloadQueryRefused("it must hold exactly one operation, and that a query.")
UNKNOWN_FIELD = PayloadQueryRefused("Cannot query field 'colour' on type 'Invoice'. (line 1)")


async def an_endpoint(player: Player) -> dict[str, Any]:
    """Make an endpoint and name it."""
    made = await player.do("webhookEndpointCreate", "endpoint { id }", accountId=player.account_id, url=URL)
    return {"endpointId": made["endpoint"]["id"]}


@case("webhookEndpointCreate", EndpointUrlRefused)
async def endpoint_inside(at: Installation) -> Asked:
    player = await bare(at)
    return {"accountId": player.account_id, "url": "https://169.254.169.254/latest"}, NOT_PUBLIC


@case("webhookEndpointCreate", PayloadQueryRefused)
async def endpoint_whose_query_changes(at: Installation) -> Asked:
    player = await bare(at)
    query = "mutation ($id: ID!) { inviteRevoke(input: {teammateId: $id}) { __typename } }"
    return {"accountId": player.account_id, "url": URL, "query": query}, NO_MUTATION


@case("webhookEndpointCreate", TooManyEndpoints)
async def endpoint_too_many(at: Installation) -> Asked:
    player = await bare(at)
    for _ in range(10):
        await an_endpoint(player)
    return {"accountId": player.account_id, "url": URL}, TooManyEndpoints(10)


@case("webhookEndpointChange", EndpointUrlRefused)
async def endpoint_moved_inside(at: Installation) -> Asked:
    return {**await an_endpoint(await bare(at)), "url": "https://10.0.0.1/"}, NOT_PUBLIC


@case("webhookEndpointChange", PayloadQueryRefused)
async def endpoint_asks_for_what_is_not_there(at: Installation) -> Asked:
    query = "query ($id: ID!) { invoice(id: $id) { colour } }"
    return {**await an_endpoint(await bare(at)), "query": query}, UNKNOWN_FIELD


@case("webhookRedeliver", EndpointDisabled)
async def redelivery_to_an_endpoint_that_is_off(at: Installation) -> Asked:
    _, delivery = await told(await bare(at))
    return {"deliveryId": delivery}, EndpointDisabled()


@case("webhookTest", EndpointDisabled)
async def ping_to_an_endpoint_that_is_off(at: Installation) -> Asked:
    endpoint, _ = await told(await bare(at))
    return {"endpointId": endpoint}, EndpointDisabled()
