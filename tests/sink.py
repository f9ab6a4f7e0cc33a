"""A mail server of a test's own: it answers each address as it is told, and keeps what it takes."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, Envelope, Session

from adapters.embedded.ports import LOOPBACK, free_port

DROP = "drop"
DROP_AFTER = "drop after taking"


@dataclass(slots=True)
class Sink:
    """What the server was handed, and what it answers; `script` gives an address's answers, then it takes all."""

    port: int
    script: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    taken: list[tuple[str, EmailMessage]] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"smtp+plain://{LOOPBACK}:{self.port}"

    def to(self, address: str) -> list[EmailMessage]:
        """Give what was taken for an address."""
        return [mail for recipient, mail in self.taken if recipient == address]

    async def handle_RCPT(
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        answer = self.script[address].pop(0) if self.script[address] else "250 OK"
        if answer == DROP:
            assert server.transport
            server.transport.close()
            return "421 gone"
        if answer == DROP_AFTER:
            self.script[address].insert(0, DROP_AFTER)
        elif not answer.startswith("250"):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        (address,) = envelope.rcpt_tos
        self.taken.append((address, mail))
        if self.script[address][:1] == [DROP_AFTER]:
            self.script[address].pop(0)
            assert server.transport
            server.transport.close()
        return "250 taken"


@asynccontextmanager
async def listening(kind: type[Sink] = Sink) -> AsyncIterator[Sink]:
    """Start a server, and stop it."""
    sink = kind(free_port())
    loop = asyncio.get_running_loop()

    def answer() -> SMTP:
        sink.connections += 1
        return SMTP(sink, hostname="sink", enable_SMTPUTF8=True, loop=loop)

    async with await loop.create_server(answer, LOOPBACK, sink.port):
        yield sink
