"""Where a person's rights end: at a workspace, at an account, before acceptance, after removal, and at a wrong token."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from graphql import build_schema, extend_schema, parse
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.settings import Settings
from api import authority
from api.app import create_app
from api.authority import UndeclaredError
from api.schema import schema
from tests.api.companies import new_company
from tests.api.fingerprints import fingerprint
from tests.api.inputs import Ids, document, inputs, mutations
from tests.api.people import codes, invite, join, open_workspace
from tests.api.permission_table import FIELDS, MUTATIONS, read
from tests.application import Api
from tests.issuing import AUDIENCE, Issuer, running_issuer

ME = "{ viewer { kind name isOperator account { id } permissions memberships { workspace { id } permissions } } }"


@pytest.fixture(scope="module")
def settings(settings: Settings, issuer: Issuer) -> Settings:
    """Settings of an installation that takes the issuer's tokens."""
    return settings.model_copy(update={"oidc_issuer": issuer.url, "oidc_audience": AUDIENCE})


@pytest.fixture(scope="module")
async def ids(operator: Api) -> Ids:
    """Ids of an account that has everything."""
    return await new_company(operator)


async def asked(api: Api, ids: Ids, mutation: str, **other: Any) -> set[str]:
    """Run a mutation about given things and give the codes of its errors."""
    return codes(await api.post(document(mutation), {"input": {**inputs(ids)[mutation], **other}}))


async def test_somebody_without_a_place_is_known_and_reaches_nothing(
    operator: Api, issuer: Issuer, ids: Ids, engine: AsyncEngine
) -> None:
    nobody = operator.with_key(issuer.token("nobody@example.com", name="Nobody"))
    before = await fingerprint(engine)

    viewer = (await nobody.ask(ME))["viewer"]
    seen = await nobody.ask(
        "query ($id: ID!, $node: ID!) { account(id: $id) { id } node(id: $node) { id } accounts { edges { cursor } } }",
        id=ids.account,
        node=ids.invoice,
    )
    answers = {name: await nobody.post(document(name), {"input": inputs(ids)[name]}) for name in mutations()}

    assert viewer == {
        "kind": "USER",
        "name": "Nobody",
        "isOperator": False,
        "account": None,
        "permissions": [],
        "memberships": [],
    }
    assert seen == {"account": None, "node": None, "accounts": {"edges": []}}
    for name, answer in answers.items():
        is_unknown = codes(answer) == set() and answer["data"][name]["__typename"].startswith("Unknown")
        assert is_unknown or codes(answer) == {"FORBIDDEN"}, name
    assert await fingerprint(engine) == before


async def test_an_invite_gives_nothing_but_its_acceptance(
    operator: Api, issuer: Issuer, ids: Ids, engine: AsyncEngine
) -> None:
    teammate = await invite(operator, ids.workspace, "invited@example.com", role="ADMIN")
    invited = operator.with_key(issuer.token("Invited@Example.com"))
    before = await fingerprint(engine)

    answers = {name: await asked(invited, ids, name) for name in mutations()}
    account = f'{{ account(id: "{ids.account}") {{ %s }} }}'
    balance = codes(await invited.post(account % "balance { amount }"))

    assert {name for name, found in answers.items() if found != {"FORBIDDEN"}} == set()
    assert balance == {"FORBIDDEN"}
    assert await fingerprint(engine) == before

    accepted = await invited.do("seatAccept", "teammate { status }", teammateId=teammate)

    assert accepted["teammate"] == {"status": "ACTIVE"}
    assert codes(await invited.post(account % "balance { amount }")) == set()


async def test_nobody_accepts_what_is_another_s(operator: Api, issuer: Issuer, ids: Ids) -> None:
    theirs = await invite(operator, ids.workspace, "theirs@example.com")
    await invite(operator, ids.workspace, "mine@example.com")
    mine = operator.with_key(issuer.token("mine@example.com"))

    assert await asked(mine, ids, "seatAccept", teammateId=theirs) == {"FORBIDDEN"}


async def test_a_role_that_is_taken_and_a_seat_that_ends_are_gone_with_the_next_request(
    operator: Api, issuer: Issuer, ids: Ids
) -> None:
    teammate = await join(operator, ids.workspace, "leaving@example.com", role="ADMIN")
    leaving = operator.with_key(issuer.token("leaving@example.com"))
    balance = f'{{ account(id: "{ids.account}") {{ balance {{ amount }} }} }}'

    as_admin = await leaving.post(balance)
    await operator.do("roleSet", "teammate { id }", teammateId=teammate, role="MEMBER")
    as_member = await leaving.post(balance)
    await operator.do("teammateRemove", "teammate { id }", teammateId=teammate)
    once_removed = await leaving.post(balance)

    assert codes(as_admin) == set()
    assert codes(as_member) == {"FORBIDDEN"}
    assert once_removed["data"] == {"account": None}
    assert (await leaving.ask(ME))["viewer"]["memberships"] == []


async def test_rights_in_one_account_are_none_in_another(
    operator: Api, issuer: Issuer, ids: Ids, engine: AsyncEngine
) -> None:
    others = await new_company(operator, name="Others")
    await join(operator, ids.workspace, "both@example.com", role="ADMIN")
    await join(operator, others.workspace, "both@example.com", role="MEMBER")
    both = operator.with_key(issuer.token("both@example.com"))
    before = await fingerprint(engine)

    answers = {name: await asked(both, others, name) for name in mutations()}

    assert {name for name, found in answers.items() if found != {"FORBIDDEN"}} == set()
    assert await fingerprint(engine) == before
    assert await asked(both, ids, "alertTurnOff") == set()
    viewer = (await both.ask(ME))["viewer"]
    assert viewer["account"] is None
    assert [bool(each["permissions"]) for each in viewer["memberships"]] == [True, False]


