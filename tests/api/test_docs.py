"""The page of the schema tells all of it, leads nowhere wrong, and comes from nowhere else."""

from __future__ import annotations

import re
from base64 import b64encode
from collections import Counter
from hashlib import sha256
from html import unescape

import pytest
import strawberry
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLObjectType, GraphQLUnionType
from httpx import ASGITransport, AsyncClient
from starlette.applications import Starlette

from adapters.settings import Settings
from api.app import create_app
from api.docs import docs_page, docs_routes
from api.reference import reference
from api.schema import schema

SCHEMA = schema._schema
PAGE = docs_page(schema)
ANCHORS = re.findall(r'id="([^"]+)"', PAGE)
NAMED = {name: each for name, each in SCHEMA.type_map.items() if not name.startswith("__")}


async def test_the_browser_runs_what_stands_in_the_page_and_nothing_else() -> None:
    app = Starlette(routes=docs_routes(schema))
    async with AsyncClient(transport=ASGITransport(app), base_url="http://prorata") as client:
        response = await client.get("/docs")
    policy = response.headers["content-security-policy"]

    assert response.text == PAGE
    for tag in ("style", "script"):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", PAGE, flags=re.DOTALL)
        assert f"{tag}-src 'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" in policy
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy


def test_the_page_names_no_other_place() -> None:
    assert not re.findall(r'(?:src|href)="(?!#|data:,)', PAGE)
    assert "url(" not in PAGE
    assert "@import" not in PAGE


def test_every_link_leads_somewhere_and_every_place_is_there_once() -> None:
    links = set(re.findall(r'href="#([^"]+)"', PAGE))

    assert len(links) > 250
    assert links <= set(ANCHORS)
    assert [anchor for anchor, times in Counter(ANCHORS).items() if times > 1] == []


def test_every_operation_and_every_type_has_its_place() -> None:
    roots = {
        "query": SCHEMA.query_type,
        "mutation": SCHEMA.mutation_type,
        "subscription": SCHEMA.subscription_type,
    }
    wanted = {f"{kind}-{field}" for kind, root in roots.items() if root for field in root.fields}
    wanted |= {f"type-{name}" for name in NAMED.keys() - {root.name for root in roots.values() if root}}

    assert wanted <= set(ANCHORS)


def test_every_description_is_told() -> None:
    text = unescape(re.sub(r"<[^>]+>", "", PAGE.replace("<code>", "`").replace("</code>", "`")))
    descriptions = {
        part.description
        for each in NAMED.values()
        if isinstance(each, GraphQLObjectType | GraphQLInputObjectType)
        for part in each.fields.values()
    }
    descriptions |= {
        value.description
        for each in NAMED.values()
        if isinstance(each, GraphQLEnumType)
        for value in each.values.values()
    }

    assert len(descriptions) > 300
    assert [each for each in descriptions if each and each not in text] == []


def test_a_mutation_stands_under_its_noun_with_input_payload_and_refusals() -> None:
    (accept,) = (each for each in reference(SCHEMA).mutations["Seats"] if each.field.name == "seatAccept")
    union = SCHEMA.type_map["SeatAcceptResult"]
    assert isinstance(union, GraphQLUnionType)

    assert accept.input
    assert {part.name for part in accept.input.parts} == {"teammateId", "previewToken", "idempotencyKey"}
    assert accept.payload
    assert accept.payload.name == "SeatAcceptPayload"
    assert {refusal.name for refusal in accept.refusals} == {each.name for each in union.types} - {
        "SeatAcceptPayload"
    }
    assert len(accept.refusals) > 2


def test_descriptions_are_text_and_never_markup() -> None:
    @strawberry.type(description="A <script>alert(1)</script> in `<b>`.")
    class Query:
        hostile: str = strawberry.field(description='"><img src=x>', deprecation_reason="Use `<i>`.")

    page = docs_page(strawberry.Schema(Query))

    assert "<img" not in page
    assert page.count("<script>") == 1
    assert "Deprecated: Use <code>&lt;i&gt;</code>." in page


@pytest.mark.parametrize("is_served", [True, False])
async def test_it_is_served_where_graphiql_is(is_served: bool) -> None:
    settings = Settings(
        database_url="postgresql://nobody@127.0.0.1:1/x",
        redis_url="redis://127.0.0.1:1",
        sandbox_key="k" * 16,
        webhook_secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        key_pepper="p" * 16,
        graphiql=is_served,
    )
    transport = ASGITransport(create_app(settings, is_rendering=False))
    async with AsyncClient(transport=transport, base_url="http://prorata") as client:
        status = (await client.get("/docs")).status_code

    assert status == (200 if is_served else 404)
