"""Reading an issuer's documents: bounded in size and time, without redirects or proxies."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import httpx
import orjson

FETCH_SECONDS: Final = 5.0
MOST_BYTES: Final = 256 * 1024
DISCOVERY: Final = "/.well-known/openid-configuration"


class FetchFailedError(Exception):
    """An issuer's document could not be had, or is not what it has to be; the message says which."""


async def fetch_keys(http: httpx.AsyncClient, *, issuer: str, jwks_url: str | None) -> list[dict[str, Any]]:
    """Give an issuer's key set, found by discovery unless its address is given; raises FetchFailedError."""
    address = jwks_url or await _discovered(http, issuer)
    found = (await _document(http, address)).get("keys")
    if not isinstance(found, list):
        raise FetchFailedError(f"{address} is not a key set.")
    return [each for each in found if isinstance(each, dict)]


async def _discovered(http: httpx.AsyncClient, issuer: str) -> str:
    address = issuer.rstrip("/") + DISCOVERY
    said = await _document(http, address)
    if said.get("issuer") != issuer:
        raise FetchFailedError(f"{address} speaks for another issuer than PRORATA_OIDC_ISSUER.")
    jwks_url = said.get("jwks_uri")
    # Whoever may answer for the issuer must not send us, or its keys, over an open line.
    if not isinstance(jwks_url, str) or (issuer.startswith("https:") and not jwks_url.startswith("https:")):
        raise FetchFailedError(f"{address} names no jwks_uri with https.")
    return jwks_url


async def _document(http: httpx.AsyncClient, address: str) -> dict[str, Any]:
    try:
        # httpx bounds each read; this bounds their sum.
        async with asyncio.timeout(FETCH_SECONDS), http.stream("GET", address) as response:
            if response.status_code != httpx.codes.OK:
                raise FetchFailedError(f"{address} answered {response.status_code}.")
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MOST_BYTES:
                    raise FetchFailedError(f"{address} is longer than {MOST_BYTES} bytes.")
        found = orjson.loads(body)
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError) as error:
        raise FetchFailedError(f"{address} did not answer: {type(error).__name__}.") from error
    except orjson.JSONDecodeError as error:
        raise FetchFailedError(f"{address} is not JSON.") from error
    if not isinstance(found, dict):
        raise FetchFailedError(f"{address} is not an object.")
    return found
