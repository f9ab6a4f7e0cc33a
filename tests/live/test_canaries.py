"""Secrets sent to a real process in every way a client has are nowhere in what it prints."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from adapters.embedded.ports import free_port
from services.keytexts import SECRET_LENGTH, shown, write_key
from tests.collector import collecting
from tests.live.running_api import running_api
from tests.workers.running_worker import until

# The second half of each is looked for; what comes before it says what kind of secret it is.
CANARY = "c4n4ry0123456789abcdef"
KEY = f"pr_a1b2c3d4_{CANARY}"
# One that is looked up: its checksum is right.
WHOLE_KEY = shown(write_key("a1b2c3d4", (CANARY * SECRET_LENGTH)[:SECRET_LENGTH].replace("-", "x")))
WEBHOOK = f"whsec_{CANARY}"
QUERY = "query Named($id: ID!) { account(id: $id) { name } }"

# An application that does with a header what ours never does.
CARELESS = """
import logging, sys, uvicorn
from adapters import logs

async def careless(scope, receive, send):
    given = dict(scope["headers"])[b"x-canary"].decode()
    logging.getLogger("prorata.api").warning("asked with %s and %r", given, [given])
    raise ValueError(f"{given} is wrong") from OSError(given)

logs.configure(logs.LogFormat(sys.argv[2]))
uvicorn.run(careless, port=int(sys.argv[1]), lifespan="off", log_config=None)
"""


@pytest.mark.parametrize("form", ["text", "json"])
async def test_what_careless_code_logs_and_raises_is_redacted(form: str) -> None:
    port = free_port()
    command = [sys.executable, "-c", CARELESS, str(port), form]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:

        async def has_failed() -> bool:
            try:
                answer = await http.get(f"/?key={KEY}", headers={"x-canary": f"Bearer {KEY}"})
            except httpx.ConnectError:
                return False
            return answer.status_code == 500

        await until(has_failed)
    server.terminate()
    printed, _ = await asyncio.to_thread(server.communicate)

    assert "asked with Bearer [redacted]" in printed
    assert "ValueError: Bearer [redacted]" in printed
    assert "/?key=[redacted]" in printed
    assert CANARY not in printed


@pytest.mark.parametrize("form", ["text", "json"])
async def test_no_canary_is_printed(
    env: dict[str, str], operator_key: str, tmp_path: Path, form: str
) -> None:
    output = tmp_path / "log"

    with running_api(env, output, log_format=form, metrics_token=f"metrics-{CANARY}") as url:
        await send_canaries(url, operator_key)

    printed = output.read_text(errors="replace")
    assert CANARY not in printed
    assert operator_key not in printed
    assert "[redacted]" in printed  # uvicorn tells the addresses of WebSockets, query and all
    if form == "json":
        lines = [json.loads(line) for line in printed.splitlines()]
        assert {"time", "level", "logger", "message"} <= set.intersection(*map(set, lines))
        assert [line for line in lines if line.get("request_id") == "request-canary"]


async def test_no_canary_is_in_a_span(env: dict[str, str], operator_key: str) -> None:
    with collecting() as collector:
        told = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_EXPORTER_OTLP_HEADERS": f"x-token={CANARY}",
        }
        with running_api({**env, **told}, metrics_token=f"metrics-{CANARY}") as url:
            await send_canaries(url, operator_key)
            await send_named_canaries(url, operator_key)

    exported = b"".join(collector.bodies).decode("latin-1")
    assert CANARY not in exported
    assert operator_key not in exported
    assert "Canary Ltd" not in exported
    assert "canary@canary.test" not in exported
    assert {span.name for span in collector.spans} >= {
        "POST /graphql",
        "POST /usage",
        "POST /webhooks/payments",
        "GET",
        "query account",
        "mutation accountCreate",
        "mutation workspaceCreate",
        "INSERT accounts",
    }
    (named,) = (span for span in collector.spans if "[redacted]" in str(span.facts))
    assert "[redacted]" in str(named.facts["graphql.operation.name"])


async def test_no_canary_of_a_failing_database_is_in_a_span(env: dict[str, str]) -> None:
    nowhere = f"postgresql://someone:{CANARY}@127.0.0.1:{free_port()}/nowhere"
    with collecting() as collector:
        spoiled = {**env, "DATABASE_URL": nowhere, "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
        with running_api(spoiled) as url:
            async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
                headers = {"authorization": f"Bearer {WHOLE_KEY}"}
                await http.post("/graphql", json={"query": QUERY}, headers=headers)

    (request,) = collector.named("POST /graphql")
    assert (request.is_failed, request.facts["error.type"]) == (True, "500")
    assert CANARY not in b"".join(collector.bodies).decode("latin-1")


async def test_no_canary_of_a_failing_database_is_printed(env: dict[str, str], tmp_path: Path) -> None:
    output = tmp_path / "log"
    nowhere = f"postgresql://someone:{CANARY}@127.0.0.1:{free_port()}/nowhere"
    spoiled = {**env, "DATABASE_URL": nowhere, "PRORATA_KEY_PEPPER": f"pepper-{CANARY}"}

    with running_api(spoiled, output, log_format="json") as url:
        async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
            failed = await http.post(
                "/graphql", json={"query": QUERY}, headers={"authorization": f"Bearer {WHOLE_KEY}"}
            )
            unready = await http.get("/readyz")

    printed = output.read_text(errors="replace")
    assert failed.status_code == 500
    assert (unready.status_code, unready.json()["database"]) == (503, "away")
    assert "request failed" in printed
    assert CANARY not in printed


async def send_named_canaries(url: str, operator_key: str) -> None:
    """Plant canaries in requests that are carried out: names, addresses, ids, aliases, and an operation's own name."""
    good = {
        "authorization": f"Bearer {operator_key}",
        "tracestate": f"vendor={CANARY}",
        "baggage": f"a={CANARY}",
    }
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=30, headers=good) as http:

        async def ask(query: str, **variables: object) -> dict[str, dict[str, dict[str, str]]]:
            answer = (await http.post("/graphql", json={"query": query, "variables": variables})).json()
            assert "errors" not in answer, answer
            data: dict[str, dict[str, dict[str, str]]] = answer["data"]
            return data

        create = """
            mutation ($input: AccountCreateInput!) {
              accountCreate(input: $input) { ... on AccountCreatePayload { account { id } } }
            }"""
        made = await ask(create, input={"name": f"Canary Ltd {CANARY}", "timeZone": "UTC"})
        workspace = {
            "accountId": made["accountCreate"]["account"]["id"],
            "name": f"Canary Ltd {CANARY}",
            "creatorName": CANARY,
            "creatorEmail": "canary@canary.test",
        }
        create = """
            mutation ($input: WorkspaceCreateInput!) {
              workspaceCreate(input: $input) { ... on WorkspaceCreatePayload { workspace { id } } }
            }"""
        await ask(create, input=workspace)
        await ask(f'query {KEY} {{ {CANARY}: account(id: "{KEY}") {{ {CANARY}: name }} }}')
        await http.get(f"/{CANARY}/graphql?{KEY}={CANARY}")
        await http.get(f"/invoices/{KEY}.pdf?{KEY}={CANARY}")


