"""An issuer's public keys: kept for ten minutes, asked for by one request while the others wait for it.

An issuer that is down is not missed while its keys are known, up to a limit.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from adapters.oidc.fetching import FETCH_SECONDS, FetchFailedError, fetch_keys
from adapters.stopping import stop

log = logging.getLogger("prorata.oidc")

FRESH_SECONDS: Final = 600.0
LIMIT_SECONDS: Final = 24 * 3600.0
"""How long keys are used while the issuer does not answer."""
UNKNOWN_SECONDS: Final = 60.0
"""The least time between two requests to an issuer whose keys are held."""
EMPTY_SECONDS: Final = 5.0
"""The least time between two requests to an issuer of whom nothing is known."""
MOST_KEYS: Final = 100
LEAST_RSA_BITS: Final = 2048

# A key is for one algorithm, by its kind: so no token can choose how its signature is to be read.
ALGORITHM_OF: Final[Mapping[tuple[object, object], str]] = {
    ("OKP", "Ed25519"): "EdDSA",
    ("EC", "P-256"): "ES256",
    ("RSA", None): "RS256",
}


class IssuerAwayError(Exception):
    """The issuer does not answer, and what is known of its keys is not enough."""


@dataclass(frozen=True, slots=True)
class Key:
    """A public key and the one algorithm it is for."""

    algorithm: str
    public: Any


@dataclass(slots=True)
class KeySet:
    """The keys of one issuer, by their ids. `clock` gives seconds that never go back."""

    issuer: str
    jwks_url: str | None = None
    clock: Callable[[], float] = time.monotonic
    _http: httpx.AsyncClient | None = None
    _keys: Mapping[str, Key] = field(default_factory=dict)
    _had_at: float | None = None
    _asked_at: float | None = None
    _has_failed: bool = False
    _asking: asyncio.Task[None] | None = None

    async def find(self, kid: str) -> Key | None:
        """Give the key of an id, None if the issuer has none; raises IssuerAwayError."""
        if not self._is_held(within=FRESH_SECONDS) or kid not in self._keys:
            asking = self._ask()
            # While the issuer is down, nobody waits for it whose key is held.
            is_enough = self._has_failed and kid in self._keys and self._is_held(within=LIMIT_SECONDS)
            if asking is not None and not is_enough:
                # A client that goes away takes nobody's answer along.
                await asyncio.shield(asking)
        if not self._is_held(within=LIMIT_SECONDS):
            raise IssuerAwayError
        key = self._keys.get(kid)
        if key is None and self._has_failed:
            raise IssuerAwayError
        return key

    async def close(self) -> None:
        """Stop asking."""
        if self._asking is not None:
            await stop([self._asking])
        if self._http is not None:
            await self._http.aclose()

    def _is_held(self, *, within: float) -> bool:
        return self._had_at is not None and self.clock() - self._had_at < within

    def _ask(self) -> asyncio.Task[None] | None:
        """Give what asks the issuer, one for all who come meanwhile; None if that was done a moment ago."""
        if self._asking is None:
            pause = UNKNOWN_SECONDS if self._is_held(within=LIMIT_SECONDS) else EMPTY_SECONDS
            if self._asked_at is not None and self.clock() - self._asked_at < pause:
                return None
            self._asking = asyncio.create_task(self._fetch())
        return self._asking

    async def _fetch(self) -> None:
        try:
            self._asked_at = self.clock()
            if self._http is None:
                self._http = httpx.AsyncClient(timeout=FETCH_SECONDS, trust_env=False)
            found = await fetch_keys(self._http, issuer=self.issuer, jwks_url=self.jwks_url)
            self._keys, self._had_at, self._has_failed = read_keys(found), self.clock(), False
        except FetchFailedError as error:
            self._has_failed = True
            log.warning("the issuer's keys could not be read: %s", error)
        finally:
            self._asking = None


def read_keys(found: list[dict[str, Any]]) -> dict[str, Key]:
    """Give the keys of a set that can verify a signature of ours, by id; others are left out."""
    keys: dict[str, Key] = {}
    for each in found[:MOST_KEYS]:
        kid = each.get("kid")
        try:
            algorithm = ALGORITHM_OF.get((each.get("kty"), each.get("crv")))
            if not isinstance(kid, str) or algorithm is None or not _is_for_signatures(each, algorithm):
                continue
            public = jwt.PyJWK({**each, "alg": algorithm}).key
        except (jwt.PyJWTError, ValueError, TypeError, KeyError):
            continue
        if isinstance(public, RSAPublicKey) and public.key_size < LEAST_RSA_BITS:
            continue
        keys[kid] = Key(algorithm, public)
    return keys


def _is_for_signatures(given: Mapping[str, Any], algorithm: str) -> bool:
    operations = given.get("key_ops", ["verify"])
    return (
        "d" not in given  # a private key that is public is nobody's
        and given.get("use", "sig") == "sig"
        and given.get("alg", algorithm) in {algorithm, "Ed25519" if algorithm == "EdDSA" else algorithm}
        and isinstance(operations, list)
        and "verify" in operations
    )
