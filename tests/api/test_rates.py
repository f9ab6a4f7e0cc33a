"""What a caller may ask for over time: what each request costs, and how one is refused that costs more than is left."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from graphql import parse
from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from adapters import metrics
from adapters.embedded.ports import free_port
from adapters.settings import Settings
from api import bulk
from api.charging import mutation_points
from api.rates import bucket_of
from services.apikeys import create_key
from services.callers import Caller, CallerKind
from tests.api.companies import new_company
from tests.api.inputs import Ids
from tests.api.limited import BOOK, application, refused
from tests.application import PEPPER, Api

Sessions = async_sessionmaker[AsyncSession]

BAD_USAGE = {"eventId": "1", "metric": "NONE", "quantity": 1, "at": ""}
LITTLE: dict[str, Any] = {"rate_points": 120, "rate_restore": 1}


@pytest_asyncio.fixture
async def key(operator: Api, sessions: Sessions) -> str:
    """An operator's key with a full bucket."""
    async with sessions.begin() as session:
        return await create_key(session, name="new", account_id=None, now=datetime.now(UTC), pepper=PEPPER)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ours(operator: Api) -> Ids:
    """Ids of an account that has everything."""
    return await new_company(operator)


@pytest_asyncio.fixture
async def little(settings: Settings, key: str) -> AsyncIterator[Api]:
    """A client who has 120 points, and one back in a second."""
    async with application(settings, **LITTLE) as http:
        yield Api(http, key)


async def spend(api: Api, points: int) -> None:
    """Have a client spend points one by one."""
    for _ in range(points):
        assert "errors" not in await api.post(BOOK)


async def test_an_answer_tells_what_it_cost_and_what_is_left(little: Api) -> None:
    answer = await little.post(BOOK)

    assert answer["extensions"] == {
        "cost": {"requested": 1, "available": 119, "restoreRate": 1, "limit": 5000}
    }


async def test_a_mutation_costs_ten_points_more(little: Api) -> None:
    mutation = "mutation($id: ID!) { a: notificationRead(input: {notificationId: $id}) { __typename } }"

    answer = await little.post(mutation, {"id": "none"})

    assert answer["extensions"]["cost"]["requested"] == 11


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_what_is_not_there_is_refused_with_when_it_will_be(little: Api, method: str) -> None:
    headers = {"authorization": f"Bearer {little.key}"}
    page = "{ accounts(first: 100) { edges { node { id } } } }"
    await spend(little, 25)
    before = metrics._refusals.labels("points")._value.get()

    if method == "GET":
        response = await little.http.get("/graphql", params={"query": page}, headers=headers)
    else:
        response = await little.http.post("/graphql", json={"query": page}, headers=headers)

    extensions = refused(response)
    assert response.status_code == 429
    assert extensions["cost"]["requested"] == 101
    assert 95 <= extensions["cost"]["available"] <= 97
    assert extensions["cost"]["restoreRate"] == 1
    assert 3 <= int(response.headers["retry-after"]) <= 6
    assert f"in {response.headers['retry-after']} s" in response.json()["errors"][0]["message"]
    assert metrics._refusals.labels("points")._value.get() == before + 1


async def test_whoever_waits_as_told_is_served(settings: Settings, key: str) -> None:
    async with application(settings, rate_points=3, rate_restore=1) as http:
        api = Api(http, key)
        await spend(api, 3)
        headers = {"authorization": f"Bearer {key}"}

        response = await http.post("/graphql", json={"query": BOOK}, headers=headers)
        await asyncio.sleep(int(response.headers["retry-after"]))

        assert response.status_code == 429
        assert "errors" not in await api.post(BOOK)


async def test_a_refused_mutation_changes_nothing(little: Api, sessions: Sessions) -> None:
    await spend(little, 112)
    mutation = 'mutation { accountCreate(input: {name: "Refused", timeZone: "UTC"}) { __typename } }'

    response = await little.http.post(
        "/graphql", json={"query": mutation}, headers={"authorization": f"Bearer {little.key}"}
    )

    refused(response)
    async with sessions() as session:
        assert await session.scalar(text("SELECT count(*) FROM accounts WHERE name = 'Refused'")) == 0


