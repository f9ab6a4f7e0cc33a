"""Pages, cursors and global ids: whatever a client sends back is ours, or is refused as not ours."""

import base64
from datetime import UTC, date, datetime, timedelta, timezone
from uuid import UUID

import pytest
import strawberry
from graphql import GraphQLInterfaceType, GraphQLObjectType

from api.connections import (
    Connection,
    connection_from_rows,
    decode_cursor,
    encode_cursor,
    page_size,
)
from api.errors import ApiError
from api.node_ids import NodeRef, decode_node_id, encode_node_id

ACCOUNT = UUID("0198c0de-0000-7000-8000-000000000001")


@strawberry.type(description="An invoice.")
class Invoice:
    number: int = strawberry.field(description="Its number.")


def list_invoices(first: int | None = None, after: str | None = None) -> Connection[Invoice]:
    size = page_size(first)
    start = decode_cursor(after, int)[0] if after is not None else 0
    rows = range(start + 1, min(start + 1 + size + 1, 6))
    return connection_from_rows(
        rows, size=size, key=lambda row: (row,), node=lambda row: Invoice(number=row), after=after
    )


@strawberry.type(description="The root.")
class Query:
    invoices: Connection[Invoice] = strawberry.field(resolver=list_invoices, description="Five invoices.")


SCHEMA = strawberry.Schema(Query)


def base64url(text: bytes) -> str:
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def test_the_schema_names_pages_after_what_is_on_them_and_describes_every_field() -> None:
    types = SCHEMA._schema.type_map
    paged = [types[name] for name in ("InvoiceConnection", "InvoiceEdge", "PageInfo")]

    for type_ in paged:
        assert isinstance(type_, GraphQLObjectType | GraphQLInterfaceType)
        assert type_.description
        assert all(field.description for field in type_.fields.values())
    assert str(types["InvoiceConnection"].fields["edges"].type) == "[InvoiceEdge!]!"  # type: ignore[attr-defined]


async def test_pages_join_without_a_gap_or_a_double() -> None:
    numbers: list[int] = []
    after: str | None = None
    flags = []

    while True:
        result = await SCHEMA.execute(
            "query ($after: String) { invoices(first: 2, after: $after) {"
            " edges { cursor node { number } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }",
            variable_values={"after": after},
        )
        assert result.data
        page = result.data["invoices"]
        numbers += [edge["node"]["number"] for edge in page["edges"]]
        flags.append((page["pageInfo"]["hasPreviousPage"], page["pageInfo"]["hasNextPage"]))
        after = page["pageInfo"]["endCursor"]
        assert page["pageInfo"]["startCursor"] == page["edges"][0]["cursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break

    assert numbers == [1, 2, 3, 4, 5]
    assert flags == [(False, True), (True, True), (True, False)]


def test_an_empty_page_has_no_cursors() -> None:
    page: Connection[Invoice] = connection_from_rows(
        [], size=20, key=lambda row: (row,), node=lambda row: Invoice(number=row)
    )

    assert page.edges == []
    assert (page.page_info.start_cursor, page.page_info.end_cursor, page.page_info.has_next_page) == (
        None,
        None,
        False,
    )


@pytest.mark.parametrize(("first", "size"), [(None, 20), (1, 1), (100, 100), (101, 100), (2**31 - 1, 100)])
def test_a_page_has_at_most_a_hundred_entries(first: int | None, size: int) -> None:
    assert page_size(first) == size


@pytest.mark.parametrize("first", [0, -1])
def test_refuses_a_page_of_nothing(first: int) -> None:
    with pytest.raises(ApiError) as refused:
        page_size(first)

    assert refused.value.extensions == {"code": "BAD_USER_INPUT", "argument": "first"}


def test_a_cursor_gives_back_the_key_it_was_made_of() -> None:
    moment = datetime(2026, 3, 31, 9, 30, tzinfo=timezone(timedelta(hours=2)))

    assert decode_cursor(encode_cursor((moment, ACCOUNT)), datetime, UUID) == (
        moment.astimezone(UTC),
        ACCOUNT,
    )
    assert decode_cursor(encode_cursor((date(2026, 3, 31), -5, "ä:b")), date, int, str) == (
        date(2026, 3, 31),
        -5,
        "ä:b",
    )


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "!",
        "Ж",
        "\0",
        base64url(b"[1]") + "=",
        base64url(b"[ 1]"),
        base64url(b"[1,2]"),
        base64url(b"{}"),
        base64url(b"1"),
        base64url(b"[true]"),
        base64url(b"[1.0]"),
        base64url(b'["1"]'),
        base64url(b"[null]"),
        base64url(b"[9223372036854775808]"),
        base64url(b"[" * 1500),
        base64url(b"\xff\xfe"),
        "A" * 100_000,
    ],
)
def test_refuses_what_is_no_cursor(cursor: str) -> None:
    with pytest.raises(ApiError) as refused:
        decode_cursor(cursor, int)

    assert refused.value.extensions == {"code": "BAD_USER_INPUT", "argument": "after"}


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        ("x", UUID),
        ("2026-02-30", date),
        ("2026-03-31T09:30:00", datetime),
        ("0001-01-01T00:00:00+14:00", datetime),
        ("a\0b", str),
        (5, str),
    ],
)
def test_refuses_a_cursor_of_another_list(part: str | int, kind: type[str]) -> None:
    with pytest.raises(ApiError):
        decode_cursor(encode_cursor((part,)), kind)


@pytest.mark.parametrize(
    "ref",
    [
        NodeRef("Invoice", ACCOUNT, "0198c0de-0000-7000-8000-000000000002"),
        NodeRef("PriceBook", None, "3"),
        NodeRef("UsageEvent", ACCOUNT, "their:own:id é"),
    ],
)
def test_a_global_id_names_one_thing(ref: NodeRef) -> None:
    assert decode_node_id(encode_node_id(ref)) == ref


@pytest.mark.parametrize(
    "text",
    [
        "",
        "=",
        "Ж",
        "\ud800",
        "A" * 5000,
        base64url(b"Invoice"),
        base64url(b"Invoice:x:1"),
        base64url(b"Invoice::"),
        base64url(b"invoice::1"),
        base64url(b":::"),
        base64url(b"Invoice::a\0b"),
        base64url(b"Invoice::\xff"),
        base64url(f"Invoice:{ACCOUNT.hex}:1".encode()),
        base64url(f"Invoice:{str(ACCOUNT).upper()}:1".encode()),
        base64url(b"PriceBook::3") + "=",
        base64url(b"PriceBook::31")[:-1] + "B",
        " " + base64url(b"PriceBook::3"),
        base64url(b"PriceBook::3") + "\n",
    ],
)
def test_anything_else_names_nothing(text: str) -> None:
    assert decode_node_id(text) is None
