"""The second wall alone: with the application's own check of every id taken down, PostgreSQL still shows nothing.

Each test takes down what `tests/api/test_tenancy.py` looks at, `Caller.may_reach`, and asks the same questions.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
from starlette.applications import Starlette

from adapters.scopes import EVERYONE
from adapters.settings import Settings
from api.app import create_app
from services.callers import Caller
from tests.api.companies import key_of, new_company
from tests.api.fingerprints import fingerprint
from tests.api.inputs import Ids, document, inputs, mutations, nothing_like
from tests.api.test_tenancy import BY_ID, NODES, OPERATORS_ONLY, PREVIEWED, answered
from tests.application import Api
from tests.scenarios.papers import fetch

# A clock is no account's: who may reach it is asked before its id is.
OWNED = {name: thing for name, thing in NODES.items() if thing != "clock"}
ASKED = {field: thing for field, thing in BY_ID.items() if thing != "clock"}
FILES = {
    "/invoices/{}.pdf": "invoice",
    "/invoices/{}.csv": "invoice",
    "/accounts/{}/usage.csv?from=2026-09-01&to=2026-09-30": "account",
}
NODE = "query ($id: ID!) { node(id: $id) { __typename id } }"


@pytest.fixture(scope="module")
async def theirs(operator: Api) -> Ids:
    """Ids of the account whose things are asked for."""
    return await new_company(operator, name="A")


@pytest.fixture(scope="module")
async def caller(operator: Api) -> Api:
    """A client with a key of another account."""
    return await key_of(operator, (await new_company(operator, name="B")).account)


@pytest.fixture(autouse=True)
def _first_wall_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Caller, "may_reach", lambda *_: True)


async def test_both_walls_down_everything_is_shown(
    monkeypatch: pytest.MonkeyPatch, caller: Api, theirs: Ids
) -> None:
    """Without this the other tests here could not fail."""
    monkeypatch.setattr(Caller, "scope", EVERYONE)

    found = await caller.ask(NODE, id=theirs.invoice)

    assert found == {"node": {"__typename": "Invoice", "id": theirs.invoice}}


@pytest.mark.parametrize("thing", OWNED.values())
async def test_a_node_that_is_anothers_is_not_found(caller: Api, theirs: Ids, thing: str) -> None:
    node = getattr(theirs, thing)

    answer = await answered(caller, NODE, {"id": node})

    assert answer == await answered(caller, NODE, {"id": nothing_like(node)})
    assert '"node":null' in answer


@pytest.mark.parametrize(("field", "thing"), ASKED.items())
async def test_a_query_for_what_is_anothers_finds_nothing(
    caller: Api, theirs: Ids, field: str, thing: str
) -> None:
    query = f"query ($id: ID!) {{ {field}(id: $id) {{ __typename id }} }}"

    answer = await answered(caller, query, {"id": getattr(theirs, thing)})

    assert f'"{field}":null' in answer


async def test_what_anothers_workspace_may_use_is_not_told(caller: Api, theirs: Ids) -> None:
    query = "query ($id: ID!) { entitlements(workspaceId: $id) { metric } }"

    assert '"entitlements":null' in await answered(caller, query, {"id": theirs.workspace})


@pytest.mark.parametrize("mutation", sorted(set(mutations()) - OPERATORS_ONLY))
async def test_a_mutation_of_what_is_anothers_finds_nothing_and_writes_nothing(
    caller: Api, engine: AsyncEngine, theirs: Ids, mutation: str
) -> None:
    before = await fingerprint(engine)

    answer = await answered(caller, document(mutation), {"input": inputs(theirs)[mutation]})

    assert '"__typename":"Unknown' in answer
    assert await fingerprint(engine) == before


@pytest.mark.parametrize("change", sorted(PREVIEWED - OPERATORS_ONLY))
async def test_a_change_of_what_is_anothers_is_not_previewed(caller: Api, theirs: Ids, change: str) -> None:
    query = "query ($change: ChangeInput!) { preview(change: $change) { ...on ChangeRefused { refusal } } }"

    answer = await answered(caller, query, {"change": {change: inputs(theirs)[change]}})

    assert '"refusal":"Unknown' in answer


@pytest.mark.parametrize(("path", "thing"), FILES.items())
async def test_a_file_of_anothers_is_not_found(caller: Api, theirs: Ids, path: str, thing: str) -> None:
    answers = [
        await fetch(caller, path.format(node))
        for node in (getattr(theirs, thing), nothing_like(getattr(theirs, thing)))
    ]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content


async def test_usage_is_not_reported_for_anothers_workspace(
    caller: Api, engine: AsyncEngine, theirs: Ids
) -> None:
    line = b'{"eventId":"foreign","metric":"SMS_SEGMENT","quantity":1,"at":"2026-09-10T09:00:00Z"}'
    headers = {"authorization": f"Bearer {caller.key}", "content-type": "application/x-ndjson"}
    before = await fingerprint(engine)

    answers = [
        await caller.http.post(f"/usage?workspace={node}", content=line, headers=headers)
        for node in (theirs.workspace, nothing_like(theirs.workspace))
    ]

    assert {answer.status_code for answer in answers} == {404}
    assert answers[0].content == answers[1].content
    assert await fingerprint(engine) == before


@pytest_asyncio.fixture(loop_scope="session")
async def narrow(settings: Settings, app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    """HTTP to a process of the installation with one connection for all its callers."""
    app = create_app(settings.model_copy(update={"api_pool_size": 1}), is_rendering=False)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://prorata", timeout=60) as client,
    ):
        yield client


async def test_callers_of_two_accounts_and_an_operator_share_connections_in_turn(
    narrow: httpx.AsyncClient, operator: Api, theirs: Ids, sessions: async_sessionmaker[AsyncSession]
) -> None:
    ours = await new_company(operator, name="C")
    keys = {each.account: (await key_of(operator, each.account)).key for each in (ours, theirs)}
    query = "query ($id: ID!) { account(id: $id) { id invoices(first: 1) { edges { node { id } } } } }"

    for _ in range(20):
        for asks, key in (*keys.items(), ("operator", operator.key)):
            for asked in (ours, theirs):
                shown = (await Api(narrow, key).ask(query, id=asked.account))["account"]
                own = {"id": asked.account, "invoices": {"edges": [{"node": {"id": asked.invoice}}]}}
                assert shown == (own if asks in {asked.account, "operator"} else None)
