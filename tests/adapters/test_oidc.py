"""Tokens of people: what a good one says, every way to be refused, and an issuer that is slow, down or lying."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
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
from adapters.oidc.tokens import LEEWAY, LONGEST_TOKEN, Issuer, Person, TokenRefusedError
from tests import issuing
from tests.issuing import AUDIENCE, DISCOVERY, running_issuer

SECOND = timedelta(seconds=1)


class Clock:
    """Seconds that a test lets pass."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def theirs() -> Iterator[issuing.Issuer]:
    """A running issuer with a key of each kind."""
    with running_issuer() as issuer:
        for kid, algorithm in (("first", "ES256"), ("ed", "EdDSA"), ("rsa", "RS256")):
            issuer.add_key(kid, algorithm)
        yield issuer


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def ours(theirs: issuing.Issuer, clock: Clock) -> AsyncIterator[Issuer]:
    """What checks its tokens."""
    keys = KeySet(theirs.url, clock=clock)
    yield Issuer(theirs.url, AUDIENCE, keys)
    await keys.close()


async def known(ours: Issuer, token: str) -> Person:
    return await ours.person(token, now=datetime.now(UTC))


@pytest.mark.parametrize("kid", ["first", "ed", "rsa"])
async def test_a_good_token_says_who_it_is(ours: Issuer, theirs: issuing.Issuer, kid: str) -> None:
    person = await known(ours, theirs.token("Ada@Example.com", kid=kid, sub="42", name="Ada L."))

    assert person == Person("42", "Ada@Example.com", "Ada L.")


async def test_without_a_name_the_address_is_the_name(ours: Issuer, theirs: issuing.Issuer) -> None:
    assert (await known(ours, theirs.token(name="  "))).name == "ada@example.com"


async def test_one_of_several_audiences_is_enough(ours: Issuer, theirs: issuing.Issuer) -> None:
    assert (await known(ours, theirs.token(aud=["others", AUDIENCE]))).email


@pytest.mark.parametrize("typ", ["JWT", "at+jwt", "application/at+jwt", None])
async def test_these_types_are_taken(ours: Issuer, theirs: issuing.Issuer, typ: str | None) -> None:
    algorithm, key = theirs.keys["first"]
    headers = {"kid": "first", "typ": typ}

    assert (await known(ours, jwt.encode(theirs.claims(), key, algorithm=algorithm, headers=headers))).email


WRONG_CLAIMS: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://accounts.example"},
    "no issuer": {"iss": None},
    "another audience": {"aud": "others"},
    "no audience": {"aud": None},
    "an empty audience": {"aud": []},
    "no subject": {"sub": None},
    "an empty subject": {"sub": ""},
    "no end": {"exp": None},
    "an end that is text": {"exp": "tomorrow"},
    "an end beyond the calendar": {"exp": 10**30},
    "an unverified address": {"email_verified": False},
    "an address nobody spoke of verifying": {"email_verified": None},
    "an address verified in so many words": {"email_verified": "true"},
    "no address": {"email": None},
    "two addresses": {"email": ["ada@example.com", "bo@example.com"]},
    "an address that is none": {"email": "ada"},
    "two addresses in one": {"email": "ada@example.com,bo@example.com"},
    "a letter whose small one is another's": {"email": "\u212aim@example.com"},
    "a beginning that is text": {"nbf": "now"},
}


@pytest.mark.parametrize("claims", WRONG_CLAIMS.values(), ids=WRONG_CLAIMS)
async def test_a_claim_that_is_wrong_is_refused(
    ours: Issuer, theirs: issuing.Issuer, claims: dict[str, Any]
) -> None:
    with pytest.raises(TokenRefusedError):
        await known(ours, theirs.token(**claims))


@pytest.mark.parametrize("name", ["nbf", "iat", "exp"])
async def test_times_are_taken_with_a_minute_to_spare(
    ours: Issuer, theirs: issuing.Issuer, name: str
) -> None:
    now = datetime.fromtimestamp(int(datetime.now(UTC).timestamp()), UTC)
    at = now - LEEWAY if name == "exp" else now + LEEWAY
    inside, outside = (now - SECOND, now) if name == "exp" else (now, now - SECOND)
    claims: dict[str, Any] = {name: at}
    token = theirs.token(**claims)

    assert (await ours.person(token, now=inside)).email
    with pytest.raises(TokenRefusedError):
        await ours.person(token, now=outside)


