"""What both private servers share: adopt our own, or start one, wait until it answers, stop it."""

from __future__ import annotations

import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, ClassVar, Self

from adapters.embedded import processes
from adapters.embedded.account import server_account
from adapters.embedded.folders import data_folder, temporary_folder
from adapters.embedded.ports import free_port, refuse_taken_port

START_SECONDS = 60
STOP_SECONDS = 30
PORT_TRIES = 5


class ServerFailedError(Exception):
    """A private server did not start; the message ends with what it said itself."""


class EmbeddedServer(ABC):
    """A server of our own in `folder`, listening on `port` of the loopback address only.

    Without a folder it is for tests: data in a temporary folder, nothing durable, any free port, gone when stopped.
    Its password is made at the first start and kept beside the data; who knows it is us, so it also tells
    our own running server (which is adopted, and then not stopped) from a stranger's.
    """

    name: ClassVar[str]
    way_out: ClassVar[str]
    stop_signal: ClassVar[signal.Signals]

    def __init__(self, folder: Path | None = None, *, port: int = 0) -> None:
        self.is_durable = folder is not None
        self.account = server_account(folder)
        self._lock: IO[bytes] | None = None
        if folder is None:
            self.folder, self._lock = temporary_folder(account=self.account)
        else:
            self.folder = data_folder(folder, account=self.account)
        self.port = port
        self.password = self._kept_password()
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def _running_port(self) -> int | None:
        """The port on which a server answers that is surely ours and serves this folder."""

    @abstractmethod
    def _prepare(self) -> None:
        """Make the data files at the first start."""

    @abstractmethod
    def _command(self) -> list[str]:
        """The program and its arguments."""

    def _configuration(self) -> bytes:
        """What the program reads from its standard input."""
        return b""

    def start(self) -> Self:
        """Adopt or start the server; it answers when this returns.

        Raises:
            PortTakenError: a stranger listens on the port.
            ServerFailedError: the server ended or said nothing for a minute.
        """
        if (running := self._running_port()) is not None:
            self.port = running
            return self
        try:
            self._prepare()
            self._launch_on_one_of(list(self._ports()))
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop the server if this object started it; a temporary one leaves nothing behind."""
        if self._process:
            processes.stop(self._process, by=self.stop_signal, within_seconds=STOP_SECONDS)
            self._process = None
        if self._lock:
            shutil.rmtree(self.folder, ignore_errors=True)
            self._lock.close()
            self._lock = None

    def has_failed(self) -> bool:
        """Tell whether the server ended by itself after we started it."""
        return self._process is not None and self._process.poll() is not None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _ports(self) -> Iterator[int]:
        if self.port:
            refuse_taken_port(self.port, server=self.name, remedy=self.way_out)
            yield self.port
        else:
            # A free port may be gone a moment later, hence several.
            yield from (free_port() for _ in range(PORT_TRIES))

    def _launch_on_one_of(self, ports: list[int]) -> None:
        for self.port in ports[:-1]:
            with suppress(ServerFailedError):
                self._launch()
                return
        self.port = ports[-1]
        self._launch()

    def _launch(self) -> None:
        log_path = self.folder / "server.log"
        with log_path.open("wb") as log, tempfile.TemporaryFile() as configuration:
            configuration.write(self._configuration())
            configuration.seek(0)
            self._process = processes.spawn(
                self._command(),
                on_orphaned=self.stop_signal,
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
                folder=self.folder,
                account=self.account,
                stdin=configuration,
                output=log,
            )
        give_up_at = time.monotonic() + START_SECONDS
        while self._running_port() != self.port:
            if self._process.poll() is not None or time.monotonic() > give_up_at:
                processes.stop(self._process, by=self.stop_signal, within_seconds=STOP_SECONDS)
                said = log_path.read_text(errors="replace")[-2000:]
                raise ServerFailedError(f"{self.name} did not start. It said:\n{said}")
            time.sleep(0.01)

    def _kept_password(self) -> str:
        path = self.folder / "password"
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_hex(32))
        return path.read_text()
