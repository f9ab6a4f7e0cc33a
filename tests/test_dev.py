"""The `prorata` command as a person uses it: one command up, one signal down, a plain word when something is missing."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest
from click.testing import CliRunner

from adapters.embedded.ports import free_port, is_answering
from workers.__main__ import main

PORTS = (
    "--port",
    "--sandbox-port",
    "--postgres-port",
    "--valkey-port",
    "--mailbox-port",
    "--mailbox-smtp-port",
    "--issuer-port",
)
OURS = re.compile("PRORATA_|DATABASE_URL$|REDIS_URL$")


@pytest.fixture
def data() -> Iterator[Path]:
    """A folder that every account can enter."""
    with TemporaryDirectory(prefix="prorata-dev-") as made:
        Path(made).chmod(0o755)
        yield Path(made) / "data"


def start(data: Path, ports: list[int]) -> subprocess.Popen[str]:
    options = [text for name, port in zip(PORTS, ports, strict=True) for text in (name, str(port))]
    return subprocess.Popen(
        [sys.executable, "-m", "workers", "dev", "--no-demo", "--data", str(data), *options],
        env={name: value for name, value in os.environ.items() if not OURS.match(name)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def read_until(running: subprocess.Popen[str], words: str) -> str:
    assert running.stdout
    said = ""
    for line in running.stdout:
        said += line
        if words in line:
            return said
    raise AssertionError(said)


def test_one_command_brings_everything_up_and_one_signal_down(data: Path) -> None:
    ports = [free_port() for _ in PORTS]
    with start(data, ports) as running:
        read_until(running, "Prorata is running")
        up = [is_answering(port) for port in ports]
        health = httpx.get(f"http://127.0.0.1:{ports[0]}/healthz")
        person = CliRunner().invoke(main, ["token", "ada@example.com", "--port", str(ports[-1])])
        seen = httpx.post(
            f"http://127.0.0.1:{ports[0]}/graphql",
            json={"query": "{ viewer { kind name memberships { permissions } } }"},
            headers={"authorization": f"Bearer {person.stdout.strip()}"},
        )

        running.send_signal(signal.SIGINT)
        last_words = read_until(running, "[prorata] stopped")
        running.wait(30)

    assert all(up)
    assert health.is_success
    assert seen.json()["data"] == {"viewer": {"kind": "USER", "name": "ada", "memberships": []}}
    assert "Traceback" not in last_words
    assert running.returncode == 0
    assert not any(map(is_answering, ports))


def test_the_operators_key_is_made_once_and_shown_at_every_start(data: Path) -> None:
    ports = [free_port() for _ in PORTS]
    shown = []
    for _ in range(2):
        with start(data, ports) as running:
            read_until(running, "Prorata is running")
            shown.append(read_until(running, "Operator key").split()[-1])
            running.send_signal(signal.SIGTERM)
            read_until(running, "[prorata] stopped")

    kept = json.loads((data / "secrets.json").read_text())
    assert shown[0] == shown[1]
    assert [value for name, value in kept.items() if name.startswith("operator_key_")] == [shown[0]]


@pytest.mark.parametrize("command", ["serve", "work"])
def test_a_process_without_its_settings_names_them_and_does_not_start(command: str) -> None:
    nothing_set = dict.fromkeys((name for name in os.environ if OURS.match(name)), None)

    refused = CliRunner().invoke(main, [command], env=nothing_set)

    assert refused.exit_code == 1
    for name in (
        "DATABASE_URL",
        "REDIS_URL",
        "PRORATA_SANDBOX_KEY",
        "PRORATA_WEBHOOK_SECRET",
        "PRORATA_KEY_PEPPER",
    ):
        assert f"{name}: Field required" in refused.output
