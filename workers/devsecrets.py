"""The secrets of a development installation: random, made once, kept in a file that only its owner reads."""

from __future__ import annotations

import base64
import json
import os
import secrets
from pathlib import Path


def kept_secrets(path: Path) -> dict[str, str]:
    """The secrets in the file, by name; those that are missing are made and kept first."""
    kept: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    made = {
        "sandbox_key": f"sk_sandbox_{secrets.token_hex(16)}",
        "webhook_secret": f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}",
        "database_password": secrets.token_hex(32),
        "key_pepper": secrets.token_hex(32),
    }
    if made.keys() - kept.keys():
        kept = made | kept
        keep_secrets(path, kept)
    return kept


def keep_secrets(path: Path, kept: dict[str, str]) -> None:
    """Write the file anew, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        json.dump(kept, file, indent=2)
    unfinished.replace(path)
