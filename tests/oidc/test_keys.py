"""Keys of an issuer: how long they are held, which are taken, and an issuer that is slow, down or lying."""

from __future__ import annotations

import asyncio
import base64
import json
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from adapters.oidc.fetching import MOST_BYTES
from adapters.oidc.keys import (
    EMPTY_SECONDS,
    FRESH_SECONDS,
    LIMIT_SECONDS,
    UNKNOWN_SECONDS,
    IssuerAwayError,
    KeySet,
    read_keys,
)
from adapters.oidc.tokens import Issuer, TokenRefusedError
from tests import issuing
from tests.issuing import AUDIENCE, DISCOVERY
from tests.oidc.checking import Clock, known


async def test_keys_are_fetched_once_for_requests_that_come_together(
    ours: Issuer, theirs: issuing.Issuer, clock: Clock
) -> None:
    theirs.pause = 0.1

    await asyncio.gather(*(known(ours, theirs.token()) for _ in range(20)))
    clock.seconds += FRESH_SECONDS - 1
    await known(ours, theirs.token())

    assert theirs.asked == {DISCOVERY: 1, "/keys": 1}


async def test_a_client_that_leaves_takes_nobodys_answer_along(ours: Issuer, theirs: issuing.Issuer) -> None:
    theirs.pause = 0.1
    first = asyncio.create_task(known(ours, theirs.token()))
    await asyncio.sleep(0.05)
    second = asyncio.create_task(known(ours, theirs.token()))
    await asyncio.sleep(0)

    first.cancel()

    assert (await second).email
    assert theirs.asked["/keys"] == 1


async def test_an_unknown_key_is_asked_for_once_a_minute(
    ours: Issuer, theirs: issuing.Issuer, clock: Clock
) -> None:
    await known(ours, theirs.token())
    theirs.add_key("next")
    made_up = jwt.encode(theirs.claims(), theirs.keys["first"][1], "ES256", headers={"kid": "made up"})

    clock.seconds += UNKNOWN_SECONDS - 1
    with pytest.raises(TokenRefusedError):
        await known(ours, theirs.token(kid="next"))
    clock.seconds += 1
    assert (await known(ours, theirs.token(kid="next"))).email
    for _ in range(5):
        with pytest.raises(TokenRefusedError):
            await known(ours, made_up)

    assert theirs.asked["/keys"] == 2


async def test_a_key_that_is_withdrawn_is_good_for_ten_minutes_at_most(
    ours: Issuer, theirs: issuing.Issuer, clock: Clock
) -> None:
    token = theirs.token()
    await known(ours, token)
    theirs.publish([theirs.public("ed")])

    clock.seconds += FRESH_SECONDS
    with pytest.raises(TokenRefusedError):
        await known(ours, token)


async def test_an_issuer_that_is_down_is_not_missed_while_its_keys_are_held(
    ours: Issuer, theirs: issuing.Issuer, clock: Clock
) -> None:
    await known(ours, theirs.token())
    theirs.is_down = True

    clock.seconds += LIMIT_SECONDS - 1
    assert (await known(ours, theirs.token())).email
    with pytest.raises(IssuerAwayError):
        await known(
            ours, jwt.encode(theirs.claims(), theirs.keys["first"][1], "ES256", headers={"kid": "new"})
        )
    clock.seconds += 1
    with pytest.raises(IssuerAwayError):
        await known(ours, theirs.token())


async def test_an_issuer_that_is_known_to_be_down_makes_nobody_wait_whose_key_is_held(
    ours: Issuer, theirs: issuing.Issuer, clock: Clock
) -> None:
    await known(ours, theirs.token())
    theirs.is_down = True
    clock.seconds += FRESH_SECONDS
    await known(ours, theirs.token())
    theirs.pause = 2.0
    clock.seconds += UNKNOWN_SECONDS

    began = time.monotonic()
    await known(ours, theirs.token())

    assert time.monotonic() - began < 1.0
    await asyncio.sleep(0.2)
    assert theirs.asked[DISCOVERY] == 3


async def test_an_issuer_that_was_never_there_is_asked_again_soon_but_not_by_everybody(
    ours: Issuer, theirs: issuing.Issuer, clock: Clock
) -> None:
    theirs.is_down = True

    for _ in range(5):
        with pytest.raises(IssuerAwayError):
            await known(ours, theirs.token())
    asked = theirs.asked[DISCOVERY]
    theirs.is_down = False
    clock.seconds += EMPTY_SECONDS

    assert asked == 1
    assert (await known(ours, theirs.token())).email


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://accounts.example", "jwks_uri": "KEYS"},
        {"jwks_uri": "KEYS"},
        {"issuer": "ISSUER"},
        {"issuer": "ISSUER", "jwks_uri": 1},
        ["no object"],
    ],
    ids=str,
)
async def test_a_discovery_that_speaks_for_another_is_not_followed(
    ours: Issuer, theirs: issuing.Issuer, document: object
) -> None:
    text = json.dumps(document).replace("KEYS", f"{theirs.url}/keys").replace("ISSUER", theirs.url)
    theirs.say(DISCOVERY, json.loads(text))

    with pytest.raises(IssuerAwayError):
        await known(ours, theirs.token())
    assert theirs.asked["/keys"] == 0


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<html>"),
        (200, b'{"keys": 1}'),
        (302, b""),
        (500, b"{}"),
        (200, b'{"keys": []}' + b" " * MOST_BYTES),
    ],
    ids=["html", "no set", "redirect", "error", "too long"],
)
async def test_a_key_set_that_is_none_is_as_if_the_issuer_were_away(
    ours: Issuer, theirs: issuing.Issuer, status: int, body: bytes
) -> None:
    theirs.documents["/keys"] = (status, body)

    with pytest.raises(IssuerAwayError):
        await known(ours, theirs.token())


async def test_the_address_of_the_keys_may_be_given(theirs: issuing.Issuer) -> None:
    keys = KeySet("https://accounts.example", f"{theirs.url}/keys")
    ours = Issuer("https://accounts.example", AUDIENCE, keys)

    assert (await known(ours, theirs.token(iss="https://accounts.example"))).email
    assert theirs.asked[DISCOVERY] == 0
    await keys.close()


def test_keys_that_cannot_be_for_us_are_left_out(theirs: issuing.Issuer) -> None:
    good = theirs.public("first")
    weak = rsa.generate_private_key(65537, 1024).public_key()  # noqa: S505  that is the point
    weak_key = jwt.algorithms.RSAAlgorithm.to_jwk(weak, as_dict=True)
    secret = base64.urlsafe_b64encode(b"a shared secret of thirty-two by").decode()

    kept = read_keys(
        [
            {**good, "kid": "for encryption", "use": "enc"},
            {**good, "kid": "for signing only", "key_ops": ["sign"]},
            {**good, "kid": "of another algorithm", "alg": "ES512"},
            {**good, "kid": "on no curve", "x": good["y"]},
            {**good, "kid": "private", "d": "AQ"},
            {**good, "kid": 7},
            {"kid": "shared", "kty": "oct", "k": secret},
            {**weak_key, "kid": "weak"},
            {"kid": "of nothing"},
            {"kid": "of lists", "kty": ["EC"], "crv": ["P-256"]},
            good,
        ]
    )

    assert {kid: key.algorithm for kid, key in kept.items()} == {"first": "ES256"}
