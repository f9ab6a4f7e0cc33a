"""Whatever happens is told: each kind of event once, in the transaction of what happened, with the usual payload."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from graphql import parse
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from starlette.applications import Starlette

from api.payloads import USUAL, check_query
from domain.webhooks import EventKind, PayloadQueryRefused
from tests.api.inputs import SCHEMA
from tests.application import Api
from tests.scenarios.player import Player, Sent, new_player
from tests.webhooks.conftest import NOW
from tests.webhooks.telling import Told, told


async def subscribe(player: Player, token: str = "tok_visa") -> str:
    """Subscribe and have the invoice charged; name it."""
    await player.pay_with(token)
    started = await player.do(
        "subscriptionStart", "invoice { id }", accountId=player.account_id, plan="ESSENTIAL", psp=False
    )
    await player.go_to(player.now + timedelta(hours=1))
    invoice_id: str = started["invoice"]["id"]
    return invoice_id


async def set_limit(player: Player, limit: int) -> None:
    where = {"accountId": player.account_id, "workspaceId": player.workspace_id}
    await player.do("limitSet", "__typename", **where, metric="BULK_EMAIL", limit=limit)


async def pay_and_refund(player: Player, token: str) -> None:
    """Pay what is open, and have a dollar of the last payment paid back, which the provider does or not."""
    await player.pay_with(token)
    await player.go_to(player.now + timedelta(days=32))
    query = "query ($id: ID!) { account(id: $id) { payments { edges { node { id status } } } } }"
    payments = (await player.api.ask(query, id=player.account_id))["account"]["payments"]["edges"]
    paid = [each["node"]["id"] for each in payments if each["node"]["status"] == "SUCCEEDED"]
    given = {"amount": "1.00", "reason": "Sorry"}
    await player.do("creditNoteCreate", invoiceId=(await player.invoices())[0]["id"], **given)
    await player.do("refundCreate", paymentId=paid[0], **given)
    await player.go_to(player.now + timedelta(hours=1))


async def test_a_company_s_life_makes_every_kind_of_event_and_each_payload_is_whole(customer: Told) -> None:
    player = customer.player
    await subscribe(player, "tok_insufficient_funds")
    await player.do(
        "alertSet", accountId=player.account_id, metric="BULK_EMAIL", threshold=1, alsoAt50And80=False
    )
    await set_limit(player, 1)
    await player.use([Sent("mail", "BULK_EMAIL", 2, player.now)])
    await set_limit(player, 10)
    await player.seat("bo")
    first = (await player.invoices())[0]["id"]
    await player.do("creditNoteCreate", invoiceId=first, amount="1.00", reason="Sorry")
    await player.go_to(NOW + timedelta(days=31))
    await player.pay_with("tok_action_needed")
    await player.go_to(player.now + timedelta(hours=1))
    for token in ("tok_no_refunds", "tok_visa"):
        await pay_and_refund(player, token)
    await player.pay_with("tok_insufficient_funds")
    await player.go_to(player.now + timedelta(days=35))
    *_, third = [each["id"] for each in await player.invoices()]
    await player.do("invoiceVoid", invoiceId=third, reason="Wrong")
    await player.go_to(player.now + timedelta(days=35))
    *_, last = [each["id"] for each in await player.invoices() if each["status"] == "OPEN"]
    await player.do("invoiceWriteOff", invoiceId=last, reason="Bust")
    await customer.ping()

    await customer.deliver()

    told_of = set(customer.receiver.kinds())
    assert told_of == {kind.value for kind in EventKind}
    for got in customer.receiver.got:
        assert "errors" not in got.content, got.content
        (data,) = got.content["data"].values()
        assert data["id"], got.content
    for entry in await customer.log():
        (data,) = json.loads(entry["body"])["data"].values()
        assert entry["subject"]["id"] == data["id"]


async def test_an_event_bears_the_time_of_the_account_s_clock(customer: Told) -> None:
    await subscribe(customer.player)

    await customer.deliver()

    stamps = {each.content["type"]: each.content["timestamp"] for each in customer.receiver.got}
    assert stamps["invoice.issued"] == "2026-09-01T09:00:00Z"


async def test_the_usual_payload_of_an_invoice_tells_its_number_and_amounts(customer: Told) -> None:
    invoice_id = await subscribe(customer.player)

    await customer.deliver()

    (paid,) = [each.content for each in customer.receiver.got if each.content["type"] == "invoice.paid"]
    invoice = paid["data"]["invoice"]
    assert (invoice["id"], invoice["number"], invoice["status"]) == (invoice_id, 1, "PAID")
    assert invoice["total"] == {"amount": "39.00", "currency": "USD"}


async def test_a_payload_is_the_answer_to_the_endpoint_s_own_query(
    player: Player, app: Starlette, sessions: async_sessionmaker[AsyncSession]
) -> None:
    query = "query Mine($id: ID!) { node(id: $id) { __typename ... on Invoice { number due { amount } } } }"
    async with told(player, app, sessions, kinds=["INVOICE_ISSUED", "SEAT_CHANGED"], query=query) as customer:
        await subscribe(player)
        await player.seat("bo")

        await customer.deliver()

    contents = {each.content["type"]: each.content["data"] for each in customer.receiver.got}
    assert contents == {
        "invoice.issued": {"node": {"__typename": "Invoice", "number": 1, "due": {"amount": "0.00"}}},
        "seat.changed": {"node": {"__typename": "Teammate"}},
    }


async def test_a_query_that_fails_sends_no_data_and_says_why(
    player: Player, app: Starlette, sessions: async_sessionmaker[AsyncSession]
) -> None:
    query = 'query ($id: ID!) { invoice(id: $id) { id } accounts(after: "x") { edges { cursor } } }'
    async with told(player, app, sessions, kinds=["INVOICE_ISSUED"], query=query) as customer:
        await subscribe(player)

        (got,) = await customer.deliver()

    assert got.content["data"] is None
    assert [each["extensions"]["code"] for each in got.content["errors"]] == ["BAD_USER_INPUT"]


async def test_a_payload_sees_its_own_account_alone_though_an_operator_saved_the_query(
    player: Player, app: Starlette, operator: Api, sessions: async_sessionmaker[AsyncSession]
) -> None:
    other = await new_player(operator, now=NOW, name="Somebody else")
    query = f"""query ($id: ID!) {{
        viewer {{ isOperator }} accounts(first: 100) {{ edges {{ node {{ id }} }} }}
        account(id: "{other.account_id}") {{ id }} testClock(id: "{other.clock_id}") {{ id }} node(id: $id) {{ id }}
    }}"""
    async with told(player, app, sessions, kinds=["SEAT_CHANGED"], query=query) as customer:
        await player.seat("bo")

        (got,) = await customer.deliver()

    assert got.content["data"] == {
        "viewer": {"isOperator": False},
        "accounts": {"edges": [{"node": {"id": player.account_id}}]},
        "account": None,
        "testClock": None,
        "node": {"id": player.people["bo"]},
    }


async def test_where_nobody_listens_nothing_is_written(
    player: Player, customer: Told, operator: Api, sessions: async_sessionmaker[AsyncSession]
) -> None:
    silent = await new_player(operator, now=NOW)
    count = "SELECT count(*) FROM events"
    before = (await customer.row(count))[0]

    await subscribe(silent)
    of_others = (await customer.row(count))[0] - before
    await player.seat("bo")

    assert of_others == 0
    assert (await customer.row(count))[0] == before + 1


async def test_an_endpoint_gets_the_kinds_it_listens_to(
    player: Player, app: Starlette, sessions: async_sessionmaker[AsyncSession]
) -> None:
    async with told(player, app, sessions, kinds=["INVOICE_PAID"]) as customer:
        await subscribe(player)

        got = await customer.deliver()

    assert [each.content["type"] for each in got] == ["invoice.paid"]


async def test_what_is_rolled_back_is_not_told(customer: Told) -> None:
    await subscribe(customer.player)
    before = (await customer.row("SELECT count(*) FROM events"))[0]

    with pytest.raises(DBAPIError):
        await customer.run(
            "WITH a AS (UPDATE invoices SET status = 'VOID') SELECT 1 / (count(*) - count(*)) FROM events"
        )

    assert (await customer.row("SELECT count(*) FROM events"))[0] == before


@pytest.mark.parametrize("query", USUAL.values(), ids=USUAL)
def test_the_usual_queries_would_be_taken_from_a_customer(query: str) -> None:
    check_query(query, schema=SCHEMA)

    assert len(parse(query).definitions) == 1


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("", "Syntax Error: Unexpected <EOF>."),
        ("{ viewer { isOperator } }", "exactly one variable"),
        ("query ($id: ID) { node(id: $id) { id } }", "exactly one variable"),
        ("query ($id: ID!, $b: Int) { node(id: $id) { id } }", "exactly one variable"),
        ("query ($other: ID!) { node(id: $other) { id } }", "exactly one variable"),
        ("query ($id: ID!) { viewer { isOperator } }", "is never used"),
        ("query ($id: ID!) { node(id: $id) { colour } }", "Cannot query field"),
        ("query ($id: ID!) { node(id: $id) { id } __schema { types { name } } }", "asks for the schema"),
        ('query ($id: ID!) { node(id: $id) { id } __type(name: "Query") { name } }', "asks for the schema"),
        (
            "query A($id: ID!) { node(id: $id) { id } } query B { viewer { isOperator } }",
            "exactly one operation",
        ),
        ("mutation ($id: ID!) { inviteResend(input: {teammateId: $id}) { __typename } }", "and that a query"),
        ("subscription ($id: ID!) { node(id: $id) { id } }", "and that a query"),
        ("type A { b: Int }", "exactly one operation"),
        ("fragment F on Invoice { number }", "exactly one operation"),
        (
            "query ($id: ID!) { node(id: $id) { id } "
            + " ".join(f"a{n}: viewer {{ isOperator }}" for n in range(80))
            + "}",
            "aliases",
        ),
        ("query ($id: ID!) { node(id: $id) { id } }" + " " * 10_000, "longer than 10000"),
        ("query ($id: ID!) { node(id: $id) { id } # \ud800\n }", "Syntax Error"),
        ("query ($id: ID!) { \x00 node(id: $id) { id } }", "Syntax Error"),
    ],
)
def test_a_query_that_could_not_be_answered_is_refused_when_it_is_saved(query: str, reason: str) -> None:
    with pytest.raises(PayloadQueryRefused, match=reason.replace("(", r"\(").replace("?", r"\?")) as refused:
        check_query(query, schema=SCHEMA)

    refused.value.message.encode()


def test_a_query_with_fragments_and_names_of_types_is_taken() -> None:
    query = """
        query ($id: ID!) { node(id: $id) { __typename ...Bill ... on Payment { status } } }
        fragment Bill on Invoice { number lines { description } }"""

    check_query(query, schema=SCHEMA)