def forged(theirs: issuing.Issuer, header: dict[str, Any], sign: Callable[[bytes], bytes]) -> str:
    """Write a token by hand, as libraries refuse to."""
    claims = {
        name: int(value.timestamp()) if isinstance(value, datetime) else value
        for name, value in theirs.claims().items()
    }
    parts = [base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=") for each in (header, claims)]
    signature = base64.urlsafe_b64encode(sign(b".".join(parts))).rstrip(b"=")
    return b".".join([*parts, signature]).decode()


@pytest.mark.parametrize("alg", ["none", "None", ""])
async def test_an_unsigned_token_is_refused(ours: Issuer, theirs: issuing.Issuer, alg: str) -> None:
    token = forged(theirs, {"alg": alg, "kid": "first", "typ": "JWT"}, lambda _: b"")

    with pytest.raises(TokenRefusedError):
        await known(ours, token)


@pytest.mark.parametrize("kid", ["first", "ed", "rsa"])
async def test_a_public_key_is_no_shared_secret(ours: Issuer, theirs: issuing.Issuer, kid: str) -> None:
    public = theirs.keys[kid][1].public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    token = forged(
        theirs, {"alg": "HS256", "kid": kid}, lambda text: hmac.new(pem, text, hashlib.sha256).digest()
    )

    with pytest.raises(TokenRefusedError):
        await known(ours, token)


@pytest.mark.parametrize(("kid", "algorithm"), [("rsa", "PS256"), ("rsa", "RS512"), ("first", "RS256")])
async def test_a_key_is_used_with_its_own_algorithm_only(
    ours: Issuer, theirs: issuing.Issuer, kid: str, algorithm: str
) -> None:
    token = jwt.encode(theirs.claims(), theirs.keys["rsa"][1], algorithm=algorithm, headers={"kid": kid})

    with pytest.raises(TokenRefusedError):
        await known(ours, token)


async def test_a_token_cannot_bring_its_own_key(ours: Issuer, theirs: issuing.Issuer) -> None:
    stranger = issuing.MAKE["ES256"]()
    theirs.keys["stranger"] = ("ES256", stranger)
    headers = {"kid": "first", "jwk": theirs.public("stranger"), "jku": f"{theirs.url}/others"}

    with pytest.raises(TokenRefusedError):
        await known(ours, jwt.encode(theirs.claims(), stranger, algorithm="ES256", headers=headers))
    assert theirs.asked["/others"] == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"kid": "nobody's"},
        {"kid": ""},
        {},
        {"kid": "first", "typ": "dpop+jwt"},
        {"kid": "first", "crit": ["exp"], "exp": 1},
    ],
    ids=str,
)
async def test_a_header_that_is_wrong_is_refused(
    ours: Issuer, theirs: issuing.Issuer, headers: dict[str, Any]
) -> None:
    key = theirs.keys["first"][1]
    token = forged(
        theirs, {"alg": "ES256", **headers}, lambda text: jwt.get_algorithm_by_name("ES256").sign(text, key)
    )

    with pytest.raises(TokenRefusedError):
        await known(ours, token)


async def test_a_changed_token_is_refused(ours: Issuer, theirs: issuing.Issuer) -> None:
    header, _, signature = theirs.token().split(".")
    _, others, _ = theirs.token("bo@example.com").split(".")

    with pytest.raises(TokenRefusedError):
        await known(ours, f"{header}.{others}.{signature}")


@pytest.mark.parametrize(
    "token",
    [
        "..",
        "a.b.c",
        "\u00e9.\u00e9.\u00e9",
        "e30.e30.e30",
        "W10.e30.",
        f"{'a' * LONGEST_TOKEN}.b.c",
        "bnVsbA.e30.",
    ],
)
async def test_what_is_no_token_is_refused_before_anybody_is_asked(
    ours: Issuer, theirs: issuing.Issuer, token: str
) -> None:
    with pytest.raises(TokenRefusedError):
        await known(ours, token)
    assert not theirs.asked


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
