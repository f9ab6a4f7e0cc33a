"""The mailbox's pages: a list, newest first, and each mail as its reader sees it, in a frame that may run nothing."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from adapters.mailbox.folder import Folder, described, part

NEWEST = 200
PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
# A mail is other people's text: it runs nothing and loads nothing; its links open in a window of their own.
MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
)


def mailbox_app(folder: Folder) -> Starlette:
    """Make the pages of a folder of mail, for a browser on this machine."""
    engine = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=select_autoescape(enabled_extensions=("html.j2",)),
        undefined=StrictUndefined,
    )

    async def index(_request: Request) -> Response:
        mails = await run_in_threadpool(folder.newest, NEWEST)
        return _page(engine.get_template("index.html.j2").render(mails=mails, newest=NEWEST))

    async def show(request: Request) -> Response:
        name = request.path_params["name"]
        mail = folder.find(name)
        if mail is None:
            raise HTTPException(404)
        shown = engine.get_template("mail.html.j2")
        return _page(shown.render(mail=described(name, mail), text=part(mail, "plain")))

    async def html(request: Request) -> Response:
        mail = folder.find(request.path_params["name"])
        if mail is None:
            raise HTTPException(404)
        return HTMLResponse(part(mail, "html"), headers=_headers(MAIL_POLICY))

    async def healthz(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    return Starlette(
        routes=[
            Route("/", index),
            Route("/mails/{name}", show),
            Route("/mails/{name}/html", html),
            Route("/healthz", healthz),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])],
    )


def _page(text: str) -> HTMLResponse:
    return HTMLResponse(text, headers=_headers(PAGE_POLICY))


def _headers(policy: str) -> dict[str, str]:
    return {
        "content-security-policy": policy,
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
    }
