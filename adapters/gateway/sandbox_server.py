"""The sandbox payment provider as a program: `python -m adapters.gateway.sandbox_server --port 8471`.

It listens on this machine only unless told, prints its address as its first line, and moves no money. With `--journal` its
customers, payment methods, charges, refunds and pages survive a restart; webhooks not yet delivered do not.
"""

import argparse
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

import uvicorn

from adapters.gateway.sandbox_provider.app import provider_app
from adapters.gateway.sandbox_provider.book import Book
from adapters.gateway.sandbox_provider.connections import DroppableConnection
from adapters.gateway.sandbox_provider.faults import Faults
from adapters.gateway.sandbox_provider.postman import Postman
from adapters.gateway.sandbox_provider.provider import Provider
from adapters.gateway.webhooks import WebhookSecretError, signing_key

LOOPBACK = "127.0.0.1"


def main(argv: Sequence[str] | None = None) -> None:
    """Serve until interrupted."""
    parser = _parser()
    options = parser.parse_args(argv)
    try:
        key = signing_key(options.webhook_secret) if options.webhook_url else b""
    except WebhookSecretError:
        parser.error("--webhook-url needs a --webhook-secret: whsec_ and base64 of 24 to 64 bytes")
    listener = socket.create_server((options.host, options.port))
    port = listener.getsockname()[1]
    faults = Faults()
    provider = Provider(
        book=Book(options.journal, public_url=options.public_url or f"http://{LOOPBACK}:{port}"),
        faults=faults,
        postman=Postman(url=options.webhook_url, key=key, faults=faults),
        api_key=options.api_key,
        hang_seconds=options.hang_seconds,
    )
    sys.stdout.write(f"http://{options.host}:{port}\n")
    sys.stdout.flush()
    config = uvicorn.Config(
        provider_app(provider),
        http=DroppableConnection,
        ws="none",
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=1,
    )
    uvicorn.Server(config).run(sockets=[listener])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sandbox_server", description="A payment provider that moves no money."
    )
    parser.add_argument("--host", default=LOOPBACK, help="the address to listen on")
    parser.add_argument("--port", type=int, default=8471, help="0 takes a free one")
    parser.add_argument("--api-key", default=os.environ.get("PRORATA_SANDBOX_KEY", "sk_sandbox"))
    parser.add_argument(
        "--journal", type=Path, help="an append-only file of JSON lines that survives a restart"
    )
    parser.add_argument(
        "--public-url",
        default="",
        help="where browsers find the pages; http://127.0.0.1 and the port without it",
    )
    parser.add_argument("--webhook-url", default="", help="where to send events; none are sent without it")
    parser.add_argument("--webhook-secret", default=os.environ.get("PRORATA_WEBHOOK_SECRET", ""))
    parser.add_argument(
        "--hang-seconds", type=float, default=30.0, help="how long tok_timeout_after_charge hangs"
    )
    return parser


if __name__ == "__main__":
    main()