async def test_rights_in_one_workspace_are_none_in_another_of_the_account(
    operator: Api, issuer: Issuer, ids: Ids, engine: AsyncEngine
) -> None:
    second = await open_workspace(operator, ids.account)
    theirs = await join(operator, second, "theirs@example.com")
    await join(operator, ids.workspace, "hiring@example.com", role="ADMIN")
    hiring = operator.with_key(issuer.token("hiring@example.com"))
    of_workspaces = [name for name, given in inputs(ids).items() if "workspaceId" in given]
    of_teammates = [name for name, given in inputs(ids).items() if "teammateId" in given]
    before = await fingerprint(engine)

    by_workspace = {name: await asked(hiring, ids, name, workspaceId=second) for name in of_workspaces}
    by_teammate = {name: await asked(hiring, ids, name, teammateId=theirs) for name in of_teammates}

    assert len(by_workspace) > 5
    assert len(by_teammate) > 5
    wrong = {name: found for name, found in {**by_workspace, **by_teammate}.items() if found != {"FORBIDDEN"}}
    assert wrong == {}
    assert await fingerprint(engine) == before
    assert await asked(hiring, ids, "teammateInvite", email="new@example.com") == set()


async def test_of_the_fields_of_another_workspace_only_the_open_ones_are_shown(
    operator: Api, issuer: Issuer, ids: Ids
) -> None:
    second = await open_workspace(operator, ids.account)
    await join(operator, ids.workspace, "seeing@example.com", role="ADMIN")
    seeing = operator.with_key(issuer.token("seeing@example.com"))
    guarded = [
        name.split(".")[1]
        for name, row in read(FIELDS).items()
        if name.startswith("Workspace.") and "MEMBER" not in row.roles
    ]
    arguments = {"usageEvent": '(eventId: "x") { __typename }', "billingContacts": ""}

    found = {
        name: codes(
            await seeing.post(
                f'{{ workspace(id: "{second}") {{ id {name}{arguments.get(name, " { __typename }")} }} }}'
            )
        )
        for name in guarded
    }

    assert found == {name: {"FORBIDDEN"} for name in guarded}
    assert guarded


async def test_who_manages_billing_opens_no_workspace_to_become_its_admin(
    operator: Api, issuer: Issuer, ids: Ids
) -> None:
    await join(operator, ids.workspace, "paying@example.com", role="BILLING")
    paying = operator.with_key(issuer.token("paying@example.com"))

    assert await asked(paying, ids, "workspaceCreate", creatorEmail="paying@example.com") == {"FORBIDDEN"}


@pytest.mark.parametrize(
    ("planted", "named"),
    [
        ("extend type Mutation { planted: Boolean }", "planted"),
        ("type Planted { name: String } extend type PageInfo { planted: Planted }", "Planted"),
        ("extend type BillingAccount { planted: String }", "planted"),
        ("extend type Query { planted: String }", "planted"),
        ("extend type Live { planted: String }", "planted"),
    ],
)
def test_a_schema_with_anything_undeclared_does_not_start(planted: str, named: str) -> None:
    with pytest.raises(UndeclaredError, match=named):
        authority.guard(extend_schema(build_schema(schema.as_str()), parse(planted)))


def test_the_schema_as_it_is_starts() -> None:
    authority.guard(build_schema(schema.as_str()))


def test_the_tables_need_what_they_say() -> None:
    """A table whose every place is alike would compare nothing."""
    assert {len(row.roles) for row in read(MUTATIONS).values()} >= {0, 1, 2, 5}


WRONG = {
    "expired": {"exp": datetime(2020, 1, 1, tzinfo=UTC)},
    "of the future": {"nbf": datetime(2099, 1, 1, tzinfo=UTC)},
    "for others": {"aud": "others"},
    "of others": {"iss": "https://accounts.example"},
    "unverified": {"email_verified": False},
    "of an unknown key": {"kid": "other"},
}


@pytest.mark.parametrize("claims", WRONG.values(), ids=WRONG)
async def test_a_token_that_is_wrong_lets_nobody_in_and_does_not_say_why(
    http: httpx.AsyncClient, issuer: Issuer, claims: dict[str, Any]
) -> None:
    if "kid" in claims:
        issuer.keys["other"] = issuer.keys["first"]
    token = issuer.token(**claims)

    response = await http.post("/graphql", json={"query": ME}, headers={"authorization": f"Bearer {token}"})

    assert response.status_code == 401
    (error,) = response.json()["errors"]
    assert error["extensions"] == {"code": "UNAUTHENTICATED"}
    assert error["message"] == "The token is not good here, or not any more. Sign in again for another."


async def test_without_an_issuer_a_token_lets_nobody_in(settings: Settings, issuer: Issuer) -> None:
    app = create_app(
        settings.model_copy(update={"oidc_issuer": None, "oidc_audience": None}), is_rendering=False
    )
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://prorata") as client,
    ):
        answer = await Api(client, issuer.token()).post(ME)

    assert codes(answer) == {"UNAUTHENTICATED"}


async def test_an_issuer_that_is_away_is_told_and_worth_another_try(settings: Settings) -> None:
    with running_issuer() as away:
        away.add_key("first")
        away.is_down = True
        app = create_app(settings.model_copy(update={"oidc_issuer": away.url}), is_rendering=False)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://prorata") as client,
        ):
            response = await client.post(
                "/graphql", json={"query": ME}, headers={"authorization": f"Bearer {away.token()}"}
            )

    assert (response.status_code, response.headers["retry-after"]) == (503, "5")
    assert codes(response.json()) == {"UNAVAILABLE"}
