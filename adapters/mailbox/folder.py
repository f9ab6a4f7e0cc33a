"""Mail kept as `.eml` files in a folder, named so that their order is that of their coming."""

from __future__ import annotations

import re
import secrets
import time
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from pathlib import Path

NAME = re.compile(r"[0-9]{20}-[0-9a-f]{8}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Kept:
    """A mail in the folder: its name, and what its headers say."""

    name: str
    subject: str
    sender: str
    to: str
    date: str


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of mail."""

    path: Path

    def keep(self, content: bytes) -> str:
        """Keep a mail and give its name; it is there as a whole or not at all."""
        self.path.mkdir(parents=True, exist_ok=True)
        name = f"{time.time_ns():020d}-{secrets.token_hex(4)}"
        unfinished = self.path / f"{name}.part"
        unfinished.write_bytes(content)
        unfinished.rename(self.path / f"{name}.eml")
        return name

    def newest(self, limit: int) -> list[Kept]:
        """Give mails, newest first."""
        names = sorted((path.stem for path in self.path.glob("*.eml")), reverse=True)
        return [_kept(name, self._file(name)) for name in names[:limit] if NAME.fullmatch(name)]

    def find(self, name: str) -> EmailMessage | None:
        """Give a mail, or None if no mail has the name."""
        path = self._file(name)
        if not NAME.fullmatch(name) or not path.is_file():
            return None
        found = message_from_bytes(path.read_bytes(), policy=policy.default)
        assert isinstance(found, EmailMessage)  # noqa: S101  the policy makes no other
        return found

    def _file(self, name: str) -> Path:
        return self.path / f"{name}.eml"


def part(mail: EmailMessage, kind: str) -> str:
    """Give a mail's text, `plain` or `html`; empty if it has none that can be read."""
    body = mail.get_body((kind,))
    try:
        return str(body.get_content()) if body else ""
    except (LookupError, ValueError):
        return ""


def described(name: str, mail: EmailMessage) -> Kept:
    """Say what a mail's headers say."""
    subject, sender, to = (str(mail.get(header, "")) for header in ("Subject", "From", "To"))
    sent_at = getattr(mail.get("Date"), "datetime", None)
    return Kept(name, subject, sender, to, f"{sent_at:%d %b %Y %H:%M:%S}" if sent_at else "")


def _kept(name: str, path: Path) -> Kept:
    with path.open("rb") as file:
        headers = BytesHeaderParser(policy=policy.default).parse(file)
    return described(name, headers)
