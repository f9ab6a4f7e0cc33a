"""What belongs to another account looks exactly like what does not exist, whatever is asked or changed.

The questions come from the schema: a query, node type or mutation that is not looked at here fails a test.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from graphql import GraphQLInterfaceType, GraphQLNonNull, GraphQLObjectType
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.applications import Starlette

from adapters.settings import Settings
from api.app import create_app
from api.auth import REMEMBERED_FOR
from api.node_ids import decode_node_id
from tests.api.companies import key_of, new_company
from tests.api.fingerprints import fingerprint
from tests.api.inputs import SCHEMA, Ids, document, inputs, moved, mutations, nothing_like, previewed
from tests.application import Api

OPERATORS_ONLY = {
    "accountCreate",
    "apiKeyCreate",
    "apiKeyRotate",
    "apiKeyRevoke",
    "testClockCreate",
    "testClockAdvance",
    "earlyStageStart",
    "bookMigrate",
    "contractSign",
    "contractAmend",
    "contractEnd",
    "seatDatesCorrect",
    "workspaceMove",
    "creditNoteCreate",
    "invoiceVoid",
    "invoiceWriteOff",
    "refundCreate",
}
# By the id each takes; a clock is an operator's.
BY_ID = {"account": "account", "workspace": "workspace", "invoice": "invoice", "testClock": "clock"}
NODES = {
    "BillingAccount": "account",
    "Workspace": "workspace",
    "Teammate": "teammate",
    "Subscription": "subscription",
    "Invoice": "invoice",
    "Payment": "payment",
    "Notification": "notification",
    "WebhookEndpoint": "endpoint",
    "WebhookDelivery": "delivery",
    "TestClock": "clock",
}
BY_WORKSPACE = {"entitlements"}
BY_CHANGE = {"preview"}
OF_NOBODY = {"PriceBook"}
OF_THE_CALLER = {"viewer", "accounts"}
OF_EVERYBODY = {"priceBook", "seatAbilities", "roles"}
PREVIEWED = set(previewed())
VIEWER = (
    "{ viewer { isOperator account { id } } accounts { edges { node { id } } pageInfo { hasNextPage } } }"
)


@pytest.fixture(scope="module")
async def theirs(operator: Api) -> Ids:
    """Ids of the account whose things are asked for."""
    return await new_company(operator, name="A")


@pytest.fixture(scope="module")
async def ours(operator: Api) -> Ids:
    """Ids of the account that asks."""
    return await new_company(operator, name="B")


@pytest.fixture(scope="module")
async def caller(operator: Api, ours: Ids) -> Api:
    """A client with a key of the account that asks."""
    return await key_of(operator, ours.account)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def later(settings: Settings, app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    """HTTP to another process of the same installation, whose clock the test moves by `X-Later`."""
    moments = [datetime.now(UTC)]
    other = create_app(settings, clock=lambda: moments[-1])
    transport = httpx.ASGITransport(other)

    async def move(request: httpx.Request) -> None:
        moments.append(moments[-1] + timedelta(seconds=float(request.headers.get("x-later", "0"))))

    hooks = {"request": [move]}
    async with (
        other.router.lifespan_context(other),
        httpx.AsyncClient(transport=transport, base_url="http://prorata", event_hooks=hooks) as client,
    ):
        yield client


async def test_a_key_sees_its_own_account_and_no_other(caller: Api, ours: Ids) -> None:
    seen = await caller.ask(VIEWER)

    assert seen == {
        "viewer": {"isOperator": False, "account": {"id": ours.account}},
        "accounts": {"edges": [{"node": {"id": ours.account}}], "pageInfo": {"hasNextPage": False}},
    }


async def test_what_another_s_workspace_may_use_is_not_told(caller: Api, theirs: Ids, ours: Ids) -> None:
    query = "query ($id: ID!) { entitlements(workspaceId: $id) { metric } }"

    answers = [await answered(caller, query, {"id": each}) for each in strangers(theirs, ours, "workspace")]

    assert set(answers) == {await answered(caller, query, {"id": nothing_like(theirs.workspace)})}
    assert '"entitlements":null' in answers[0]


@pytest.mark.parametrize("change", sorted(PREVIEWED - OPERATORS_ONLY))
async def test_a_change_of_what_is_anothers_is_previewed_as_one_of_nothing(
    caller: Api, theirs: Ids, change: str
) -> None:
    query = "query ($change: ChangeInput!) { preview(change: $change) { ...on ChangeRefused { refusal message } } }"

    answer, for_nothing = [
        await answered(caller, query, {"change": {change: inputs(each)[change]}})
        for each in (theirs, theirs.of_nothing())
    ]

    assert answer == for_nothing
    assert '"refusal":"Unknown' in answer


@pytest.mark.parametrize("change", sorted(PREVIEWED & OPERATORS_ONLY))
async def test_a_change_for_operators_is_not_previewed_for_others(
    caller: Api, ours: Ids, change: str
) -> None:
    query = "query ($change: ChangeInput!) { preview(change: $change) { __typename } }"

    answer = await caller.post(query, {"change": {change: inputs(ours)[change]}})

    assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]


@pytest.mark.parametrize(("field", "thing"), BY_ID.items())
async def test_a_query_for_what_is_anothers_finds_nothing(
    caller: Api, theirs: Ids, ours: Ids, field: str, thing: str
) -> None:
    query = f"query ($id: ID!) {{ {field}(id: $id) {{ __typename id }} }}"

    answers = [await answered(caller, query, {"id": each}) for each in strangers(theirs, ours, thing)]

    assert set(answers) == {await answered(caller, query, {"id": nothing_like(getattr(theirs, thing))})}
    assert f'"{field}":null' in answers[0]


@pytest.mark.parametrize("thing", NODES.values())
async def test_a_node_that_is_anothers_is_not_found(
    caller: Api, operator: Api, theirs: Ids, ours: Ids, thing: str
) -> None:
    query = "query ($id: ID!) { node(id: $id) { __typename id } }"

    answers = [await answered(caller, query, {"id": each}) for each in strangers(theirs, ours, thing)]
    by_operator = [
        await answered(operator, query, {"id": each}) for each in strangers(theirs, ours, thing)[1:]
    ]

    assert set(answers) == {await answered(caller, query, {"id": nothing_like(getattr(theirs, thing))})}
    assert set(by_operator) <= set(answers)
    assert '"node":null' in answers[0]


@pytest.mark.parametrize("type_name", NODES)
async def test_an_id_leads_back_to_its_own_thing(
    caller: Api, operator: Api, ours: Ids, type_name: str
) -> None:
    query = "query ($id: ID!) { node(id: $id) { __typename id } }"
    node = getattr(ours, NODES[type_name])

    found = await (operator if type_name == "TestClock" else caller).ask(query, id=node)

    assert found["node"] == {"__typename": type_name, "id": node}


@pytest.mark.parametrize("mutation", sorted(set(mutations()) - OPERATORS_ONLY))
async def test_a_mutation_of_what_is_anothers_finds_nothing_and_writes_nothing(
    caller: Api, engine: AsyncEngine, theirs: Ids, ours: Ids, mutation: str
) -> None:
    account = decode_node_id(ours.account)
    assert account is not None
    assert account.account_id is not None
    forged = theirs.with_account(account.account_id)
    before = await fingerprint(engine)

    answer = await answered(caller, document(mutation), {"input": inputs(theirs)[mutation]})
    for_nothing = await answered(caller, document(mutation), {"input": inputs(theirs.of_nothing())[mutation]})
    for_forged = answer
    if "accountId" not in inputs(forged)[mutation]:
        for_forged = await answered(caller, document(mutation), {"input": inputs(forged)[mutation]})

    assert answer == for_nothing == for_forged
    assert '"__typename":"Unknown' in answer
    assert await fingerprint(engine) == before


@pytest.mark.parametrize("mutation", sorted(OPERATORS_ONLY))
async def test_what_is_for_operators_is_forbidden_to_others(
    caller: Api, engine: AsyncEngine, ours: Ids, mutation: str
) -> None:
    before = await fingerprint(engine)

    answer = await caller.post(document(mutation), {"input": inputs(ours)[mutation]})

    assert answer["data"] == {mutation: None}
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]
    assert await fingerprint(engine) == before


async def test_a_key_of_an_account_cannot_name_a_clock(caller: Api, ours: Ids) -> None:
    asked = await caller.ask("query ($id: ID!) { testClock(id: $id) { id } }", id=ours.clock)

    assert asked == {"testClock": None}


@pytest.mark.parametrize(
    "key",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer pr_",
        "Bearer pr_000000000000_wrong",
        "Bearer nonsense",
        "Bearer " + "a" * 5_000,
        "Bearer pr_\u00e9_x",
        "Bearer pr_a\u00df_x",
    ],
)
async def test_nobody_gets_in_without_a_key(http: httpx.AsyncClient, key: str | None) -> None:
    headers = {} if key is None else {b"authorization": key.encode("latin-1")}

    response = await http.post("/graphql", json={"query": VIEWER}, headers=headers)

    assert response.status_code == 401
    assert response.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_a_key_needs_its_secret_and_no_other_scheme(http: httpx.AsyncClient, caller: Api) -> None:
    public, _, secret = caller.key.rpartition("_")
    wrong = [f"Bearer {caller.key[:-1]}", f"Bearer {public}_", f"Bearer {public}_{secret.swapcase()}"]
    basic = base64.b64encode(f"{caller.key}:".encode()).decode()

    statuses = [
        (await http.post("/graphql", json={"query": VIEWER}, headers={"authorization": value})).status_code
        for value in [*wrong, caller.key, f"Basic {basic}", f"Basic {caller.key}"]
    ]

    assert statuses == [401] * 6


async def test_a_revoked_key_opens_nothing(operator: Api, later: httpx.AsyncClient, ours: Ids) -> None:
    revoked = await key_of(operator, ours.account)
    remembered = Api(later, revoked.key)
    await remembered.ask(VIEWER)

    await operator.do("apiKeyRevoke", "publicId", publicId=revoked.key.split("_")[1])
    at_once = await post_viewer(operator.http, revoked.key)
    once_forgotten = await post_viewer(later, revoked.key, later=REMEMBERED_FOR.total_seconds())

    assert (at_once.status_code, once_forgotten.status_code) == (401, 401)
    assert "errors" in once_forgotten.json()


def test_every_query_is_looked_at() -> None:
    assert SCHEMA.query_type is not None

    assert set(SCHEMA.query_type.fields) == {
        *BY_ID,
        *BY_WORKSPACE,
        *BY_CHANGE,
        "node",
        *OF_THE_CALLER,
        *OF_EVERYBODY,
    }
    for name in OF_EVERYBODY:
        assert not [
            arg
            for arg in SCHEMA.query_type.fields[name].args.values()
            if isinstance(arg.type, GraphQLNonNull)
        ]


def test_every_node_is_looked_at() -> None:
    interface = SCHEMA.type_map["Node"]
    assert isinstance(interface, GraphQLInterfaceType)

    assert {kind.name for kind in SCHEMA.get_possible_types(interface)} == {*NODES, *OF_NOBODY}


def test_every_mutation_is_looked_at(ours: Ids) -> None:
    assert set(inputs(ours)) == set(mutations())
    assert set(mutations()) >= OPERATORS_ONLY


def test_nothing_leads_from_an_account_to_another() -> None:
    """Only the root gives accounts: no field of any other type has one that is not the caller's."""
    giving = {
        f"{name}.{field}"
        for name, kind in SCHEMA.type_map.items()
        if isinstance(kind, GraphQLObjectType)
        for field, definition in kind.fields.items()
        if "BillingAccount" in str(definition.type) and not name.endswith(("Payload", "Connection", "Edge"))
    }

    assert giving == {"Query.account", "Query.accounts", "Viewer.account"}


def strangers(theirs: Ids, ours: Ids, thing: str) -> list[str]:
    """Give the id of another's thing, and what it would be if it were the caller's."""
    node = getattr(theirs, thing)
    account = decode_node_id(ours.account)
    assert account is not None
    assert account.account_id is not None
    if thing in {"account", "clock"}:
        return [node]
    return [node, moved(node, account.account_id)]


async def answered(api: Api, query: str, variables: dict[str, Any]) -> str:
    """Send a document and give the answer as it came."""
    headers = {"authorization": f"Bearer {api.key}"}
    response = await api.http.post("/graphql", json={"query": query, "variables": variables}, headers=headers)
    assert response.status_code == 200
    assert "INTERNAL" not in response.text
    return response.text


async def post_viewer(http: httpx.AsyncClient, key: str, *, later: float = 0) -> httpx.Response:
    headers = {"authorization": f"Bearer {key}", "x-later": str(later)}
    return await http.post("/graphql", json={"query": VIEWER}, headers=headers)
