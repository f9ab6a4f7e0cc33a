"""The span of a call to the payment provider: the kind of thing it is about, the host and the status, and no id."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from adapters.spans import Kind, is_tracing, span

Answered = Callable[[int], None]


@contextmanager
def call_span(method: str, url: str) -> Iterator[Answered]:
    """Make a span of a call; give the function that tells it the answer's status."""
    if not is_tracing():
        yield _untold
        return
    parts = urlsplit(url)
    # Behind the collection, as in `/v1/charges`, come ids.
    collection = "/".join(parts.path.split("/")[:3])
    facts = {
        "http.request.method": method.upper(),
        "url.template": collection,
        "server.address": parts.hostname or "",
    }
    with span(f"{method.upper()} {collection}", facts, kind=Kind.CLIENT) as call:
        yield lambda status: call.note({"http.response.status_code": status})


def _untold(_status: int) -> None:
    pass
