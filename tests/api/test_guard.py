"""The guard refuses what would be slow before anything slow is done with it, and lets real queries through."""

import time
from collections.abc import Callable

import pytest
import strawberry
from graphql import get_introspection_query
from strawberry.extensions import ParserCache, SchemaExtension, ValidationCache

from api.connections import Connection, connection_from_rows, page_size
from api.errors import ProrataSchema
from api.guard import GuardLimits
from tests.api.guarded import DocumentGuard

# Each hostile document takes a few milliseconds; what it stands for took seconds to minutes.
SOON = 1.0


@strawberry.type
class Item:
    name: str

    @strawberry.field
    def child(self) -> "Item":
        return self

    @strawberry.field
    def items(self, first: int | None = None) -> Connection["Item"]:
        size = page_size(first)
        rows = [Item(name=str(number)) for number in range(size + 1)]
        return connection_from_rows(rows, size=size, key=lambda row: (row.name,), node=lambda row: row)


@strawberry.type
class Query:
    @strawberry.field
    def item(self) -> Item:
        return Item(name="top")


def schema_with(*extensions: type[SchemaExtension] | Callable[[], SchemaExtension]) -> ProrataSchema:
    return ProrataSchema(Query, extensions=extensions)


GUARDED = schema_with(DocumentGuard)
CACHED = schema_with(DocumentGuard, ParserCache, ValidationCache)


def doubling(levels: int) -> str:
    """Fragments that each spread the next one twice: 2^levels fields in a kilobyte."""
    links = [
        f"fragment f{n} on Item {{ child {{ ...f{n + 1} }} c: child {{ ...f{n + 1} }} }}"
        for n in range(levels)
    ]
    return f"{{ item {{ ...f0 }} }} {' '.join(links)} fragment f{levels} on Item {{ name }}"


def flat_doubling(levels: int) -> str:
    """The same without a level of fields, which a limit of depth alone would not see."""
    links = [f"fragment f{n} on Item {{ ...f{n + 1} ...f{n + 1} }}" for n in range(levels)]
    return f"{{ item {{ ...f0 }} }} {' '.join(links)} fragment f{levels} on Item {{ name }}"


def chained(fragments: int, levels: int) -> str:
    """Fragments nested in inline fragments, to wear out Python's stack."""
    links = [
        f"fragment f{n} on Item {{ {'... {' * levels} ...f{n + 1} {'}' * levels} }}" for n in range(fragments)
    ]
    return f"{{ item {{ ...f0 }} }} {' '.join(links)} fragment f{fragments} on Item {{ name }}"


HOSTILE = {
    "doubling": (doubling(12), "TOO_MANY_FIELDS"),
    "doubling that is not deep": (flat_doubling(40), "TOO_MANY_FIELDS"),
    "doubling nobody spreads": ("{ item { name } } " + flat_doubling(40).split("}", 2)[2], "TOO_MANY_FIELDS"),
    "chained inline fragments": (chained(20, 40), "TOO_DEEP"),
    "aliases": (f"{{ {' '.join(f'a{n}: item {{ name }}' for n in range(61))} }}", "TOO_MANY_ALIASES"),
    "the same field again": (f"{{ item {{ {'name ' * 2000} }} }}", "TOO_MANY_FIELDS"),
    "deep nesting": (f"{{ item {{ {'child { ' * 20} name {'} ' * 20} }} }}", "TOO_DEEP"),
    "nesting past the parser": ("{" + "item {" * 1500, "GRAPHQL_PARSE_FAILED"),
    "a fragment in itself": (
        "{ item { ...a } } fragment a on Item { child { ...a } }",
        "GRAPHQL_VALIDATION_FAILED",
    ),
    "two fragments in each other": (
        "{ item { ...a } } fragment a on Item { child { ...b } } fragment b on Item { child { ...a } }",
        "GRAPHQL_VALIDATION_FAILED",
    ),
    "two fragments of one name": (
        "{ item { ...a } } fragment a on Item { name } fragment a on Item { name }",
        "GRAPHQL_VALIDATION_FAILED",
    ),
    "directives": (f"{{ item {'@x ' * 9} {{ name }} }}", "TOO_MANY_DIRECTIVES"),
    "directives on the operation": (f"query {'@x ' * 9} {{ item {{ name }} }}", "TOO_MANY_DIRECTIVES"),
    "directives on a fragment": (
        f"{{ item {{ ...a }} }} fragment a on Item {'@x ' * 9} {{ name }}",
        "TOO_MANY_DIRECTIVES",
    ),
    "operations": (" ".join(f"query q{n} {{ item {{ name }} }}" for n in range(6)), "TOO_MANY_OPERATIONS"),
    "fragments": (
        "{ item { name } } " + " ".join(f"fragment f{n} on Item {{ name }}" for n in range(51)),
        "TOO_MANY_FRAGMENTS",
    ),
    "tokens": (f"{{ item {{ {'name ' * 4000} }} }}", "GRAPHQL_PARSE_FAILED"),
    "pages of pages": (
        "{ item { items(first: 100) { edges { node { items(first: 100) { edges { node { name } } } } } } } }",
        "TOO_EXPENSIVE",
    ),
    "pages of unknown size": (
        "query ($n: Int) { item { items(first: $n) { edges { node { items(first: $n) { edges { node { name } } } } } } } }",
        "TOO_EXPENSIVE",
    ),
    "introspection of introspection": (
        "{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }",
        "GRAPHQL_VALIDATION_FAILED",
    ),
}


