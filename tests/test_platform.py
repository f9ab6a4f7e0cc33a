"""The private servers, really started: adopted only when ours, told apart from strangers, gone with their parent."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
import pytest
from redis import Redis

from adapters.embedded.databases import create_database, drop_database
from adapters.embedded.folders import FolderClosedError, data_folder
from adapters.embedded.ports import LOOPBACK, PortTakenError, free_port, is_answering
from adapters.embedded.postgres import EmbeddedPostgres
from adapters.embedded.server import ServerFailedError
from adapters.embedded.valkey import EmbeddedValkey

PARENT = """
import sys, time
from pathlib import Path
from adapters.embedded.postgres import EmbeddedPostgres
from adapters.embedded.valkey import EmbeddedValkey

folder = Path(sys.argv[1])
servers = EmbeddedPostgres(folder / "postgres").start(), EmbeddedValkey(folder / "valkey").start()
print(*(server.port for server in servers), flush=True)
time.sleep(60)
"""

SUICIDE = """
import os, signal
from adapters.embedded.valkey import EmbeddedValkey

print(EmbeddedValkey().folder, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""

MAKING_FOLDERS = """
from adapters.embedded.folders import temporary_folder

for _ in range(1500):
    folder, lock = temporary_folder(account=None)
    assert (folder / "in-use").exists(), folder
    lock.close()
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder outside pytest's own, which other accounts cannot enter."""
    with TemporaryDirectory(prefix="prorata-platform-") as made:
        path = Path(made)
        path.chmod(0o755)
        yield path


def execute(url: str, statement: str) -> object:
    async def ask() -> object:
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    return asyncio.run(ask())


@contextmanager
def stranger() -> Iterator[int]:
    """The port of a program that listens and is not ours."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        yield listener.getsockname()[1]


def test_postgres_keeps_its_data_over_a_restart(folder: Path) -> None:
    with EmbeddedPostgres(folder / "postgres") as first:
        execute(first.url(), "CREATE TABLE kept AS SELECT 42 AS answer")

    with EmbeddedPostgres(folder / "postgres") as second:
        assert execute(second.url(), "SELECT answer FROM kept") == 42


def test_valkey_keeps_its_data_over_a_restart(folder: Path) -> None:
    with EmbeddedValkey(folder / "valkey") as first, Redis.from_url(first.url) as client:
        client.set("answer", "42")

    with EmbeddedValkey(folder / "valkey") as second, Redis.from_url(second.url) as client:
        assert client.get("answer") == b"42"


def test_a_running_postgres_of_ours_is_adopted_and_left_running(folder: Path) -> None:
    with EmbeddedPostgres(folder / "postgres") as first:
        with EmbeddedPostgres(folder / "postgres", port=free_port()) as second:
            adopted = second.url()

        assert adopted == first.url()
        assert execute(first.url(), "SELECT 1") == 1


def test_a_running_valkey_of_ours_is_adopted_and_left_running(folder: Path) -> None:
    with EmbeddedValkey(folder / "valkey") as first:
        with EmbeddedValkey(folder / "valkey", port=free_port()) as second:
            adopted = second.url

        assert adopted == first.url
        assert is_answering(first.port)


@pytest.mark.parametrize("server", [EmbeddedPostgres, EmbeddedValkey])
def test_a_stranger_on_the_port_is_named_and_nothing_starts(
    folder: Path, server: type[EmbeddedPostgres | EmbeddedValkey]
) -> None:
    with stranger() as port, pytest.raises(PortTakenError) as refused:
        server(folder / "server", port=port).start()

    assert str(refused.value).startswith(
        f"Port {port}, wanted for {server.name}, is taken by another program. Set "
    )


def test_another_projects_server_is_a_stranger_although_it_is_of_the_same_kind(folder: Path) -> None:
    with EmbeddedPostgres(folder / "theirs") as theirs, EmbeddedValkey(folder / "theirs-too") as theirs_too:
        with pytest.raises(PortTakenError):
            EmbeddedPostgres(folder / "ours", port=theirs.port).start()
        with pytest.raises(PortTakenError):
            EmbeddedValkey(folder / "ours-too", port=theirs_too.port).start()


def test_a_pid_file_left_by_a_killed_server_is_not_believed(folder: Path) -> None:
    first = EmbeddedPostgres(folder / "postgres").start()
    assert first._process
    os.kill(first._process.pid, signal.SIGKILL)
    first._process.wait()

    with EmbeddedPostgres(folder / "postgres") as second:
        assert execute(second.url(), "SELECT 1") == 1


def test_only_the_password_opens_the_servers(folder: Path) -> None:
    with EmbeddedPostgres(folder / "postgres") as postgres, EmbeddedValkey(folder / "valkey") as valkey:
        with pytest.raises(asyncpg.InvalidPasswordError):
            execute(postgres.url().replace(postgres.password, "guess"), "SELECT 1")
        with Redis(port=valkey.port) as client, pytest.raises(Exception, match="Authentication required"):
            client.ping()


def test_a_server_that_does_not_start_repeats_its_own_words(folder: Path) -> None:
    EmbeddedPostgres(folder / "postgres").start().stop()
    (folder / "postgres" / "cluster" / "postgresql.conf").write_text("no such = setting")

    with pytest.raises(ServerFailedError, match="syntax error"):
        EmbeddedPostgres(folder / "postgres").start()


def test_a_temporary_server_leaves_no_folder() -> None:
    with EmbeddedPostgres() as postgres, EmbeddedValkey() as valkey:
        assert postgres.folder.exists()
        assert valkey.folder.exists()

    assert not postgres.folder.exists()
    assert not valkey.folder.exists()


def test_the_folder_of_a_killed_run_is_cleared_away_by_the_next() -> None:
    killed = subprocess.run([sys.executable, "-c", SUICIDE], capture_output=True, text=True, check=False)
    left = Path(killed.stdout.strip())
    assert left.exists()

    with EmbeddedValkey() as next_one:
        assert not left.exists()
        assert next_one.folder.exists()


if sys.platform == "linux":  # the only system that tells a child that its parent was killed

    def test_killing_the_parent_leaves_nothing_behind(folder: Path) -> None:
        with subprocess.Popen([sys.executable, "-c", PARENT, str(folder)], stdout=subprocess.PIPE) as parent:
            assert parent.stdout
            ports = [int(port) for port in parent.stdout.readline().split()]
            assert all(map(is_answering, ports))

            parent.kill()

        give_up_at = time.monotonic() + 5
        while any(map(is_answering, ports)) and time.monotonic() < give_up_at:
            time.sleep(0.02)
        assert not any(map(is_answering, ports))
        with EmbeddedPostgres(folder / "postgres") as again:
            assert execute(again.url(), "SELECT 1") == 1


async def test_a_clone_has_what_its_template_has(server_url: str) -> None:
    template = await create_database(server_url, "template_of_clone")
    connection = await asyncpg.connect(template.replace("+asyncpg", ""))
    await connection.execute("CREATE TABLE copied AS SELECT 42 AS answer")
    await connection.close()

    clone = await create_database(server_url, "clone", template="template_of_clone")

    connection = await asyncpg.connect(clone.replace("+asyncpg", ""))
    assert await connection.fetchval("SELECT answer FROM copied") == 42
    await drop_database(server_url, "clone")  # although somebody is connected
    await drop_database(server_url, "template_of_clone")
    await connection.close()


def test_data_of_another_user_is_refused_with_a_way_out(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "theirs").mkdir()
    monkeypatch.setattr(os, "access", lambda *_: False)  # root, who may run this, can open everything

    with pytest.raises(FolderClosedError, match="belongs to another user"):
        data_folder(folder / "theirs", account=None)


def test_no_process_clears_away_a_folder_that_another_is_just_making() -> None:
    making = [
        subprocess.Popen([sys.executable, "-c", MAKING_FOLDERS], stderr=subprocess.PIPE) for _ in range(4)
    ]

    complaints = [process.communicate(timeout=120)[1].decode() for process in making]

    assert complaints == ["", "", "", ""]
