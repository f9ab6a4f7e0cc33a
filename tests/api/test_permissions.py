"""Every mutation by every role, seat and scope, compared with the table written by hand; refused ones write nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.database import session_maker
from adapters.settings import Settings
from api.node_ids import decode_node_id
from domain.permissions import OF_ACCOUNTS, Permission
from services.apikeys import create_key
from tests.api.companies import new_company
from tests.api.fingerprints import fingerprint
from tests.api.inputs import document, inputs, mutations, previewed
from tests.api.people import ROLES, SEATS, Crew, codes, crew
from tests.api.permission_table import MUTATIONS, Row, read
from tests.application import PEPPER, Api
from tests.issuing import AUDIENCE, Issuer

TABLE = read(MUTATIONS)
OPERATORS = {"staff", "account-manager"}
# What takes more than one scope: all of them, and each way of lacking one.
SETS = sorted(
    {frozenset({each.value}) for each in Permission}
    | {row.scopes for row in TABLE.values()}
    | {row.scopes - {each} for row in TABLE.values() if len(row.scopes) > 1 for each in row.scopes},
    key=sorted,
)
PREVIEW = "query ($change: ChangeInput!) { preview(change: $change) { __typename } }"


@pytest.fixture(scope="module")
def settings(settings: Settings, issuer: Issuer) -> Settings:
    """Settings of an installation that takes the issuer's tokens."""
    return settings.model_copy(update={"oidc_issuer": issuer.url, "oidc_audience": AUDIENCE})


@pytest.fixture(scope="module")
async def company(operator: Api, issuer: Issuer) -> Crew:
    """A company with a person of each role and seat."""
    return await crew(operator, issuer, await new_company(operator))


async def ask(api: Api, company: Crew, mutation: str) -> dict[str, Any]:
    """Run a mutation about the company's things."""
    return await api.post(document(mutation), {"input": inputs(company.ids)[mutation]})


async def check(api: Api, company: Crew, engine: AsyncEngine, allowed: set[str]) -> None:
    """Run every mutation, first all that are to be refused, and see that those write nothing."""
    before = await fingerprint(engine)

    refused = {name: await ask(api, company, name) for name in TABLE if name not in allowed}
    after = await fingerprint(engine)
    answered = {name: await ask(api, company, name) for name in TABLE if name in allowed}

    assert {name for name, answer in refused.items() if codes(answer) != {"FORBIDDEN"}} == set()
    assert all(answer["data"] == {name: None} for name, answer in refused.items())
    assert after == before
    assert {name: answer for name, answer in answered.items() if "errors" in answer} == {}


def test_the_table_knows_every_mutation_and_no_other() -> None:
    assert set(TABLE) == set(mutations())


@pytest.mark.parametrize("seat", SEATS)
@pytest.mark.parametrize("role", ROLES)
async def test_a_person_runs_what_the_role_may_and_nothing_else(
    company: Crew, engine: AsyncEngine, role: str, seat: str
) -> None:
    allowed = {name for name, row in TABLE.items() if role in row.roles}

    await check(company.people[role, seat], company, engine, allowed)


@pytest.mark.parametrize("seat", SEATS)
@pytest.mark.parametrize("role", ROLES)
async def test_a_person_previews_what_the_role_may_do(company: Crew, role: str, seat: str) -> None:
    api = company.people[role, seat]
    changes = {name: inputs(company.ids)[name] for name in previewed()}

    answers = {name: codes(await api.post(PREVIEW, {"change": {name: changes[name]}})) for name in changes}

    assert {name for name, found in answers.items() if found != {"FORBIDDEN"}} == {
        name for name in changes if role in TABLE[name].roles
    }


def may(row: Row, scopes: frozenset[str], *, is_operator: bool) -> bool:
    return row.scopes <= scopes and (is_operator or not row.scopes & OPERATORS)


# A key of an account is never given what is for operators: see the refusals of apiKeyCreate.
@pytest.mark.parametrize(
    ("scopes", "is_operator"),
    [(each, False) for each in SETS if each <= OF_ACCOUNTS] + [(each, True) for each in SETS],
    ids=lambda given: "+".join(sorted(given)) if isinstance(given, frozenset) else "operator" * given,
)
async def test_a_key_runs_what_its_scopes_may_and_nothing_else(
    operator: Api, company: Crew, engine: AsyncEngine, scopes: frozenset[str], is_operator: bool
) -> None:
    ref = decode_node_id(company.ids.account)
    assert ref is not None
    async with session_maker(engine).begin() as session:
        text = await create_key(
            session,
            name="few scopes",
            account_id=None if is_operator else ref.account_id,
            now=datetime.now(UTC),
            pepper=PEPPER,
            scopes=list(map(Permission, scopes)),
        )
    allowed = {name for name, row in TABLE.items() if may(row, scopes, is_operator=is_operator)}

    await check(operator.with_key(text), company, engine, allowed)
