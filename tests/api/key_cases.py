"""Every mutation that takes an idempotency key, in a situation in which it is allowed; asking it, and what came of it."""

from __future__ import annotations

from typing import Any

from api.node_ids import decode_node_id
from tests.api.change_cases import SITUATIONS, Arrange, Arranged, last_invoice, monthly
from tests.api.refusal_cases import Installation, bare, pending
from tests.api.selections import everything_of
from tests.gateway.running_provider import RunningProvider


async def invite(at: Installation) -> Arranged:
    player = await bare(at)
    return player, {"workspaceId": player.workspace_id, "name": "Ida", "email": "ida@example.com"}


async def resend(at: Installation) -> Arranged:
    player = await bare(at)
    return player, {"teammateId": await pending(player)}


async def pay(at: Installation) -> Arranged:
    player = await monthly(at)
    await player.pay_with("tok_visa")
    return player, {"invoiceId": await last_invoice(player)}


async def keep_a_card(at: Installation) -> Arranged:
    player = await monthly(at)
    return player, {"accountId": player.account_id, "token": "tok_visa"}


BESIDES: dict[str, Arrange] = {
    "teammateInvite": invite,
    "inviteResend": resend,
    "invoicePay": pay,
    "paymentMethodSet": keep_a_card,
}
"""What has a key but no preview."""

ALLOWED: dict[str, Arrange] = {
    **{each.mutation: each.arrange for each in reversed(SITUATIONS.values())},
    **BESIDES,
}
"""A situation for each mutation that takes a key."""


def under(given: dict[str, Any], key: str) -> dict[str, Any]:
    """Give an input under a key."""
    return {**given, "idempotencyKey": key}


def asking(mutation: str, *, depth: int = 3) -> str:
    """Write a mutation that asks for everything of its payload."""
    name = f"{mutation[0].upper()}{mutation[1:]}"
    shown = f"__typename ... on {name}Payload {{ {everything_of(f'{name}Payload', depth=depth)} }}"
    refused = "... on UserError { message }"
    return f"mutation ($input: {name}Input!) {{ {mutation}(input: $input) {{ {shown} {refused} }} }}"


def own_id(account: str) -> str:
    """Give the account's own id."""
    ref = decode_node_id(account)
    assert ref is not None
    return ref.local_id


def charges_of(provider: RunningProvider, account: str) -> list[dict[str, Any]]:
    """Give what the provider charged an account, by its own log."""
    logged = provider.request("GET", "/v1/charges").json()["charges"]
    return [each for each in logged if own_id(account) in each["idempotency_key"]]