@pytest.mark.parametrize(
    "query",
    [
        "{",
        "{ none }",
        "{ a: none }" + "".join(f" query q{number} {{ none }}" for number in range(9)),
        'subscription { workspaceUsage(workspaceId: "x") { __typename } }',
        "query($id: ID!) { node(id: $id) { id } }",
    ],
    ids=[
        "no GraphQL",
        "unknown",
        "over the guard's limits",
        "of a kind not taken here",
        "without its variable",
    ],
)
async def test_a_document_that_is_refused_costs_a_point_and_then_is_not_looked_at(
    settings: Settings, key: str, query: str
) -> None:
    headers = {"authorization": f"Bearer {key}"}
    async with application(settings, rate_points=5, rate_restore=1) as http:
        looked_at = [await http.post("/graphql", json={"query": query}, headers=headers) for _ in range(5)]
        sixth = await http.post("/graphql", json={"query": query}, headers=headers)

    assert {response.status_code for response in looked_at} <= {200, 400}
    assert sixth.status_code == 429
    refused(sixth)


async def test_what_costs_more_than_a_full_bucket_is_told_so(settings: Settings, key: str) -> None:
    page = "{ accounts(first: 100) { edges { node { id } } } }"
    async with application(settings, rate_points=100, rate_restore=1) as http:
        response = await http.post(
            "/graphql", json={"query": page}, headers={"authorization": f"Bearer {key}"}
        )

    assert response.status_code == 413
    assert refused(response, "TOO_LARGE")["limit"] == 100
    assert "retry-after" not in response.headers


async def test_a_hundred_requests_at_once_spend_exactly_what_is_there(settings: Settings, key: str) -> None:
    async with application(settings, rate_points=40, rate_restore=1) as http:
        api = Api(http, key)
        began = datetime.now(UTC)
        answers = await asyncio.gather(*(api.post(BOOK) for _ in range(100)))
        seconds = (datetime.now(UTC) - began) / timedelta(seconds=1)

    served = [answer for answer in answers if "errors" not in answer]
    assert 40 <= len(served) <= 40 + seconds + 1


@pytest.mark.parametrize("smallest", [0, 10**9])
async def test_ten_usage_events_cost_a_point_in_graphql(
    little: Api, ours: Ids, monkeypatch: pytest.MonkeyPatch, smallest: int
) -> None:
    monkeypatch.setattr(bulk, "SMALLEST", smallest)
    mutation = "mutation($input: UsageRecordInput!) { usageRecord(input: $input) { __typename } }"

    answer = await little.post(
        mutation, {"input": {"workspaceId": ours.workspace, "events": [BAD_USAGE] * 41}}
    )

    assert "errors" not in answer
    assert answer["extensions"]["cost"]["requested"] == 1 + 10 + 5


async def test_ten_lines_of_usage_cost_a_point(little: Api, ours: Ids) -> None:
    headers = {"authorization": f"Bearer {little.key}", "content-type": "application/x-ndjson"}
    path = f"/usage?workspace={ours.workspace}"
    lines = "\n".join([json.dumps(BAD_USAGE)] * 401)

    sent = [await little.http.post(path, content=lines, headers=headers) for _ in range(3)]

    assert [response.status_code for response in sent] == [200, 200, 429]
    extensions = refused(sent[2])
    assert extensions["cost"]["requested"] == 41
    assert 38 <= extensions["cost"]["available"] <= 40
    assert "retry-after" in sent[2].headers


@pytest.mark.parametrize(
    ("path", "points"),
    [
        ("/invoices/{invoice}.pdf", 10),
        ("/invoices/{invoice}.csv", 10),
        ("/accounts/{account}/usage.csv?from=2026-09-01&to=2026-09-02", 50),
    ],
)
async def test_a_file_has_its_price(little: Api, ours: Ids, path: str, points: int) -> None:
    address = path.format(invoice=ours.invoice, account=ours.account)
    headers = {"authorization": f"Bearer {little.key}"}

    served = await little.http.get(address, headers=headers)
    left = (await little.post(BOOK))["extensions"]["cost"]["available"]
    await spend(little, 120 - points - 1 - points + 1 + 5)
    response = await little.http.get(address, headers=headers)

    assert served.status_code == 200
    assert 120 - points - 1 <= left <= 120 - points
    assert response.status_code == 429
    assert refused(response)["cost"]["requested"] == points


