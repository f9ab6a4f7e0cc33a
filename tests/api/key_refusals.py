"""How each refusal about making and rotating keys is provoked; cases as in `refusal_cases`."""

from __future__ import annotations

from datetime import UTC, datetime

from adapters.database import session_maker
from domain.permissions import Permission
from services.apikeys import (
    ExpiryInThePast,
    KeyEnded,
    KeyReplaced,
    OverlapTooLong,
    ScopesBeyondYours,
    UnknownKey,
    create_key,
)
from tests.api.companies import key_of
from tests.api.refusal_cases import Asked, Installation, bare, case
from tests.application import PEPPER


def public_id(key: str) -> str:
    """Give the public id of a key."""
    return key.split("_")[1]


@case("apiKeyCreate", ExpiryInThePast)
async def _(at: Installation) -> Asked:
    player = await bare(at)
    given = {"accountId": player.account_id, "name": "backend", "expiresAt": "2020-01-01T00:00:00Z"}
    return given, ExpiryInThePast()


@case("apiKeyRotate", UnknownKey)
async def _(at: Installation) -> Asked:
    return {"publicId": "0123456789ab"}, UnknownKey("0123456789ab")


@case("apiKeyRotate", OverlapTooLong)
async def _(at: Installation) -> Asked:
    player = await bare(at)
    key = public_id((await key_of(at.api, player.account_id)).key)
    return {"publicId": key, "overlapHours": 721}, OverlapTooLong(721, 720)


@case("apiKeyRotate", KeyEnded)
async def _(at: Installation) -> Asked:
    player = await bare(at)
    key = public_id((await key_of(at.api, player.account_id)).key)
    await at.api.do("apiKeyRevoke", "publicId", publicId=key)
    return {"publicId": key}, KeyEnded(key)


@case("apiKeyRotate", KeyReplaced)
async def _(at: Installation) -> Asked:
    player = await bare(at)
    key = public_id((await key_of(at.api, player.account_id)).key)
    rotated = await at.api.do("apiKeyRotate", "successor { publicId }", publicId=key)
    return {"publicId": key}, KeyReplaced(key, rotated["successor"]["publicId"])


@case("apiKeyRotate", ScopesBeyondYours)
async def _(at: Installation) -> Asked:
    async with session_maker(at.engine).begin() as session:
        made = [
            await create_key(
                session, name=name, account_id=None, now=datetime.now(UTC), pepper=PEPPER, scopes=scopes
            )
            for name, scopes in (("all", None), ("staff", [Permission.STAFF]))
        ]
    missing = (
        "account-manager, alerts.manage, audit.view, billing.manage, billing.view, limits.manage, "
        "seats.manage, usage.record, usage.view, webhooks.manage"
    )
    return {"publicId": public_id(made[0])}, ScopesBeyondYours(missing), at.api.with_key(made[1])