@pytest.mark.parametrize("schema", [GUARDED, CACHED], ids=["bare", "with caches"])
@pytest.mark.parametrize(("query", "code"), HOSTILE.values(), ids=HOSTILE)
async def test_refuses_a_hostile_document_at_once_and_again(
    schema: ProrataSchema, query: str, code: str
) -> None:
    started = time.perf_counter()

    first = await schema.execute(query)
    second = await schema.execute(query)

    assert time.perf_counter() - started < SOON
    for result in (first, second):
        assert result.data is None
        assert result.errors
        # The view gives errors of graphql-core's own their code; the guard's bring it.
        assert (result.errors[0].extensions or {}).get("code", code) == code
        assert code.startswith("GRAPHQL_") or result.errors[0].extensions


@pytest.mark.parametrize(
    "query",
    [
        "{ item { name } }",
        "{ item { ...a child { ...a } } } fragment a on Item { name child { name } }",
        "{ item { items(first: 100) { pageInfo { endCursor } edges { node { name child { name } } } } } }",
        get_introspection_query(descriptions=True, directive_is_repeatable=True, schema_description=True),
        get_introspection_query(
            input_value_deprecation=True, specified_by_url=True, directive_is_repeatable=True
        ),
    ],
)
async def test_lets_a_real_query_through(query: str) -> None:
    result = await CACHED.execute(query)

    assert result.errors is None
    assert result.data


@pytest.mark.parametrize(
    ("query", "cost"),
    [
        ("{ item { name } }", 1),
        ("{ item { child { name } } }", 2),
        ("{ item { items(first: 10) { edges { node { name } } } } }", 1 + 1 + 10),
        ("{ item { items { edges { node { name } } } } }", 1 + 1 + 20),
        ("{ item { items(first: 10) { edges { node { child { name } } } } } }", 1 + 1 + 20),
        ("{ item { items(first: 999) { pageInfo { endCursor } edges { node { name } } } } }", 1 + 1 + 100),
        ("query ($n: Int) { item { items(first: $n) { edges { node { name } } } } }", 1 + 1 + 7),
        ("{ item { ...a } } fragment a on Item { items { edges { node { name } } } }", 1 + 1 + 20),
    ],
)
async def test_reckons_a_query_by_the_objects_it_asks_for(query: str, cost: int) -> None:
    result = await CACHED.execute(query, variable_values={"n": 7})

    assert result.errors is None
    assert result.extensions == {"cost": {"requested": cost, "limit": 5000}}


async def test_a_schema_may_set_other_limits() -> None:
    schema = schema_with(lambda: DocumentGuard(GuardLimits(fields=1)))

    result = await schema.execute("{ item { name } }")

    assert result.errors
    assert result.errors[0].extensions == {"code": "TOO_MANY_FIELDS", "limit": 1}


async def test_a_cached_document_is_reckoned_anew_with_other_variables() -> None:
    query = "query ($n: Int) { item { items(first: $n) { edges { node { items(first: $n) { edges { node { name } } } } } } } }"

    small = await CACHED.execute(query, variable_values={"n": 5})
    large = await CACHED.execute(query, variable_values={"n": 100})

    assert small.errors is None
    assert large.errors
    assert large.errors[0].extensions == {"code": "TOO_EXPENSIVE", "limit": 5000}


async def test_leaves_unknown_names_to_validation() -> None:
    result = await GUARDED.execute("{ item { nope ...nowhere } }")

    assert result.errors
    field, fragment = sorted(error.message for error in result.errors)
    assert field.startswith("Cannot query field 'nope' on type 'Item'.")
    assert fragment == "Unknown fragment 'nowhere'."


@pytest.mark.parametrize("schema", [GUARDED, CACHED], ids=["bare", "with caches"])
async def test_of_several_operations_one_must_be_named(schema: ProrataSchema) -> None:
    query = "query a { __typename } query b { __typename }"

    unnamed = await schema.execute(query)
    named = await schema.execute(query, operation_name="b")

    assert unnamed.errors
    assert (unnamed.errors[0].extensions or {})["code"] == "BAD_REQUEST"
    assert named.errors is None
