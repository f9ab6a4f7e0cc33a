"""The mailbox as a program: it takes mail by SMTP, keeps it as files and shows it on a page that runs nothing of it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from adapters.embedded.ports import free_port, is_answering
from adapters.letters import Letter
from adapters.mail import Mailer, Taken

AT = datetime(2026, 9, 1, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Box:
    """A running mailbox."""

    folder: Path
    mailer: Mailer
    http: httpx.Client

    async def send(self, subject: str, *, html: str = "<p>Hello</p>") -> None:
        async with self.mailer.line() as line:
            sent = await line.send(
                Letter(subject, "Hello", html), to="ada@acme.test", message_id=f"mail-{len(subject)}", at=AT
            )
        assert sent == Taken()

    def names(self) -> list[str]:
        """Give the names of what is kept, oldest first."""
        return sorted(path.stem for path in self.folder.glob("*.eml"))


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    port, smtp_port = free_port(), free_port()
    command = [sys.executable, "-m", "workers", "mailbox", "--folder", str(tmp_path / "mail")]
    options = ["--port", str(port), "--smtp-port", str(smtp_port)]
    with (
        subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True) as running,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http,
    ):
        assert running.stdout
        running.stdout.readline()
        while not is_answering(smtp_port):
            assert running.poll() is None
        yield Box(
            tmp_path / "mail",
            Mailer(f"smtp+plain://127.0.0.1:{smtp_port}", sender="Acme <billing@acme.test>"),
            http,
        )
        running.terminate()


async def test_a_mail_is_kept_listed_and_shown(box: Box) -> None:
    before = await asyncio.to_thread(box.http.get, "/")

    await box.send("First")
    await box.send("Zażółć & <b>gęślą</b>", html="<p>Jaźń</p>")

    page = await asyncio.to_thread(box.http.get, "/")
    newest = box.names()[-1]
    one = await asyncio.to_thread(box.http.get, f"/mails/{newest}")
    html = await asyncio.to_thread(box.http.get, f"/mails/{newest}/html")
    assert "Nothing yet" in before.text
    assert page.text.index("Zażółć &amp; &lt;b&gt;gęślą&lt;/b&gt;") < page.text.index("First")
    assert "ada@acme.test" in one.text
    assert html.text.strip() == "<p>Jaźń</p>"


async def test_a_mail_on_the_page_runs_nothing_and_loads_nothing(box: Box) -> None:
    await box.send("Hostile", html="<script>alert(1)</script><img src=//evil.test>")

    (name,) = box.names()
    html = await asyncio.to_thread(box.http.get, f"/mails/{name}/html")
    one = await asyncio.to_thread(box.http.get, f"/mails/{name}")

    policy = html.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "sandbox allow-popups allow-popups-to-escape-sandbox" in policy
    assert "alert(1)" not in one.text
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in one.text


@pytest.mark.parametrize("path", ["/mails/none", "/mails/..%2F..%2Fsecrets", "/mails/none/html", "/other"])
async def test_what_is_no_mail_is_not_found(box: Box, path: str) -> None:
    response = await asyncio.to_thread(box.http.get, path)

    assert response.status_code == 404


async def test_a_page_of_another_name_cannot_read_it(box: Box) -> None:
    response = await asyncio.to_thread(box.http.get, "/", headers={"host": "evil.test"})

    assert response.status_code == 400