async def send_canaries(url: str, operator_key: str) -> None:
    """Plant canaries in headers, addresses, variables, documents and bodies."""
    good = {"authorization": f"Bearer {operator_key}", "x-request-id": "request-canary"}
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as http:
        for headers in (
            {"authorization": f"Bearer {KEY}"},
            {"authorization": f"Basic {WEBHOOK}", "cookie": KEY, "x-request-id": KEY},
        ):
            await http.get(f"/metrics?token={KEY}", headers=headers)
            await http.post("/graphql", json={"query": QUERY, "variables": {"id": KEY}}, headers=headers)
            await http.post("/webhooks/payments", content=WEBHOOK, headers={**headers, "webhook-id": KEY})
        for query, variables in (
            (QUERY, {"id": {"wrong": KEY}}),
            (QUERY, {"id": f"\x00{KEY}"}),
            (f'{{ account(id: "{KEY}") {{ noField }} }}', {}),
            (f'query Named {{ account(id: "{KEY}" ', {}),
            (f"query {KEY} {{ nothing }}", {"password": CANARY}),
        ):
            await http.post("/graphql", json={"query": query, "variables": variables}, headers=good)
        await http.post(f"/usage?workspace={KEY}", content=f'{{"eventId": "{KEY}"', headers=good)
    async with connect(f"{url.replace('http', 'ws', 1)}/graphql?token={KEY}", proxy=None) as socket:
        with pytest.raises(ConnectionClosed):
            await socket.recv()
