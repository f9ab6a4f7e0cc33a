"""No text, number or cursor in any field of the schema makes an internal error or is half done."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from graphql import (
    GraphQLInputObjectType,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
    is_list_type,
)
from sqlalchemy.ext.asyncio import AsyncEngine

from api.connections import encode_cursor
from tests.api.companies import new_company
from tests.api.fingerprints import fingerprint
from tests.api.inputs import SCHEMA, Ids, document, input_type, inputs, mutations
from tests.api.refusal_cases import NOW, Installation
from tests.application import Api
from tests.gateway.running_provider import RunningProvider

# Nobody can ask for it: price books come from files that operators publish.

HOSTILE = {
    "NUL": "a\x00b",
    "half a surrogate pair": "a\ud800b",
    "the other half": "\udfff",
    "a control character": "a\x1b[2Jb",
    "blanks": "   ",
    "nothing": "",
    "too long": "a" * 5_000,
    "a right-to-left mark and an emoji": "\u202ea\U0001f600",
    "SQL": "'); DROP TABLE accounts; --",
    "a template": "{0} {self} %s %(x)s",
}


@pytest.fixture
def at(operator: Api, engine: AsyncEngine, payment_provider: RunningProvider) -> Installation:
    return Installation(operator, engine, payment_provider)


@pytest.fixture(scope="module")
async def ids(operator: Api) -> Ids:
    """Ids of an account that has everything."""
    return await new_company(operator)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("mutation", mutations())
async def test_no_text_in_any_field_makes_an_internal_error(
    at: Installation, ids: Ids, mutation: str, text: str
) -> None:
    given = inputs(ids)[mutation]
    before = await fingerprint(at.engine)

    for path in text_fields(input_type(mutation)):
        variables = {"input": replaced(given, path, text)}
        # Written with escapes, so that halves of surrogate pairs reach the server as they are.
        body = json.dumps({"query": document(mutation), "variables": variables})
        answer = await post_text(at.api, body)

        if text in {HOSTILE["NUL"], HOSTILE["half a surrogate pair"], HOSTILE["the other half"]}:
            assert not was_done(answer, mutation), (path, answer)
            assert await fingerprint(at.engine) == before


@pytest.mark.parametrize("text", [r"a\u0000b", r"a\ud800b", r"\udfff"])
async def test_no_text_in_a_document_makes_an_internal_error(at: Installation, text: str) -> None:
    before = await fingerprint(at.engine)
    for query in (
        f'mutation {{ accountCreate(input: {{name: "{text}"}}) {{ __typename }} }}',
        f'mutation {{ apiKeyRevoke(input: {{publicId: "{text}"}}) {{ __typename }} }}',
        f'{{ node(id: "{text}") {{ id }} }}',
        f'{{ accounts(after: "{text}") {{ edges {{ cursor }} }} }}',
    ):
        await post_text(at.api, json.dumps({"query": query}))

    assert await fingerprint(at.engine) == before


@pytest.mark.parametrize("first", [0, -1, -(2**31), 2**31, 1.5, "10"])
@pytest.mark.parametrize(
    ("parent", "field"),
    [
        ("Query", "accounts"),
        ("BillingAccount", "invoices"),
        ("BillingAccount", "payments"),
        ("BillingAccount", "statement"),
        ("BillingAccount", "limitLog"),
        ("BillingAccount", "notifications"),
        ("BillingAccount", "mails"),
        ("BillingAccount", "auditLog"),
        ("WebhookEndpoint", "deliveries"),
        ("Workspace", "teammates"),
        ("Workspace", "limitLog"),
        ("Workspace", "notifications"),
    ],
)
async def test_a_page_of_no_entries_is_refused(
    at: Installation, ids: Ids, parent: str, field: str, first: object
) -> None:
    answer = await ask_page(at.api, ids, parent, field, f"first: {json.dumps(first)}")

    assert answer["errors"][0]["extensions"]["code"] in {
        "BAD_USER_INPUT",
        "GRAPHQL_VALIDATION_FAILED",
    }


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "nonsense",
        "\u00e9",
        encode_cursor((2**40,)),
        encode_cursor((-(2**62),)),
        encode_cursor((0,)),
        encode_cursor(("a",)),
        encode_cursor((NOW, "a")),
        encode_cursor((1, 2, 3)),
        encode_cursor((datetime.min.replace(tzinfo=NOW.tzinfo), "00000000-0000-0000-0000-000000000000")),
        encode_cursor(("9999-12-31T23:59:59-14:00", "00000000-0000-0000-0000-000000000000")),
    ],
)
async def test_a_foreign_cursor_is_refused_or_leads_nowhere(at: Installation, ids: Ids, cursor: str) -> None:
    for parent, field in sorted(connections()):
        answer = await ask_page(at.api, ids, parent, field, f"after: {json.dumps(cursor)}")

        codes = {error["extensions"]["code"] for error in answer.get("errors", [])}
        assert codes <= {"BAD_USER_INPUT"}, answer


def test_every_connection_is_asked_for_pages() -> None:
    assert connections() == {
        ("Query", "accounts"),
        ("BillingAccount", "invoices"),
        ("BillingAccount", "payments"),
        ("BillingAccount", "statement"),
        ("BillingAccount", "limitLog"),
        ("BillingAccount", "notifications"),
        ("BillingAccount", "mails"),
        ("BillingAccount", "auditLog"),
        ("WebhookEndpoint", "deliveries"),
        ("Workspace", "teammates"),
        ("Workspace", "limitLog"),
        ("Workspace", "notifications"),
    }


async def post_text(api: Api, body: str) -> dict[str, Any]:
    """Send a body as it is; the answer is JSON and never an internal error."""
    headers = {"authorization": f"Bearer {api.key}", "content-type": "application/json"}
    response = await api.http.post("/graphql", content=body, headers=headers)
    answer: dict[str, Any] = response.json()
    assert response.status_code in {200, 400}, answer
    assert "INTERNAL" not in {error["extensions"]["code"] for error in answer.get("errors", [])}, body
    return answer


async def ask_page(api: Api, ids: Ids, parent: str, field: str, argument: str) -> dict[str, Any]:
    """Ask for a page of a list."""
    page = f"{field}({argument}) {{ edges {{ cursor }} }}"
    queries = {
        "Query": page,
        "BillingAccount": f'account(id: "{ids.account}") {{ {page} }}',
        "WebhookEndpoint": f'node(id: "{ids.endpoint}") {{ ... on WebhookEndpoint {{ {page} }} }}',
        "Workspace": f'workspace(id: "{ids.workspace}") {{ {page} }}',
    }
    return await post_text(api, json.dumps({"query": f"{{ {queries[parent]} }}"}))


def connections() -> set[tuple[str, str]]:
    """Find the fields that give pages."""
    return {
        (name, field)
        for name, kind in SCHEMA.type_map.items()
        if isinstance(kind, GraphQLObjectType)
        for field, definition in kind.fields.items()
        if "first" in definition.args
    }


def was_done(answer: dict[str, Any], mutation: str) -> bool:
    """Tell whether a mutation answered with its payload, and, for usage, with an accepted event."""
    result = (answer.get("data") or {}).get(mutation) or {}
    return str(result.get("__typename", "")).endswith("Payload") and mutation != "usageRecord"


def text_fields(kind: GraphQLInputObjectType) -> Iterator[tuple[str | int, ...]]:
    """Find the way to every text in an input, those in lists by their first entry."""
    for name, field in kind.fields.items():
        named = get_named_type(field.type)
        steps: tuple[str | int, ...] = (name, 0) if is_list_type(get_nullable_type(field.type)) else (name,)
        if isinstance(named, GraphQLInputObjectType):
            yield from ((*steps, *rest) for rest in text_fields(named))
        elif named.name in {"String", "SafeString", "ID"}:
            yield steps
        elif named.name == "Properties":
            yield (*steps, "campaign")


def replaced(given: Any, path: tuple[str | int, ...], text: str) -> Any:
    """Give an input with another text in one place."""
    if not path:
        return text
    step, *rest = path
    if isinstance(step, int):
        return [replaced(given[step], tuple(rest), text), *given[step + 1 :]]
    return {**given, step: replaced(given.get(step), tuple(rest), text)}
