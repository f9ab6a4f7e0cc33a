"""A process tells a collector what it did and what belonged to what, and is not harmed by one that is away."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from adapters.embedded.ports import free_port
from api.node_ids import decode_node_id
from tests.application import Api
from tests.collector import Collector, Seen, collecting
from tests.live.running_api import running_api, talk

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = "00f067aa0ba902b7"
ACCOUNTS = "query Everyone { mine: accounts(first: 1) { edges { node { name subscription { plan } } } } }"
CREATE = """
    mutation ($input: AccountCreateInput!) {
      accountCreate(input: $input) { ... on AccountCreatePayload { account { id } } }
    }"""


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


def traced(env: dict[str, str], endpoint: str, **more: str) -> dict[str, str]:
    return {**env, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_BSP_SCHEDULE_DELAY": "100", **more}


async def test_a_request_its_operation_and_its_statements_are_one_trace(
    env: dict[str, str], operator_key: str, collector: Collector
) -> None:
    headers = {"traceparent": f"00-{TRACE}-{CALLER}-01", "tracestate": "vendor=anything"}

    with running_api(traced(env, collector.url)) as url:
        async with httpx.AsyncClient(base_url=url, trust_env=False, headers=headers, timeout=30) as http:
            await Api(http, operator_key).ask(ACCOUNTS)

    (request,) = collector.named("POST /graphql")
    assert (request.trace_id, request.parent_id, request.kind) == (TRACE, CALLER, "SERVER")
    assert request.facts == {
        "http.request.method": "POST",
        "http.route": "/graphql",
        "http.response.status_code": 200,
    }
    (operation,) = collector.named("query accounts")
    assert operation.parent_id == request.id
    assert operation.facts == {
        "graphql.operation.type": "query",
        "graphql.operation.name": "Everyone",
        "prorata.fields": ["accounts"],
    }
    page, *_ = collector.under(operation)
    assert (page.name, page.kind, page.facts["db.system.name"]) == ("SELECT accounts", "CLIENT", "postgresql")
    assert [each.name for each in collector.under(request)].count("SELECT api_keys") == 1
    assert {each.trace_id for each in collector.spans} == {TRACE}
    assert collector.services == {"prorata-api"}
    assert not any(b"vendor=anything" in body for body in collector.bodies)


async def test_a_mutation_tells_its_use_case_and_a_refusal_is_no_failure(
    env: dict[str, str], operator_key: str, collector: Collector
) -> None:
    with running_api(traced(env, collector.url)) as url:
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as http:
            client = Api(http, operator_key)
            made = await client.ask(CREATE, input={"name": "Traced", "timeZone": "UTC"})
            account = made["accountCreate"]["account"]["id"]
            refused = await client.do("planChange", "subscription { plan }", accountId=account, plan="EXPERT")

    assert refused["__typename"] == "NoSubscription"
    (operation,) = collector.named("mutation planChange")
    use_case = next(each for each in collector.named("subscriptions.change_plan"))
    assert use_case.facts["prorata.refusal"] == "NoSubscription"
    assert not use_case.is_failed
    assert ancestors(collector, use_case)[-1].id == parent(collector, operation).id
    locked = next(
        each for each in collector.named("accounts.lock_account") if each.trace_id == use_case.trace_id
    )
    assert locked.facts == {"prorata.account_id": str(account_id(account))}


async def test_a_line_of_the_log_carries_its_trace(
    env: dict[str, str], operator_key: str, collector: Collector, tmp_path: Path
) -> None:
    output = tmp_path / "log"
    headers = {"traceparent": f"00-{TRACE}-{CALLER}-01"}

    with running_api(traced(env, collector.url), output, log_format="json") as url:
        async with httpx.AsyncClient(base_url=url, trust_env=False, headers=headers) as http:
            await Api(http, operator_key).post("query Wrong { noSuchField }")

    lines = [json.loads(line) for line in output.read_text().splitlines()]
    (told,) = (
        line for line in lines if "operation=Wrong" in line["message"] or "noSuchField" in line["message"]
    )
    assert told["trace_id"] == TRACE
    assert [line for line in lines if "trace_id" not in line]  # such as those of the start


async def test_an_operation_on_a_websocket_has_a_trace_of_its_own(
    env: dict[str, str], operator_key: str, collector: Collector
) -> None:
    with running_api(traced(env, collector.url)) as url:
        async with talk(url, key=operator_key) as socket_:
            await socket_.say({"type": "subscribe", "id": "1", "payload": {"query": ACCOUNTS}})
            await socket_.next()

    (operation,) = collector.named("query accounts")
    assert operation.parent_id == ""
    assert collector.under(operation)[0].name == "SELECT accounts"
    assert {each.trace_id for each in collector.spans} == {operation.trace_id}


async def test_the_collector_is_sent_the_headers_that_are_set(
    env: dict[str, str], operator_key: str, collector: Collector
) -> None:
    given = {"OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20t0ken", "OTEL_SERVICE_NAME": "billing"}

    with running_api(traced(env, collector.url, **given)) as url:
        async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
            await Api(http, operator_key).ask("{ viewer { isOperator } }")

    assert collector.headers[0]["authorization"] == "Bearer t0ken"
    assert collector.services == {"billing"}


@pytest.mark.parametrize("is_silent", [False, True], ids=["away", "silent"])
async def test_a_collector_that_does_not_answer_harms_nothing(
    env: dict[str, str], operator_key: str, tmp_path: Path, is_silent: bool
) -> None:
    output = tmp_path / "log"
    with nowhere(is_silent=is_silent) as endpoint:
        running = running_api(traced(env, endpoint), output)
        url = await asyncio.to_thread(running.__enter__)
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=5) as http:
            for _ in range(30):
                assert "errors" not in await Api(http, operator_key).post(ACCOUNTS)
        began = time.monotonic()
        await asyncio.to_thread(running.__exit__, None, None, None)

    assert time.monotonic() - began < 6  # 3 for the last spans, the rest for what stopping takes without them
    assert "Finished server process" in output.read_text()


@contextmanager
def nowhere(*, is_silent: bool) -> Iterator[str]:
    """An address where nobody listens, or where somebody does and never answers."""
    if not is_silent:
        yield f"http://127.0.0.1:{free_port()}"
        return
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def account_id(node_id: str) -> UUID:
    ref = decode_node_id(node_id)
    assert ref is not None
    return UUID(ref.local_id)


def parent(collector: Collector, span: Seen) -> Seen:
    return next(each for each in collector.spans if each.id == span.parent_id)


def ancestors(collector: Collector, span: Seen) -> list[Seen]:
    found = []
    while span.parent_id:
        span = parent(collector, span)
        found.append(span)
    return found
