"""Tokens of people: what a good one says, and every way to be refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from adapters.oidc.tokens import LEEWAY, LONGEST_TOKEN, Issuer, Person, TokenRefusedError
from tests import issuing
from tests.issuing import AUDIENCE
from tests.oidc.checking import known

SECOND = timedelta(seconds=1)


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
