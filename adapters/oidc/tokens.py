"""A person's bearer token: signed by the issuer, for us, now, about an address that the issuer has verified."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NoReturn

import jwt

from adapters.oidc.keys import KeySet
from domain.contacts import BadEmailAddress, email_address

LONGEST_TOKEN: Final = 8 * 1024
LEEWAY: Final = timedelta(seconds=60)
"""How far apart our clock and the issuer's may be."""
LONGEST_NAME: Final = 255
TYPES: Final = frozenset({None, "JWT", "AT+JWT"})
DOTS: Final = 2


class TokenRefusedError(Exception):
    """The token does not say who calls. Why is for the log: whoever tries tokens is not helped."""


@dataclass(frozen=True, slots=True)
class Person:
    """Whom a token names."""

    subject: str
    email: str
    name: str


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who signs the tokens of people, and for whom."""

    issuer: str
    audience: str
    keys: KeySet

    async def person(self, token: str, *, now: datetime) -> Person:
        """Give whom a token names; raises TokenRefusedError, IssuerAwayError."""
        if len(token) > LONGEST_TOKEN:
            _refuse("it is too long")
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, UnicodeError, ValueError, RecursionError):
            _refuse("it is malformed")
        kid, algorithm = header.get("kid"), header.get("alg")
        # `crit` would name extensions that we have to understand, and we understand none.
        if not isinstance(kid, str) or not _is_a_type_of_ours(header.get("typ")) or "crit" in header:
            _refuse("its header is not one of ours")
        key = await self.keys.find(kid)
        if key is None:
            _refuse("its key is not known")
        # The key says how it is used. A token that says otherwise is an attack or a mistake.
        if algorithm != key.algorithm:
            _refuse("its algorithm is not its key's")
        try:
            claims = jwt.decode(
                token,
                key.public,
                algorithms=[key.algorithm],
                issuer=self.issuer,
                audience=self.audience,
                # Of the times we judge ourselves: by the clock we are given.
                options={
                    "require": ["iss", "aud", "sub", "exp"],
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except (jwt.PyJWTError, UnicodeError, ValueError, TypeError, RecursionError) as error:
            _refuse(type(error).__name__)
        _check_times(claims, now)
        return _person(claims)


def looks_like_token(text: str) -> bool:
    """Tell whether a bearer is a token rather than a key of ours."""
    return text.count(".") == DOTS


def _is_a_type_of_ours(given: object) -> bool:
    return given is None or (isinstance(given, str) and given.upper().removeprefix("APPLICATION/") in TYPES)


def _check_times(claims: dict[str, Any], now: datetime) -> None:
    if now >= _moment(claims["exp"]) + LEEWAY:
        _refuse("it has expired")
    for name in ("nbf", "iat"):
        if name in claims and _moment(claims[name]) > now + LEEWAY:
            _refuse("it is of the future")


def _moment(value: object) -> datetime:
    if isinstance(value, bool) or not isinstance(value, int | float):
        _refuse("one of its times is no number")
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        _refuse("one of its times is out of range")


def _person(claims: dict[str, Any]) -> Person:
    subject, email, name = claims["sub"], claims.get("email"), claims.get("name")
    if not isinstance(subject, str) or not subject:
        _refuse("it has no subject")
    if claims.get("email_verified") is not True or not isinstance(email, str):
        _refuse("it has no verified address")
    try:
        address = email_address(email)
    except BadEmailAddress:
        _refuse("its address is none")
    # Some letters have an ASCII one as their small letter: they must not lead to another's address.
    if not address.isascii() and address != address.lower():
        _refuse("its address is not in small letters")
    shown = name if isinstance(name, str) and name.strip() else address
    return Person(subject, address, "".join(each for each in shown if each.isprintable())[:LONGEST_NAME])


def _refuse(reason: str) -> NoReturn:
    raise TokenRefusedError(reason)