async def test_each_key_has_a_bucket_of_its_own(little: Api, operator: Api) -> None:
    answers = [await little.post(BOOK) for _ in range(140)]

    assert "errors" in answers[-1]
    assert "errors" not in await little.with_key(operator.key).post(BOOK)


async def test_rates_that_are_none_limit_nothing(settings: Settings, key: str) -> None:
    async with application(settings, rate_points=0, sign_in_failures=0, host="203.0.113.8") as http:
        answer = await Api(http, key).post(BOOK)
        wrong = [await Api(http, f"pr_0_{number}").post(BOOK) for number in range(40)]

    assert answer["extensions"] == {"cost": {"requested": 1, "limit": 5000}}
    assert {each["errors"][0]["extensions"]["code"] for each in wrong} == {"UNAUTHENTICATED"}


async def test_without_redis_requests_are_served_and_limited(settings: Settings, key: str) -> None:
    nowhere = f"redis://127.0.0.1:{free_port()}"
    async with application(settings, rate_points=20, rate_restore=1, redis_url=nowhere) as http:
        answers = [await Api(http, key).post(BOOK) for _ in range(40)]

    codes = [answer["errors"][0]["extensions"]["code"] if "errors" in answer else "" for answer in answers]
    assert codes[:20] == [""] * 20
    assert set(codes[20:]) <= {"", "TOO_MANY_REQUESTS"}
    assert codes.count("TOO_MANY_REQUESTS") >= 15


async def test_redis_flushed_gives_a_full_bucket_and_no_error(little: Api, redis_url: str) -> None:
    await spend(little, 120)
    async with Redis.from_url(redis_url) as client:
        await client.flushall()
        await client.script_flush()

    await spend(little, 100)


def test_a_caller_pays_from_the_bucket_of_its_key() -> None:
    assert bucket_of(Caller(kind=CallerKind.KEY, id="abc")) == "caller:KEY:abc"


@pytest.mark.parametrize(
    ("document", "points"),
    [
        ("{ a { b } }", 0),
        ("mutation { a b: a }", 20),
        ("mutation { ...f ...f } fragment f on M { a b }", 40),
        ("mutation { ... { a } ... on M { b ...none } }", 20),
        ("mutation { a(input: {list: [1, 2, 3]}) }", 11),
        ('mutation { a(input: {list: $ten, more: [1], text: "x"}) }', 12),
        ("mutation($input: I!) { a(input: $input) }", 13),
        ("mutation { a(input: $none, x: $ten) }", 10),
        ("query q { a } mutation m { a } mutation n { a b }", 20),
        ("mutation($d: I! = {list: [1, 2, 3]}) { a(input: $d) b: a(input: $d) }", 22),
        (
            "mutation($d: [Int!]! = [1, 2, 3]) { a(input: {list: $d}) ...f } fragment f on M { b(i: {l: $d}) }",
            22,
        ),
        ("mutation m($d: [Int!] = [1]) { a(i: {l: $d}) } mutation n($d: [Int!] = []) { a(i: {l: $d}) }", 11),
        ("mutation($ten: [Int!]! = [1]) { a(input: {list: $ten}) }", 11),
    ],
)
def test_each_field_of_a_mutation_costs_ten_points_and_one_for_ten_items(document: str, points: int) -> None:
    variables = {"ten": list(range(10)), "input": {"list": list(range(21)), "id": "x"}}

    assert mutation_points(parse(document), variables) == points


async def test_fragments_that_double_and_end_in_nothing_are_reckoned_at_once(little: Api) -> None:
    """Without a field at their end the guard counts nothing in them, and validation has not been yet."""
    links = [
        f"fragment f{number} on Mutation {{ ...f{number + 1} ...f{number + 1} }}" for number in range(40)
    ]

    async with asyncio.timeout(5):
        answer = await little.post(f"mutation {{ ...f0 }} {' '.join(links)}")

    assert answer["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


async def test_a_deep_value_is_not_looked_into(little: Api) -> None:
    deep = "[" * 100 + "]" * 100

    answer = await little.post(f"mutation {{ accountCreate(input: {{name: {deep}}}) {{ __typename }} }}")

    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert answer["extensions"]["cost"]["requested"] == 12
