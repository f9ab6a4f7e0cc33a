"""Headers of files that browsers and scripts fetch: a safe name, no shared caches, and nothing sent twice."""

from __future__ import annotations

import re
import unicodedata
from typing import Final
from urllib.parse import quote

from starlette.requests import Request

LONGEST_NAME: Final = 60

_PLAIN = re.compile(r"[^A-Za-z0-9]+")
_LETTERS = re.compile(r"[\W_]+")


def file_headers(whose: str, rest: str, *, is_shown: bool = False) -> dict[str, str]:
    """Give the headers of a file called after somebody, to be shown in the browser or saved.

    The name is plain ASCII; where that loses letters, the full one stands beside it (RFC 6266, RFC 5987).
    """
    plain = _joined(_PLAIN, unicodedata.normalize("NFKD", whose).encode("ascii", "ignore").decode(), rest)
    full = _joined(_LETTERS, unicodedata.normalize("NFC", whose), rest)
    names = f'filename="{plain}"'
    if full != plain:
        names += f"; filename*=UTF-8''{quote(full, safe='', errors='replace')}"
    return {
        "content-disposition": f"{'inline' if is_shown else 'attachment'}; {names}",
        "cache-control": "private, no-cache",
        "vary": "Authorization",
        "x-content-type-options": "nosniff",
    }


def is_known(request: Request, etag: str) -> bool:
    """Tell whether the caller has the file already (`If-None-Match`)."""
    sent = {each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")}
    return etag in sent or "*" in sent


def _joined(parted_by: re.Pattern[str], whose: str, rest: str) -> str:
    whose = parted_by.sub("-", whose).strip("-")[:LONGEST_NAME].strip("-")
    return f"{whose}-{rest}" if whose else rest
