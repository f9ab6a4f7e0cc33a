"""Plain objects shown at one go are shown as the ordinary execution shows them, errors and their places included."""

from __future__ import annotations

import random
from datetime import date
from enum import StrEnum
from typing import Any

import pytest
import strawberry
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from api.execution import PlannedExecution
from api.scalars import SCALARS, BigInt, Money, SafeString, money

ODD = object()


@strawberry.enum
class Color(StrEnum):
    RED = "RED"
    BLUE = "BLUE"


@strawberry.interface
class Named:
    name: str


@strawberry.type
class Leaf(Named):
    name: str
    size: int | None
    day: date


@strawberry.type
class Twig:
    name: SafeString
    size: BigInt
    color: Color | None
    days: list[date | None]
    cost: Money
    next: Twig | None
    leaves: list[Leaf]
    twigs: list[Twig] | None

    @strawberry.field
    def shout(self) -> str:
        return str(self.name).upper()

    @strawberry.field
    async def later(self, times: int = 1) -> Twig | None:
        return self.next if times else None


@strawberry.type
class Query:
    @strawberry.field
    def twigs(self, info: strawberry.Info) -> list[Twig | None]:
        found: list[Twig | None] = info.context
        return found

    @strawberry.field
    async def twig(self, info: strawberry.Info) -> Twig | None:
        found: Twig | None = info.context[0]
        return found


def _schema(execution: type[StrawberryGraphQLCoreExecutionContext]) -> strawberry.Schema:
    return strawberry.Schema(
        Query, config=StrawberryConfig(scalar_map=SCALARS), execution_context_class=execution
    )


PLANNED, ORDINARY = _schema(PlannedExecution), _schema(StrawberryGraphQLCoreExecutionContext)


@pytest.mark.filterwarnings("ignore:coroutine")
@pytest.mark.parametrize("seed", range(150))
async def test_whatever_is_asked_of_whatever_there_is_comes_out_alike(
    seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("CRITICAL")
    chance = random.Random(seed)
    oddness = chance.choice((0.0, 0.0, 0.02, 0.2))
    content = [_twig(chance, depth=3, oddness=oddness) for _ in range(3)]
    document = (
        "query ($yes: Boolean = true, $no: Boolean = false) {"
        f" twigs {_selection(chance, depth=4)} twig {_selection(chance, depth=4)}"
        " all: twig { ...Common name @include(if: $yes) size @skip(if: $no) } }"
        " fragment Common on Twig { name color cost { amount } again: size }"
    )

    first, second = [await schema.execute(document, context_value=content) for schema in (PLANNED, ORDINARY)]

    assert first.data == second.data
    assert _told(first) == _told(second)


async def test_fields_come_in_the_order_they_were_asked_for() -> None:
    chance = random.Random(1)
    content = [_twig(chance, depth=1, oddness=0)]

    result = await PLANNED.execute(
        "{ twigs { size ...F name size cost { currency amount } } } fragment F on Twig { color name }",
        context_value=content,
    )

    assert result.data is not None
    assert list(result.data["twigs"][0]) == ["size", "color", "name", "cost"]
    assert list(result.data["twigs"][0]["cost"]) == ["currency", "amount"]


def _told(result: Any) -> list[str]:
    """The errors without their order, which is that of the awaiting."""
    return sorted(str(error.formatted) for error in result.errors or [])


def _twig(chance: random.Random, *, depth: int, oddness: float) -> Twig:
    def odd(value: Any) -> Any:
        if chance.random() >= oddness:
            return value
        return chance.choice((None, ODD, ValueError("odd"), "text", -1, [], 2**60))

    def below() -> Twig:
        return _twig(chance, depth=depth - 1, oddness=oddness)

    return Twig(
        name=odd(chance.choice("abc")),
        size=odd(chance.randrange(9)),
        color=odd(chance.choice((*Color, None))),
        days=odd([odd(date(2026, 9, day)) for day in range(1, chance.randint(1, 4))]),
        cost=odd(money(chance.randrange(10_000))),
        next=odd(below() if depth else None),
        leaves=odd([odd(Leaf(name="l", size=odd(number), day=odd(date(2026, 1, 1)))) for number in range(2)]),
        twigs=odd([below() for _ in range(chance.randrange(3))] if depth else None),
    )


def _selection(chance: random.Random, *, depth: int) -> str:
    fields = [
        "name",
        "size",
        "color",
        "days",
        "cost { amount currency }",
        "leaves { name size day __typename }",
    ]
    fields += [
        "__typename",
        "other: name",
        "...Common",
        "... on Twig { size days }",
        "shout",
        "cost { amount }",
    ]
    fields += ["name @include(if: $yes)", "color @skip(if: $yes)", "size @include(if: $no)"]
    if depth:
        fields += [
            f"{name} {_selection(chance, depth=depth - 1)}"
            for name in chance.sample(("next", "twigs", "later", "never: later(times: 0)"), 2)
        ]
    return "{ " + " ".join(chance.sample(fields, chance.randint(1, 7))) + " }"
