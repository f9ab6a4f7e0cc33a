"""Spans made in this process: their facts, their failures, calls to others; and nothing at all where they are off."""

from __future__ import annotations

import asyncio
import logging
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.database import create_engine
from adapters.gateway.protocol import GatewayUnavailable
from adapters.gateway.sandbox import SandboxGateway
from adapters.letters import Letter
from adapters.logs import JsonLines
from adapters.mail import Mailer
from adapters.settings import Settings
from adapters.spans import current, is_tracing, span, traced, use
from adapters.statements import summary
from adapters.telemetry import Telemetry
from adapters.tracing import begin_tracing
from adapters.webhooks_out import WebhookClient
from domain.refusal import Refusal
from tests.application import Api
from tests.collector import Collector, collecting
from tests.gateway.running_provider import API_KEY, WEBHOOK_SECRET, RunningProvider
from tests.sink import listening

SECRET = "a-secret-of-the-settings"


class NotToday(Refusal):
    """A refusal of the tests."""

    template = "Not today."


@asynccontextmanager
async def tracing(engine: AsyncEngine | None = None) -> AsyncIterator[Collector]:
    """Trace while the block runs; its spans are there after it."""
    with collecting() as collector:
        settings = Settings(
            database_url="postgresql://x/x",
            redis_url="redis://x",
            key_pepper=SECRET,
            sandbox_key=API_KEY,
            webhook_secret=WEBHOOK_SECRET,
            tracing_endpoint=collector.url,
        )
        begun = begin_tracing(settings, service="tests")
        if engine:
            begun.watch(engine)
        try:
            yield collector
        finally:
            await begun.aclose()


@traced
async def do_something(*, account_id: object, fails: Exception | None = None) -> int:
    if fails:
        raise fails
    current().note(pieces=3)
    return 7


async def test_a_function_is_told_with_its_account_and_what_it_notes() -> None:
    account_id = uuid4()

    async with tracing() as collector:
        with span("outside"):
            assert await do_something(account_id=account_id) == 7

    (outside,) = collector.named("outside")
    (inside,) = collector.under(outside)
    assert inside.name == "test_spans.do_something"
    assert inside.facts == {"prorata.account_id": str(account_id), "prorata.pieces": 3}


async def test_an_exception_is_told_by_its_class_and_a_refusal_is_no_failure() -> None:
    async with tracing() as collector:
        for failure in (ValueError(f"the text {SECRET}"), NotToday()):
            with pytest.raises(type(failure)):
                await do_something(account_id=None, fails=failure)

    failed, refused = collector.spans
    assert (failed.is_failed, failed.facts) == (True, {"error.type": "ValueError"})
    assert (refused.is_failed, refused.facts) == (False, {"prorata.refusal": "NotToday"})
    assert b"the text" not in b"".join(collector.bodies)


async def test_what_is_told_is_redacted_and_short() -> None:
    async with tracing() as collector:
        with span(f"with {SECRET}", words=["Bearer abcdef", "x" * 300]) as opened:
            opened.note(more=f"password={SECRET}")
            opened.rename(f"renamed {SECRET}")

    (told,) = collector.spans
    assert told.name == "renamed [redacted]"
    assert told.facts == {
        "prorata.words": ["Bearer [redacted]", "x" * 200],
        "prorata.more": "password=[redacted]",
    }


async def test_statements_are_told_without_values_and_only_within_a_trace(database_url: str) -> None:
    engine = create_engine(database_url)
    autocommit = engine.execution_options(isolation_level="AUTOCOMMIT")

    async with tracing(engine) as collector:
        async with autocommit.connect() as connection:
            await connection.execute(text("SELECT name FROM accounts WHERE name = 'outside'"))
            with span("inside"):
                await connection.execute(text("SELECT name FROM accounts WHERE name = 'plain'"))
                await connection.execute(text("SELECT 1 FROM invoices WHERE :it = 'x'"), {"it": "given"})
        with span("failing"), pytest.raises(DBAPIError):
            async with engine.begin() as connection:
                await connection.execute(text("SELECT 'quoted'::int"))
    await engine.dispose()

    (inside,), (failing,) = collector.named("inside"), collector.named("failing")
    assert [each.name for each in collector.under(inside)] == ["SELECT accounts", "SELECT invoices"]
    (failed,) = collector.under(failing)
    assert (failed.name, failed.is_failed, failed.facts["db.response.status_code"]) == (
        "SELECT",
        True,
        "22P02",
    )
    sent = b"".join(collector.bodies)
    assert not [word for word in (b"outside", b"plain", b"given", b"quoted") if word in sent]


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("SELECT a.id FROM accounts AS a JOIN workspaces w ON true", "SELECT accounts workspaces"),
        ("SELECT id FROM accounts WHERE id = $1 FOR UPDATE", "SELECT accounts"),
        ("SELECT id FROM accounts FOR NO KEY UPDATE OF accounts SKIP LOCKED", "SELECT accounts"),
        ("INSERT INTO invoices (a) VALUES ($1) ON CONFLICT DO UPDATE SET a = 1", "INSERT invoices"),
        ("WITH t AS (SELECT 1 FROM due_work) UPDATE due_work SET x = 1 FROM t", "UPDATE due_work"),
        ("WITH t AS (SELECT 1) SELECT * FROM t", "SELECT"),
        ("SELECT 'FROM secrets' FROM nowhere", "SELECT"),
        ("-- remark\nSELECT 1", "OTHER"),
        ("VACUUM accounts", "OTHER"),
        ("", "OTHER"),
    ],
)
def test_a_statement_is_summed_up(statement: str, told: str) -> None:
    assert summary(statement) == told


