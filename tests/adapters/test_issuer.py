"""The local issuer as a program: it signs anybody in, for this machine only, with a key that it keeps."""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from adapters.embedded.ports import free_port
from adapters.issuer.server import AUDIENCE
from adapters.oidc.keys import KeySet
from adapters.oidc.tokens import LEEWAY, Issuer, Person, TokenRefusedError
from workers.__main__ import main

ADA = ("ada@example.com", "Ada <Lovelace>", "admin of Support, full seat")


@contextmanager
def running(folder: Path, port: int) -> Iterator[str]:
    """Start the issuer, give its address and stop it after."""
    command = [sys.executable, "-m", "workers", "issuer", "--folder", str(folder), "--port", str(port)]
    with subprocess.Popen([*command, "--person", *ADA], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield process.stdout.readline().strip()
        process.send_signal(signal.SIGINT)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("issuer") / "kept"


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    """The address of a running issuer."""
    with running(folder, free_port()) as address:
        yield address


def known(url: str, token: str, *, later: timedelta = timedelta(0)) -> Person:
    """Check a token as the API does."""

    async def check() -> Person:
        keys = KeySet(url)
        try:
            return await Issuer(url, AUDIENCE, keys).person(token, now=datetime.now(UTC) + later)
        finally:
            await keys.close()

    return asyncio.run(check())


def test_the_page_offers_people_and_gives_a_good_token(url: str) -> None:
    page = httpx.get(url)
    given = httpx.post(f"{url}/sign-in", data={"email": "ada@example.com"})

    assert "Ada &lt;Lovelace&gt;" in page.text
    assert "form-action 'self'" in page.headers["content-security-policy"]
    (token,) = re.findall(r"<textarea[^>]*>([^<]+)</textarea>", given.text)
    assert f"/graphiql#key={token}" in given.text
    assert known(url, token) == Person("ada@example.com", "ada@example.com", "Ada <Lovelace>")


def test_one_command_gives_a_token_of_so_many_minutes(url: str) -> None:
    port = url.rpartition(":")[2]

    printed = CliRunner().invoke(main, ["token", "Bo@example.com", "--port", port, "--minutes", "5"])

    token = printed.stdout.strip()
    assert known(url, token).email == "Bo@example.com"
    assert known(url, token, later=timedelta(minutes=5) + LEEWAY - timedelta(seconds=5)).email
    with pytest.raises(TokenRefusedError):
        known(url, token, later=timedelta(minutes=5) + LEEWAY)


def test_what_is_no_address_or_no_time_is_refused_in_a_sentence(url: str) -> None:
    port = url.rpartition(":")[2]

    no_address = CliRunner().invoke(main, ["token", "Bo", "--port", port])
    too_long = CliRunner().invoke(main, ["token", "bo@example.com", "--port", port, "--minutes", "99999"])
    on_the_page = httpx.post(f"{url}/sign-in", data={"email": "<script>"})

    assert (no_address.exit_code, "is not an email address" in no_address.stderr) == (1, True)
    assert (too_long.exit_code, "A token is good for 1 to 10080 minutes." in too_long.stderr) == (1, True)
    assert (on_the_page.status_code, "<script>" in on_the_page.text) == (400, False)


def test_without_an_issuer_the_command_says_what_to_do() -> None:
    refused = CliRunner().invoke(main, ["token", "ada@example.com", "--port", str(free_port())])

    assert refused.exit_code == 1
    assert "No issuer answers" in refused.stderr
    assert "`make run` starts one" in refused.stderr


def test_a_page_of_others_cannot_have_it_answer_by_another_name(url: str) -> None:
    answer = httpx.post(f"{url}/token", json={"email": "ada@example.com"}, headers={"host": "evil.example"})

    assert answer.status_code == 400
    assert "token" not in answer.text


def test_the_key_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    port = free_port()
    with running(tmp_path, port) as url:
        token = httpx.post(f"{url}/token", json={"email": "ada@example.com"}).json()["token"]
    with running(tmp_path, port) as url:
        assert known(url, token).email == "ada@example.com"

    assert [(path.name, path.stat().st_mode & 0o777) for path in tmp_path.iterdir()] == [("key.pem", 0o600)]
