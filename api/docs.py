"""The schema as a page to read, made of the schema itself: what can be asked and done, by noun, and every type.

The page is one file: its style and its script stand in it, and the response's Content-Security-Policy lets the browser
run and load nothing else, by their hashes.
"""

from __future__ import annotations

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import BaseRoute, Route
from strawberry import Schema

from api.reference import reference

FOLDER: Final = Path(__file__).parent / "static" / "docs"

_CODE: Final = re.compile(r"`([^`]+)`")
_POLICY: Final = "default-src 'none'; script-src '{script}'; style-src '{style}'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def docs_routes(schema: Schema) -> list[BaseRoute]:
    """The page at `/docs`."""

    async def show(_request: Request) -> HTMLResponse:
        page = await run_in_threadpool(docs_page, schema)
        return HTMLResponse(page, headers={"content-security-policy": policy()})

    return [Route("/docs", show)]


@cache
def docs_page(schema: Schema) -> str:
    """Write the page of a schema."""
    engine = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=select_autoescape(enabled_extensions=("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    engine.filters["prose"] = _prose
    shown = reference(schema._schema)  # noqa: SLF001  Strawberry gives no other way to what it made
    return engine.get_template("page.html.j2").render(
        reference=shown,
        style=Markup(_own("page.css")),  # noqa: S704  our own files
        script=Markup(_own("page.js")),  # noqa: S704  our own files
    )


def policy() -> str:
    """The policy that lets the page's own style and script work, and nothing else."""
    return _POLICY.format(script=_hash(_own("page.js")), style=_hash(_own("page.css")))


def _own(name: str) -> str:
    return (FOLDER / name).read_text("utf-8")


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


def _prose(text: str | None) -> Markup:
    """Show what stands between backticks as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text or ""))))  # noqa: S704  it is escaped before
