"""Mail by SMTP: one connection for a batch, and for each mail a plain answer: taken, refused for now, or for good."""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import parseaddr
from urllib.parse import unquote, urlsplit

from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPException,
    SMTPNotSupported,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)

from adapters.letters import Letter
from adapters.spans import Kind, span

PORTS = {"smtp": 587, "smtps": 465, "smtp+plain": 25}
"""`smtp` insists on STARTTLS, `smtps` speaks TLS from the first byte, `smtp+plain` is for a server on the same machine."""

ANSWER_SECONDS = 15.0
REST_SECONDS = 30.0
"""A server that cannot be reached is left alone for this long."""
ENCODED = "=?"
"""How an encoded word of a header begins; what it decodes to could end the header, so people may not write one."""
_ENDS_EARLY = re.compile(r"\n(?![ \t]|\Z)")
FINAL = 500
"""SMTP's answers from here on are for good, those below for now."""


class ServerUnreachableError(Exception):
    """The mail server cannot be reached or will not have us; no mail is to blame."""


class LineLostError(Exception):
    """The connection broke while a mail was on its way; whether it was taken is not known."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The server has taken the mail."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The server did not take the mail: for now, or for good."""

    reason: str
    is_final: bool


@dataclass(frozen=True, slots=True)
class Server:
    """Where mail is handed in, by an address like `smtp://user:password@mail.example.com:587`."""

    scheme: str
    host: str
    port: int
    user: str | None
    password: str | None

    @staticmethod
    def at(url: str) -> Server:
        """Read an address; user and password may be percent-encoded."""
        parts = urlsplit(url)
        user, password = (unquote(text) if text else None for text in (parts.username, parts.password))
        return Server(
            parts.scheme, parts.hostname or "localhost", parts.port or PORTS[parts.scheme], user, password
        )


class Line:
    """An open connection to the mail server."""

    def __init__(self, client: SMTP, sender: Address) -> None:
        self._client = client
        self._sender = sender

    @property
    def is_open(self) -> bool:
        """Whether the server is still there."""
        return self._client.is_connected

    async def send(self, letter: Letter, *, to: str, message_id: str, at: datetime) -> Taken | Refused:
        """Hand a mail in; raises LineLostError."""
        with span("send mail", {"server.address": self._client.hostname or ""}, kind=Kind.CLIENT) as sending:
            outcome = await self._send(letter, to=to, message_id=message_id, at=at)
            sending.note(outcome=type(outcome).__name__)
            return outcome

    async def _send(self, letter: Letter, *, to: str, message_id: str, at: datetime) -> Taken | Refused:
        try:
            mail = message(letter, sender=self._sender, to=to, message_id=message_id, at=at)
            await self._client.send_message(
                mail, sender=self._sender.addr_spec, recipients=[recipient(to).addr_spec]
            )
        except SMTPRecipientsRefused as refused:
            answer = refused.recipients[0]
            return Refused(f"{answer.code} {answer.message}", is_final=answer.code >= FINAL)
        except SMTPSenderRefused as refused:
            return Refused(
                f"{refused.code} {refused.message}", is_final=False
            )  # ours to mend, not the reader's
        except SMTPDataError as refused:
            return Refused(f"{refused.code} {refused.message}", is_final=refused.code >= FINAL)
        except SMTPResponseException as refused:
            return Refused(f"{refused.code} {refused.message}", is_final=False)
        except (SMTPNotSupported, ValueError) as refused:
            return Refused(f"The address cannot be written to: {refused}", is_final=True)
        except (SMTPException, OSError) as lost:
            raise LineLostError(_words(lost)) from lost
        return Taken()


class Mailer:
    """Sends mail from one address through one server. `app_url` is where the mails' buttons lead."""

    def __init__(
        self,
        url: str,
        *,
        sender: str,
        app_url: str | None = None,
        answer_seconds: float = ANSWER_SECONDS,
        rest_seconds: float = REST_SECONDS,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        name, address = parseaddr(sender)
        self.server = Server.at(url)
        self.sender = Address(display_name=name, addr_spec=address)
        self.app_url = app_url
        self._answer_seconds, self._rest_seconds, self._tls = answer_seconds, rest_seconds, tls
        self._rests_until = 0.0

    @property
    def is_resting(self) -> bool:
        """Whether the server could not be reached a moment ago."""
        return time.monotonic() < self._rests_until

    @asynccontextmanager
    async def line(self) -> AsyncIterator[Line]:
        """Open a connection; raises ServerUnreachableError."""
        server = self.server
        client = SMTP(
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            use_tls=server.scheme == "smtps",
            start_tls=server.scheme == "smtp",
            tls_context=self._tls,
            timeout=self._answer_seconds,
        )
        try:
            await client.connect()
        except (SMTPException, OSError) as failure:
            client.close()
            self._rests_until = time.monotonic() + self._rest_seconds
            raise ServerUnreachableError(_words(failure)) from failure
        try:
            yield Line(client, self.sender)
        finally:
            with suppress(SMTPException, OSError):
                await client.quit()
            client.close()


def message(letter: Letter, *, sender: Address, to: str, message_id: str, at: datetime) -> EmailMessage:
    """Put a letter into an envelope; raises ValueError for an address that mail cannot be sent to."""
    mail = EmailMessage()
    mail["Subject"] = letter.subject.replace(ENCODED, "= ?")
    mail["From"] = sender
    mail["To"] = recipient(to)
    if any(_ENDS_EARLY.search(mail.policy.fold(name, value)) for name, value in mail.items()):
        raise ValueError("a header of the mail would not end where it should")
    mail["Date"] = at
    mail["Message-ID"] = f"<{message_id}@{_ascii(sender.domain)}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(letter.text, cte="quoted-printable")
    mail.add_alternative(letter.html, subtype="html", cte="quoted-printable")
    return mail


def recipient(address: str) -> Address:
    """Give an address as a mail server takes it, its domain in ASCII; raises ValueError if none would."""
    local, _, domain = address.rpartition("@")
    if not local or not domain or ENCODED in address:
        raise ValueError("not an address of a person")
    return Address(username=local, domain=_ascii(domain))


def _ascii(domain: str) -> str:
    return domain if domain.isascii() else domain.encode("idna").decode()


def _words(failure: BaseException) -> str:
    return f"{type(failure).__name__}: {failure}"[:500]