async def test_calls_to_the_provider_tell_host_and_status_and_no_id(
    payment_provider: RunningProvider,
) -> None:
    async with tracing() as collector:
        gateway = SandboxGateway(payment_provider.url, API_KEY, WEBHOOK_SECRET)
        customer = await gateway.create_customer(name="Somebody", idempotency_key="key-of-somebody")
        await gateway.find_charge(idempotency_key="key-of-nobody")
        await gateway.aclose()
        away = SandboxGateway("http://127.0.0.1:1", API_KEY, WEBHOOK_SECRET)
        with pytest.raises(GatewayUnavailable):
            await away.find_charge(idempotency_key="key-of-nobody")
        await away.aclose()

    made, found, failed = collector.spans
    assert (made.name, made.kind) == ("POST /v1/customers", "CLIENT")
    assert made.facts == {
        "http.request.method": "POST",
        "url.template": "/v1/customers",
        "server.address": "127.0.0.1",
        "http.response.status_code": 200,
    }
    assert (found.name, failed.name, failed.facts["error.type"]) == (
        "GET /v1/charges",
        "GET /v1/charges",
        "ConnectError",
    )
    sent = b"".join(collector.bodies).decode("latin-1")
    assert not [word for word in ("key-of", "Somebody", customer, API_KEY) if word in sent]


async def test_a_webhook_tells_host_and_status_and_no_path() -> None:
    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(202)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}).start()
    async with tracing() as collector:
        poster = WebhookClient(allows_loopback=True)
        url = f"http://127.0.0.1:{server.server_port}/their-path?their=query"
        await poster.post(url, body=b"their-body", headers={"webhook-signature": "their-signature"})
        await poster.post("http://[", body=b"", headers={})
    await asyncio.to_thread(server.shutdown)
    server.server_close()

    sent, failed = collector.named("POST webhook")
    assert sent.facts == {
        "http.request.method": "POST",
        "server.address": "127.0.0.1",
        "http.response.status_code": 202,
    }
    assert (failed.is_failed, failed.facts["error.type"]) == (True, "no answer")
    assert b"their" not in b"".join(collector.bodies)


async def test_a_mail_tells_its_server_and_what_came_of_it_and_nothing_of_the_mail() -> None:
    async with tracing() as collector, listening() as server:
        mailer = Mailer(server.url, sender="Acme <billing@acme.test>")
        async with mailer.line() as line:
            letter = Letter(subject="Their subject", text="Their text", html="<p>Their text</p>")
            at = datetime(2026, 9, 1, tzinfo=UTC)
            await line.send(letter, to="their@reader.test", message_id="their.id", at=at)

    (sent,) = collector.spans
    assert (sent.name, sent.kind) == ("send mail", "CLIENT")
    assert sent.facts == {"server.address": "127.0.0.1", "prorata.outcome": "Taken"}
    assert b"heir" not in b"".join(collector.bodies)


async def test_an_operation_tells_how_many_errors_it_had(operator: Api) -> None:
    async with tracing() as collector:
        answer = await operator.post("{ accounts(first: 0) { edges { node { id } } } }")

    (operation,) = collector.named("query accounts")
    assert len(answer["errors"]) == 1
    assert operation.facts["prorata.errors"] == 1


async def test_closing_gives_a_collector_that_never_answers_three_seconds() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        begun = Telemetry(f"http://127.0.0.1:{silent.getsockname()[1]}", service="tests", secrets=())
        use(begun)
        with span("never seen"):
            pass
        began = time.monotonic()

        await begun.aclose()

        assert 2.9 < time.monotonic() - began < 5
    assert not is_tracing()


async def test_short_words_are_no_secrets() -> None:
    with collecting() as collector:
        begun = Telemetry(collector.url, service="tests", secrets=("a", "1", "a long secret"))
        use(begun)
        with span("a name with a long secret"):
            pass
        await begun.aclose()

    assert [each.name for each in collector.spans] == ["a name with [redacted]"]


async def test_a_line_of_the_log_carries_the_trace_only_within_one() -> None:
    record = logging.LogRecord("prorata", logging.INFO, __file__, 1, "told", (), None)

    async with tracing() as collector:
        outside = JsonLines().format(record)
        with span("inside"):
            inside = JsonLines().format(record)
    after = JsonLines().format(record)

    (told,) = collector.named("inside")
    assert f'"trace_id": "{told.trace_id}"' in inside
    assert "trace_id" not in outside + after


async def test_without_a_collector_there_is_nothing() -> None:
    assert not is_tracing()
    with span("nothing", some="fact") as opened:
        opened.note(more="facts")
        opened.rename("still nothing")
        assert opened is current()
    assert await do_something(account_id=uuid4()) == 7


def test_without_a_collector_nothing_of_opentelemetry_is_imported() -> None:
    code = (
        "import sys, api.app, workers.sweep; print([n for n in sys.modules if n.startswith('opentelemetry')])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
