"""An application with limits of its own, called from an address, and what it answers beyond them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from adapters.settings import Settings
from api.app import create_app

BOOK = "{ priceBook { version } }"
"""Costs one point."""


@asynccontextmanager
async def application(
    settings: Settings, *, host: str = "203.0.113.7", **changed: Any
) -> AsyncIterator[httpx.AsyncClient]:
    """Start the application with other settings, and call it from an address."""
    app = create_app(settings.model_copy(update=changed), is_rendering=False)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, client=(host, 4711))
        async with httpx.AsyncClient(transport=transport, base_url="http://prorata", timeout=60) as http:
            yield http


def refused(response: httpx.Response, code: str = "TOO_MANY_REQUESTS") -> dict[str, Any]:
    """Look at a refusal and give its extensions."""
    (error,) = response.json()["errors"]
    extensions: dict[str, Any] = error["extensions"]
    assert extensions["code"] == code, response.text
    assert "data" not in response.json()
    return extensions
