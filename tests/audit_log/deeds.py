"""Every mutation that the audit log tells of, each in a situation in which it is done: what to arrange, and its input."""

from __future__ import annotations

from typing import Any

from tests.api.change_cases import SITUATIONS, Arranged, later, paid, people
from tests.api.companies import ids_of, key_of
from tests.api.inputs import inputs, mutations
from tests.api.refusal_cases import NOW, Installation, bare, pending

UNTOLD = {"usageRecord"}

WITH_IDS = (
    "accountCreate",
    "testClockCreate",
    "testClockAdvance",
    "apiKeyCreate",
    "billingContactsSet",
    "teammateInvite",
    "alertSet",
    "limitSet",
    "notificationRead",
    "notificationReadAll",
    "paymentMethodSet",
    "webhookEndpointCreate",
    "webhookEndpointRemove",
    "webhookSecretRotate",
)
"""Mutations that are done on any account that has everything, with an input made of its ids."""

TO = {"to": "2026-09-12T00:00:00Z"}
"""Further than such an account has come."""


def told() -> list[str]:
    """Name the mutations that are told of."""
    return sorted(set(mutations()) - UNTOLD)


async def arranged(at: Installation, mutation: str) -> Arranged:
    """Arrange that a mutation can be done; give an account that it concerns, and its input."""
    if mutation in WITH_IDS:
        player = await with_card(at)
        given = inputs(await ids_of(player))[mutation]
        return player, {**given, **TO} if "to" in given else given
    if mutation in OTHERS:
        return await OTHERS[mutation](at)
    found = [each.arrange for each in SITUATIONS.values() if each.mutation == mutation]
    assert found, f"arrange a situation in which {mutation} is done"
    return await found[0](at)


async def with_card(at: Installation) -> Any:
    """Open an account that pays."""
    player = await bare(at)
    await player.pay_with("tok_visa")
    return player


async def end_key(at: Installation) -> Arranged:
    player = await bare(at)
    client = await key_of(at.api, player.account_id)
    return player, {"publicId": client.key.split("_")[1]}


async def resend(at: Installation) -> Arranged:
    player = await bare(at)
    person = await pending(player)
    await player.go_to(NOW.replace(hour=15))
    return player, {"teammateId": person}


async def revoke_invite(at: Installation) -> Arranged:
    player = await bare(at)
    return player, {"teammateId": await pending(player)}


async def give_role(at: Installation) -> Arranged:
    player = await people(at)
    return player, {"teammateId": player.people["mate-2"], "role": "BILLING"}


async def pay(at: Installation) -> Arranged:
    player = await people(at)
    await player.do("subscriptionStart", accountId=player.account_id, plan="ESSENTIAL")
    await player.pay_with("tok_insufficient_funds")
    player = await later(player)
    return player, {"invoiceId": (await player.invoices())[-1]["id"]}


async def alert_off(at: Installation) -> Arranged:
    player = await paid(at)
    given = {"accountId": player.account_id, "metric": "BULK_EMAIL"}
    await player.do("alertSet", **given, threshold=1_000_000)
    return player, given


async def limit_off(at: Installation) -> Arranged:
    player = await paid(at)
    given = {"accountId": player.account_id, "metric": "BULK_EMAIL"}
    await player.do("limitSet", **given, limit=10)
    return player, given


async def an_endpoint(at: Installation) -> Any:
    player = await bare(at)
    made = await player.do(
        "webhookEndpointCreate", "endpoint { id }", accountId=player.account_id, url="https://example.com/in"
    )
    return player, made["endpoint"]["id"]


async def change_endpoint(at: Installation) -> Arranged:
    player, endpoint = await an_endpoint(at)
    return player, {"endpointId": endpoint, "url": "https://example.com/other", "isEnabled": False}


async def test_endpoint(at: Installation) -> Arranged:
    player, endpoint = await an_endpoint(at)
    return player, {"endpointId": endpoint}


async def redeliver(at: Installation) -> Arranged:
    player, endpoint = await an_endpoint(at)
    sent = await player.do("webhookTest", "delivery { id }", endpointId=endpoint)
    await player.do("webhookEndpointChange", endpointId=endpoint, isEnabled=False)
    await player.do("webhookEndpointChange", endpointId=endpoint, isEnabled=True)
    return player, {"deliveryId": sent["delivery"]["id"]}


async def open_page(at: Installation) -> Arranged:
    player = await bare(at)
    return player, {"accountId": player.account_id, "returnUrl": "https://app.example/billing?session=1"}


OTHERS = {
    "paymentMethodPageOpen": open_page,
    "apiKeyRevoke": end_key,
    "apiKeyRotate": end_key,
    "inviteResend": resend,
    "inviteRevoke": revoke_invite,
    "roleSet": give_role,
    "invoicePay": pay,
    "alertTurnOff": alert_off,
    "limitTurnOff": limit_off,
    "webhookEndpointChange": change_endpoint,
    "webhookTest": test_endpoint,
    "webhookRedeliver": redeliver,
}
