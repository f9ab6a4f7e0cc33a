"""Every refusal of every mutation, provoked through GraphQL: its type, its sentence, its facts, and nothing written."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import fields
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from graphql import (
    GraphQLObjectType,
    get_named_type,
)
from sqlalchemy.ext.asyncio import AsyncEngine

import domain
import services
from api.results import shown_refusals
from api.scalars import format_moment
from domain.pricebook import InvalidPriceBook
from domain.refusal import Refusal
from tests.api.companies import new_company
from tests.api.every_refusal import CASES
from tests.api.fingerprints import fingerprint
from tests.api.inputs import SCHEMA, Ids, document, input_type, inputs, refusals_shown
from tests.api.refusal_cases import NOW, Installation, bare
from tests.application import Api
from tests.gateway.running_provider import RunningProvider

# Nobody can ask for it: price books come from files that operators publish.

NOT_FOR_CLIENTS = {InvalidPriceBook}


UNKNOWN = sorted((mutation, name) for mutation, name in refusals_shown() - set(CASES))


@pytest.fixture
def at(operator: Api, engine: AsyncEngine, payment_provider: RunningProvider) -> Installation:
    return Installation(operator, engine, payment_provider)


@pytest.fixture(scope="module")
async def ids(operator: Api) -> Ids:
    """Ids of an account that has everything."""
    return await new_company(operator)


@pytest.mark.parametrize(("mutation", "refusal"), CASES, ids=str)
async def test_a_refusal_tells_its_facts_and_writes_nothing(
    at: Installation, mutation: str, refusal: str
) -> None:
    given, expected, *asking = await CASES[mutation, refusal](at)
    (asker,) = asking or [at.api]
    before = await fingerprint(at.engine)

    answer = await asker.post(document(mutation, everything_of(refusal)), {"input": given})

    assert answer["data"][mutation] == shown(expected)
    assert await fingerprint(at.engine) == before


@pytest.mark.parametrize(("mutation", "refusal"), UNKNOWN)
async def test_an_id_that_names_nothing_is_refused_and_nothing_is_written(
    at: Installation, ids: Ids, mutation: str, refusal: str
) -> None:
    field = next(name for name in inputs(ids)[mutation] if named_type(mutation, name) == "ID")
    given, own = inputs(ids)[mutation], inputs(ids)[mutation][field]
    other_types = [value for name in ids.__slots__ if (value := getattr(ids, name)) != own]
    nothing = inputs(ids.of_nothing())[mutation][field]
    malformed = ["", "nonsense", own[:-1], own + "=", own.lower(), "é", "a" * 4_000, str(NOW)]
    before = await fingerprint(at.engine)

    answers = [
        (await at.api.post(document(mutation), {"input": {**given, field: wrong}}))["data"][mutation]
        for wrong in [nothing, *malformed, *other_types]
    ]

    assert {answer["__typename"] for answer in answers} == {refusal}
    assert len({answer["message"] for answer in answers}) == 1
    assert await fingerprint(at.engine) == before


def test_every_refusal_of_every_mutation_is_provoked() -> None:
    assert set(CASES) | set(UNKNOWN) == refusals_shown()
    assert all(name.startswith("Unknown") for _, name in UNKNOWN)


def test_every_refusal_of_the_rules_is_shown_by_some_mutation() -> None:
    assert shown_refusals() == set(all_refusals()) - NOT_FOR_CLIENTS


async def test_an_invite_can_be_accepted_until_the_moment_it_expires(at: Installation) -> None:
    player = await bare(at)
    invited = await player.do(
        "teammateInvite",
        "teammate { id inviteExpiresAt }",
        workspaceId=player.workspace_id,
        name="Cy",
        email="cy@example.com",
    )
    await player.go_to(NOW + timedelta(days=30) - timedelta(microseconds=1))

    accepted = await player.do("seatAccept", "teammate { status }", teammateId=invited["teammate"]["id"])

    assert invited["teammate"]["inviteExpiresAt"] == format_moment(NOW + timedelta(days=30))
    assert accepted["teammate"]["status"] == "ACTIVE"


async def test_one_call_takes_a_clock_as_far_as_731_days(at: Installation) -> None:
    player = await bare(at)

    await player.go_to(NOW + timedelta(days=731))

    shown_now = await at.api.ask("query ($id: ID!) { testClock(id: $id) { now } }", id=player.clock_id)
    assert shown_now["testClock"]["now"] == format_moment(NOW + timedelta(days=731))


def all_refusals() -> Iterator[type[Refusal]]:
    """Find every refusal of the rules and the use cases."""
    for package in (domain, services):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    waiting = Refusal.__subclasses__()
    while waiting:
        found = waiting.pop()
        waiting += found.__subclasses__()
        # Tests make some of their own.
        if not found.__module__.startswith("tests."):
            yield found


def everything_of(refusal: str) -> str:
    """Select every field of a refusal."""
    kind = SCHEMA.type_map[refusal]
    assert isinstance(kind, GraphQLObjectType)
    return f"... on {refusal} {{ {' '.join(kind.fields)} }}"


def shown(refusal: Refusal) -> dict[str, Any]:
    """Give a refusal as GraphQL shows it."""
    facts = {camel(field.name): plain(getattr(refusal, field.name)) for field in fields(refusal)}
    return {"__typename": type(refusal).__name__, "message": refusal.message, **facts}


def plain(value: object) -> object:
    if isinstance(value, datetime):
        return format_moment(value)
    return value.isoformat() if isinstance(value, date) else value


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def named_type(mutation: str, field: str) -> str:
    named: str = get_named_type(input_type(mutation).fields[field].type).name
    return named
