"""GraphiQL, served whole from this package: no file of it comes from anywhere else.

The response's Content-Security-Policy makes the browser hold to that: it loads nothing from, and sends nothing
to, any other origin.
"""

import json
from functools import cache
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

FILES: Final = Path(__file__).parent / "static" / "graphiql"

# GraphiQL's editor and its animations write styles into the page; its fonts are part of its stylesheet.
_CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@cache
def graphiql_page() -> str:
    """The page with a tab for each file in `examples/`, in the order of their names."""
    examples = [path.read_text("utf-8") for path in sorted((FILES / "examples").glob("*.graphql"))]
    # Inside a script element only "<" could end the text.
    return (
        (FILES / "page.html")
        .read_text("utf-8")
        .replace("{{examples}}", json.dumps(examples).replace("<", "\\u003c"))
    )


def graphiql_routes() -> list[BaseRoute]:
    """The page at `/graphiql`, which talks to `/graphql`, and its files under `/static/graphiql`."""
    return [
        Route("/graphiql", _show_page),
        Mount("/static/graphiql", StaticFiles(directory=FILES)),
    ]


async def _show_page(_request: Request) -> HTMLResponse:
    return HTMLResponse(graphiql_page(), headers={"content-security-policy": _CONTENT_SECURITY_POLICY})
