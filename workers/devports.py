"""Where the servers of a development start listen."""

from __future__ import annotations

from dataclasses import dataclass

from adapters.embedded.ports import refuse_taken_port


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the servers listen, on the loopback address; the mailbox has a page and takes mail."""

    api: int
    sandbox: int
    postgres: int
    valkey: int
    mailbox: int
    smtp: int
    issuer: int

    @property
    def api_url(self) -> str:
        """The address of the API."""
        return f"http://127.0.0.1:{self.api}"

    @property
    def sandbox_url(self) -> str:
        """The address of the sandbox provider."""
        return f"http://127.0.0.1:{self.sandbox}"

    @property
    def mailbox_url(self) -> str:
        """The address of the mailbox's page."""
        return f"http://127.0.0.1:{self.mailbox}"

    @property
    def issuer_url(self) -> str:
        """The address of the issuer."""
        return f"http://127.0.0.1:{self.issuer}"

    def refuse_taken(self) -> None:
        """Raise PortTakenError if another program listens where one of ours should."""
        for port, server, variable in (
            (self.api, "the API", "PRORATA_PORT"),
            (self.sandbox, "the sandbox provider", "PRORATA_SANDBOX_PORT"),
            (self.mailbox, "the mailbox's page", "PRORATA_MAILBOX_PORT"),
            (self.smtp, "the mailbox", "PRORATA_MAILBOX_SMTP_PORT"),
            (self.issuer, "the issuer", "PRORATA_ISSUER_PORT"),
        ):
            refuse_taken_port(port, server=server, remedy=f"Set {variable} to a free port.")
