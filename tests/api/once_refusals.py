"""An idempotency key that stands for something else, given to every mutation that takes one."""

from __future__ import annotations

from services.idempotency import IdempotencyKeyReused
from tests.api.inputs import keyed
from tests.api.key_cases import ALLOWED
from tests.api.refusal_cases import Asked, Case, Installation, case

KEY = "an order of somebody"


def used_before(mutation: str) -> Case:
    """Ask it under the key of an invite to the same account."""

    async def arrange(at: Installation) -> Asked:
        player, given = await ALLOWED[mutation](at)
        other = {"workspaceId": player.workspace_id, "name": "Zoe", "email": "zoe@example.com"}
        await player.do("teammateInvite", **other, idempotencyKey=KEY)
        return {**given, "idempotencyKey": KEY}, IdempotencyKeyReused(KEY, "teammateInvite")

    return arrange


for _mutation in keyed():
    case(_mutation, IdempotencyKeyReused)(used_before(_mutation))
