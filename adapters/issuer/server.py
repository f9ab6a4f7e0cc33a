"""A small OpenID Connect issuer for development: whoever can open its page is whoever they say.

So it listens on the loopback address, always, and an installation trusts it only where PRORATA_OIDC_ISSUER names it.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import uvicorn

from adapters.issuer.pages import Suggested, issuer_app
from adapters.issuer.signing import Signer, kept_key

LOOPBACK: Final = "127.0.0.1"
AUDIENCE: Final = "prorata"


def main(folder: Path, *, port: int, people: Sequence[Suggested], app_url: str) -> None:
    """Serve until interrupted; the address is said when the port accepts connections."""
    listener = socket.create_server((LOOPBACK, port))
    url = f"http://{LOOPBACK}:{listener.getsockname()[1]}"
    app = issuer_app(
        Signer(url, AUDIENCE, kept_key(folder)),
        people=people,
        app_url=app_url,
        clock=lambda: datetime.now(UTC),
    )
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()
    config = uvicorn.Config(
        app, ws="none", access_log=False, log_level="warning", timeout_graceful_shutdown=1
    )
    uvicorn.Server(config).run(sockets=[listener])
