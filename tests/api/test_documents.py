"""`GET /invoices/<id>.pdf` and `.csv`: the same door as GraphQL, the same file twice, and nothing of anybody else's."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from api.node_ids import decode_node_id
from tests.api.companies import NOW, ids_of, key_of, new_company
from tests.api.inputs import Ids, moved, nothing_like
from tests.api.test_statements import Statements
from tests.application import Api
from tests.scenarios.papers import fetch, words
from tests.scenarios.player import new_player
from tests.scenarios.statements import at, do, join, team

HOSTILE = (
    '#read("/etc/passwd")',
    "*bold* $x$ _y_ `z`",
    "=cmd|' /C calc'!A0",
    "Acme\u202egpj.exe",
    "😀 Party 日本",
    "W" * 255,
    "\\ \" ' ; , \u2028 \u200b end",
)


@pytest.fixture(scope="module")
async def ours(operator: Api) -> Ids:
    """Ids of the account that asks."""
    return await new_company(operator)


@pytest.fixture(scope="module")
async def caller(operator: Api, ours: Ids) -> Api:
    """A client with a key of that account."""
    return await key_of(operator, ours.account)


async def test_graphql_leads_to_the_files(caller: Api, ours: Ids) -> None:
    query = "query ($id: ID!) { invoice(id: $id) { pdfUrl csvUrl } }"
    found = (await caller.ask(query, id=ours.invoice))["invoice"]

    as_pdf, as_csv = [await fetch(caller, path) for path in (found["pdfUrl"], found["csvUrl"])]

    assert (as_pdf.status_code, as_pdf.headers["content-type"]) == (200, "application/pdf")
    assert as_pdf.headers["content-disposition"] == 'inline; filename="Acme-invoice-1.pdf"'
    assert as_pdf.headers["cache-control"] == "private, no-cache"
    assert as_pdf.headers["x-content-type-options"] == "nosniff"
    assert (as_csv.status_code, as_csv.headers["content-type"]) == (
        200,
        "text/csv; charset=utf-8; header=present",
    )
    assert as_csv.headers["content-disposition"] == 'attachment; filename="Acme-invoice-1.csv"'


async def test_an_invoice_gives_the_same_bytes_until_something_happens_to_it(operator: Api) -> None:
    ids = await new_company(operator)
    first, again = [await fetch(operator, f"/invoices/{ids.invoice}.pdf") for _ in range(2)]

    await operator.do(
        "creditNoteCreate", "invoice { id }", invoiceId=ids.invoice, amount="1.00", reason="Sorry"
    )

    after = await fetch(operator, f"/invoices/{ids.invoice}.pdf")
    assert (first.content, first.headers["etag"]) == (again.content, again.headers["etag"])
    assert after.headers["etag"] != first.headers["etag"]
    assert "Sorry" in words(after.content)


@pytest.mark.parametrize("sent", ["{etag}", "W/{etag}", '"other", {etag}', "*"])
async def test_what_the_caller_has_already_is_not_sent_again(caller: Api, ours: Ids, sent: str) -> None:
    path = f"/invoices/{ours.invoice}.pdf"
    etag = (await fetch(caller, path)).headers["etag"]

    answer = await fetch(caller, path, **{"if-none-match": sent.format(etag=etag)})

    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
    assert (await fetch(caller, path, **{"if-none-match": '"other"'})).status_code == 200


@pytest.mark.parametrize("suffix", ["pdf", "csv"])
async def test_an_invoice_of_another_account_looks_like_none(
    operator: Api, caller: Api, ours: Ids, suffix: str
) -> None:
    theirs = await new_company(operator, name="Theirs")
    account = decode_node_id(ours.account)
    assert account is not None
    assert account.account_id is not None
    strangers = [
        theirs.invoice,
        moved(theirs.invoice, account.account_id),
        nothing_like(ours.invoice),
        ours.account,
        ours.payment,
        ours.invoice[:-1],
        "nonsense",
        "a%00b",
    ]

    answers = [await fetch(caller, f"/invoices/{node}.{suffix}") for node in strangers]
    by_operator = await fetch(operator, f"/invoices/{nothing_like(ours.invoice)}.{suffix}")

    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in [*answers, by_operator]}) == 1
    assert "etag" not in answers[0].headers


@pytest.mark.parametrize("path", ["/invoices/{invoice}.pdf", "/invoices/{invoice}.csv", "/invoices/x.pdf"])
@pytest.mark.parametrize("key", ["", "pr_000000000000_wrong"])
async def test_nobody_gets_in_without_a_key(caller: Api, ours: Ids, path: str, key: str) -> None:
    answer = await fetch(caller.with_key(key), path.format(invoice=ours.invoice))

    assert (answer.status_code, code(answer.json())) == (401, "UNAUTHENTICATED")


async def test_files_are_only_read(caller: Api, ours: Ids) -> None:
    answer = await caller.http.post(f"/invoices/{ours.invoice}.pdf")

    assert (answer.status_code, code(answer.json())) == (405, "METHOD_NOT_ALLOWED")


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
async def test_a_hostile_name_is_a_name_in_both_files(operator: Api, name: str) -> None:
    ids = await ids_of(await new_player(operator, now=NOW, name=name))

    as_pdf = await fetch(operator, f"/invoices/{ids.invoice}.pdf")
    as_csv = await fetch(operator, f"/invoices/{ids.invoice}.csv")

    assert (as_pdf.status_code, as_csv.status_code) == (200, 200)
    assert as_pdf.headers["content-disposition"].isascii()
    assert "Invoice 1" in words(as_pdf.content)
    assert "root:" not in words(as_pdf.content)
    rows = list(csv.reader(io.StringIO(as_csv.text, newline=""), strict=True))
    assert all(len(row) == len(rows[0]) for row in rows)


async def test_files_take_as_many_statements_for_many_lines_as_for_few(operator: Api) -> None:
    few = await new_company(operator)
    player = await team(operator, seats=1, since="2026-09-01")
    await do(player, "subscriptionStart", plan="ESSENTIAL")
    for day in range(2, 22):
        await player.go_to(at(f"2026-09-{day:02d}"))
        await join(player, 1)
    await player.go_to(at("2026-10-01"))
    many = (await player.invoices())[1]

    counts = {}
    for suffix in ("pdf", "csv"):
        for name, node in (("few", few.invoice), ("many", many["id"])):
            await fetch(operator, f"/invoices/{node}.{suffix}")
            statements = Statements()
            with statements.watched():
                await fetch(operator, f"/invoices/{node}.{suffix}")
            counts[suffix, name] = len(statements.sent)

    assert len(many["lines"]) > 40
    assert set(counts.values()) == {7}


def code(answer: dict[str, Any]) -> str:
    """Give the code of the answer's error."""
    (error,) = answer["errors"]
    found: str = error["extensions"]["code"]
    return found
