"""The local issuer's pages: discovery, its key, and a page on which anybody signs in as anybody."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl

import orjson
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from adapters.issuer.signing import ALGORITHM, Signer
from domain.contacts import BadEmailAddress, email_address

USUAL_MINUTES: Final = 480
MOST_MINUTES: Final = 7 * 24 * 60
POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
HEADERS: Final = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Suggested:
    """Somebody whom the page offers to sign in as."""

    email: str
    name: str
    about: str


def issuer_app(
    signer: Signer, *, people: Sequence[Suggested], app_url: str, clock: Callable[[], datetime]
) -> Starlette:
    """Make the issuer for a browser and a command on this machine. `app_url` is where the API is."""
    engine = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=select_autoescape(enabled_extensions=("html.j2",)),
        undefined=StrictUndefined,
    )
    page = engine.get_template("index.html.j2")
    names = {each.email: each.name for each in people}

    def show(*, email: str = "", token: str = "", wrong: str = "") -> Response:
        text = page.render(
            people=people, email=email, token=token, wrong=wrong, app_url=app_url, minutes=USUAL_MINUTES
        )
        return HTMLResponse(text, status_code=400 if wrong else 200, headers=HEADERS)

    async def index(_request: Request) -> Response:
        return show()

    async def sign_in(request: Request) -> Response:
        given = dict(parse_qsl((await request.body()).decode(errors="replace")))
        try:
            email, token = _signed(signer, names, given, now=clock())
        except _BadInputError as bad:
            return show(wrong=str(bad))
        return show(email=email, token=token)

    async def give_token(request: Request) -> Response:
        try:
            given = orjson.loads(await request.body())
            _, token = _signed(signer, names, given, now=clock())
        except orjson.JSONDecodeError:
            return JSONResponse({"error": "Send JSON."}, status_code=400)
        except _BadInputError as bad:
            return JSONResponse({"error": str(bad)}, status_code=400)
        return JSONResponse({"token": token}, headers=HEADERS)

    async def discovery(_request: Request) -> Response:
        return JSONResponse(_discovered(signer))

    async def keys(_request: Request) -> Response:
        return JSONResponse({"keys": [signer.public_key]})

    return Starlette(
        routes=[
            Route("/", index),
            Route("/sign-in", sign_in, methods=["POST"]),
            Route("/token", give_token, methods=["POST"]),
            Route("/keys", keys),
            Route("/.well-known/openid-configuration", discovery),
        ],
        # No page of others may have this one answer it by a name of its own.
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])],
    )


class _BadInputError(Exception):
    """What was given is no address or no time."""


def _signed(signer: Signer, names: Mapping[str, str], given: object, *, now: datetime) -> tuple[str, str]:
    said = given if isinstance(given, dict) else {}
    try:
        email = email_address(str(said.get("email", "")))
        minutes = int(said.get("minutes", USUAL_MINUTES))
    except (BadEmailAddress, ValueError, TypeError) as error:
        raise _BadInputError(str(error)) from None
    if not 1 <= minutes <= MOST_MINUTES:
        raise _BadInputError(f"A token is good for 1 to {MOST_MINUTES} minutes.")
    name = names.get(email) or email.partition("@")[0]
    return email, signer.token(email=email, name=name, minutes=minutes, now=now)


def _discovered(signer: Signer) -> dict[str, object]:
    return {
        "issuer": signer.issuer,
        "jwks_uri": f"{signer.issuer}/keys",
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
    }
