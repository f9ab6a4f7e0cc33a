"""Staff correct what was issued, anybody can have an invoice proved, and a usage event can be followed to its line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.application import Api, work
from workers.tools import Tools

INVOICE = """
    number invoiceOn status stream total { amount } due { amount } creditApplied { amount } closedReason
    creditNotes { amount { amount } loweredDue { amount } reason }
    verify { isRight differences }
    sections { section total { amount } }
"""
INVOICES = f"""
    query ($id: ID!) {{ account(id: $id) {{
        creditBalance {{ amount }}
        invoices(first: 50) {{ edges {{ node {{ id {INVOICE} }} }} }}
    }} }}
"""


@dataclass(slots=True)
class Company:
    """An account on a test clock with one workspace."""

    api: Api
    clock: str
    account: str
    workspace: str

    async def advance(self, to: str) -> None:
        """Let time pass."""
        done = await self.api.do("testClockAdvance", "testClock { now }", testClockId=self.clock, to=to)
        assert done["__typename"] == "TestClockAdvancePayload", done

    async def use(self, event: str, metric: str, quantity: int, at: str, **more: Any) -> None:
        """Report one event."""
        sent = {"eventId": event, "metric": metric, "quantity": quantity, "at": at, **more}
        done = await self.api.do("usageRecord", "accepted", workspaceId=self.workspace, events=[sent])
        assert done["accepted"] == 1, done

    async def invoices(self) -> dict[int, dict[str, Any]]:
        """Read the invoices by number."""
        edges = (await self.api.ask(INVOICES, id=self.account))["account"]["invoices"]["edges"]
        return {edge["node"]["number"]: edge["node"] for edge in edges}

    async def credit(self) -> str:
        """Read the credit balance."""
        balance: str = (await self.api.ask(INVOICES, id=self.account))["account"]["creditBalance"]["amount"]
        return balance


async def company(api: Api, *, token: str = "tok_visa", plan: str = "ESSENTIAL") -> Company:
    """Open a company on 1 September with one Essential seat."""
    clock = await api.do("testClockCreate", "testClock { id }", name="story", now="2026-09-01T08:00:00Z")
    clock_id = clock["testClock"]["id"]
    account = await api.do("accountCreate", "account { id }", name="Acme", testClockId=clock_id)
    account_id = account["account"]["id"]
    await api.do("paymentMethodSet", "account { id }", accountId=account_id, token=token)
    workspace = await api.do(
        "workspaceCreate",
        "workspace { id }",
        accountId=account_id,
        name="Desk",
        creatorName="Ada",
        creatorEmail="ada@acme.test",
    )
    await api.do("subscriptionStart", "invoice { number }", accountId=account_id, plan=plan)
    return Company(api, clock_id, account_id, workspace["workspace"]["id"])


async def test_a_credit_note_on_an_open_invoice_lowers_what_is_due_and_stays_billed(operator: Api) -> None:
    acme = await company(operator, token="tok_insufficient_funds")
    await acme.advance("2026-09-02T00:00:00Z")
    first = (await acme.invoices())[1]

    done = await operator.do(
        "creditNoteCreate", f"invoice {{ {INVOICE} }}", invoiceId=first["id"], amount="9.00", reason="Sorry"
    )

    assert done["invoice"]["due"] == {"amount": "30.00"}
    assert done["invoice"]["creditNotes"] == [
        {"amount": {"amount": "9.00"}, "loweredDue": {"amount": "9.00"}, "reason": "Sorry"}
    ]
    await acme.advance("2026-10-01T00:00:00Z")
    assert (await acme.invoices())[2]["total"] == {"amount": "39.00"}


async def test_a_credit_note_on_a_paid_invoice_becomes_credit(operator: Api, tools: Tools) -> None:
    acme = await company(operator)
    await work(tools)
    first = (await acme.invoices())[1]
    assert first["status"] == "PAID"

    await operator.do(
        "creditNoteCreate", "invoice { number }", invoiceId=first["id"], amount="10.00", reason="Goodwill"
    )

    assert await acme.credit() == "10.00"
    await acme.advance("2026-10-01T00:00:00Z")
    second = (await acme.invoices())[2]
    assert (second["total"], second["creditApplied"]) == ({"amount": "39.00"}, {"amount": "10.00"})


async def test_a_void_gives_credit_back_and_its_charges_come_back_on_the_next_invoice(operator: Api) -> None:
    acme = await company(operator, token="tok_insufficient_funds")
    await acme.advance("2026-09-20T00:00:00Z")
    first = (await acme.invoices())[1]

    done = await operator.do("invoiceVoid", f"invoice {{ {INVOICE} }}", invoiceId=first["id"], reason="Wrong")

    assert (done["invoice"]["status"], done["invoice"]["closedReason"]) == ("VOID", "Wrong")
    await acme.advance("2026-10-01T00:00:00Z")
    second = (await acme.invoices())[2]
    assert second["total"] == {"amount": "78.00"}
    assert second["verify"] == {"isRight": True, "differences": []}


async def test_a_write_off_stops_collecting_and_stays_billed(operator: Api) -> None:
    acme = await company(operator, token="tok_insufficient_funds")
    await acme.advance("2026-09-30T00:00:00Z")
    first = (await acme.invoices())[1]

    done = await operator.do(
        "invoiceWriteOff", "invoice { status due { amount } }", invoiceId=first["id"], reason="Bust"
    )

    assert done["invoice"] == {"status": "UNCOLLECTIBLE", "due": {"amount": "0.00"}}
    await acme.advance("2026-10-01T00:00:00Z")
    assert (await acme.invoices())[2]["total"] == {"amount": "39.00"}
    account = await operator.ask("query ($id: ID!) { account(id: $id) { frozenAt } }", id=acme.account)
    assert account["account"]["frozenAt"] is None


@pytest.mark.parametrize(("amount", "most"), [("39.01", "$39.00"), ("0", "$39.00"), ("0.001", "$39.00")])
async def test_refuses_a_credit_note_of_more_than_was_billed_or_of_no_cents(
    operator: Api, amount: str, most: str
) -> None:
    acme = await company(operator, token="tok_insufficient_funds")
    first = (await acme.invoices())[1]

    done = await operator.do(
        "creditNoteCreate", "invoice { number }", invoiceId=first["id"], amount=amount, reason="No"
    )

    assert done["__typename"] == "CreditNoteTooLarge"
    assert most in done["message"]
    assert (await acme.invoices())[1]["creditNotes"] == []


async def test_every_invoice_of_an_eventful_account_is_proved_whatever_happened_after(operator: Api) -> None:
    acme = await company(operator)
    await acme.advance("2026-09-10T09:00:00Z")
    await acme.use("september", "BULK_EMAIL", 10_000, "2026-09-10T08:00:00Z")
    await operator.do("pspAdd", "subscription { plan }", accountId=acme.account)
    await acme.advance("2026-10-03T09:00:00Z")
    await acme.use("late", "BULK_EMAIL", 500, "2026-09-28T08:00:00Z")
    await acme.use("october", "FIN_RESOLUTION", 1, "2026-10-03T08:00:00Z", conversationId="c1")
    await operator.do("planChange", "subscription { plan }", accountId=acme.account, plan="ADVANCED")
    await acme.advance("2026-11-01T00:00:00Z")
    taken = {"workspaceId": acme.workspace, "eventId": "october", "reason": "reopened"}
    await operator.do("usageTakeBack", "eventId", **taken)
    await acme.advance("2026-11-20T00:00:00Z")
    seats = {"accountId": acme.account, "plan": "ADVANCED", "seats": 3}
    await operator.do("yearlyStart", "invoices { number }", **seats)
    await acme.advance("2027-01-25T00:00:00Z")

    invoices = await acme.invoices()

    assert len(invoices) >= 4
    assert {number: invoice["verify"] for number, invoice in invoices.items()} == {
        number: {"isRight": True, "differences": []} for number in invoices
    }


async def test_a_spoilt_line_is_found_out(operator: Api, owner: AsyncEngine) -> None:
    acme = await company(operator)
    first = (await acme.invoices())[1]
    assert first["verify"]["isRight"]

    async with owner.begin() as session:
        await session.execute(text("ALTER TABLE seat_changes DISABLE TRIGGER append_only"))
        await session.execute(text("UPDATE seat_changes SET seat = NULL"))
        await session.execute(text("ALTER TABLE seat_changes ENABLE TRIGGER append_only"))
        await session.execute(text("ALTER TABLE subscription_facts DISABLE TRIGGER append_only"))
        await session.execute(
            text("UPDATE subscription_facts SET payload = jsonb_set(payload, '{plan}', '\"EXPERT\"')")
        )
        await session.execute(text("ALTER TABLE subscription_facts ENABLE TRIGGER append_only"))

    verdict = (await acme.invoices())[1]["verify"]
    assert not verdict["isRight"]
    assert any("amount_cents is 3900, due is 13900" in difference for difference in verdict["differences"])


async def test_a_usage_event_is_followed_to_its_tiers_and_its_lines(operator: Api) -> None:
    acme = await company(operator)
    await acme.advance("2026-09-10T09:00:00Z")
    alert = {"accountId": acme.account, "metric": "BULK_EMAIL", "threshold": 600, "alsoAt50And80": False}
    assert (await operator.do("alertSet", "__typename", **alert))["__typename"] == "AlertSetPayload"
    await acme.use("first", "BULK_EMAIL", 400, "2026-09-10T08:00:00Z")
    await acme.advance("2026-09-10T09:01:00Z")
    await acme.use("second", "BULK_EMAIL", 300, "2026-09-10T08:30:00Z")
    await acme.advance("2026-10-02T00:00:00Z")
    query = """query ($id: ID!, $event: String!) { workspace(id: $id) { usageEvent(eventId: $event) {
        day units isFree period { start end } takenBackAt
        tiers { first units unitPrice } alertsFired { level threshold }
        billedOn { invoice { number } line { amount { amount } isAdjustment } }
    } } }"""

    second = (await operator.ask(query, id=acme.workspace, event="second"))["workspace"]["usageEvent"]
    unknown = (await operator.ask(query, id=acme.workspace, event="third"))["workspace"]["usageEvent"]

    assert second == {
        "day": "2026-09-10",
        "units": 300,
        "isFree": False,
        "period": {"start": "2026-09-01", "end": "2026-10-01"},
        "takenBackAt": None,
        "tiers": [
            {"first": 1, "units": 100, "unitPrice": "0.04"},
            {"first": 501, "units": 200, "unitPrice": "0.03"},
        ],
        "alertsFired": [{"level": 100, "threshold": 600}],
        "billedOn": [
            {"invoice": {"number": 2}, "line": {"amount": {"amount": "26.00"}, "isAdjustment": False}}
        ],
    }
    assert unknown is None


async def test_the_forecast_is_the_next_invoice_if_usage_goes_on_as_it_has(operator: Api) -> None:
    acme = await company(operator)
    await acme.advance("2026-09-10T09:00:00Z")
    await acme.use("first", "BULK_EMAIL", 400, "2026-09-10T08:00:00Z")
    query = """query ($id: ID!) { account(id: $id) { subscription {
        asOf nextInvoice { total { amount } } forecast { invoiceOn total { amount } }
    } } }"""

    found = (await operator.ask(query, id=acme.account))["account"]["subscription"]

    assert found["nextInvoice"]["total"] == {"amount": "55.00"}  # 39.00 + 400 x 0.04
    assert found[
        "forecast"
    ] == {  # 400 in 10 of 30 days: 1,200, 500 x 0.04 + 500 x 0.03 + 200 x 0.028 = 40.60
        "invoiceOn": "2026-10-01",
        "total": {"amount": "79.60"},
    }
    assert found["asOf"] == "2026-09-10T09:00:00Z"


async def test_a_corrected_date_is_adjusted_on_the_next_invoice_with_its_original_dates(
    operator: Api,
) -> None:
    acme = await company(operator)
    await acme.advance("2026-09-20T09:00:00Z")
    invited = {"workspaceId": acme.workspace, "name": "Bob", "email": "bob@acme.test"}
    bob = (await operator.do("teammateInvite", "teammate { id }", **invited))["teammate"]["id"]
    await operator.do("seatAccept", "teammate { id }", teammateId=bob)
    await acme.advance("2026-10-05T00:00:00Z")
    assert (await acme.invoices())[2]["total"] == {"amount": "92.30"}  # 28.60 - 14.30 + 78.00

    done = await operator.do(
        "seatDatesCorrect", "teammate { acceptedAt }", teammateId=bob, acceptedOn="2026-09-15"
    )

    assert done["teammate"]["acceptedAt"] == "2026-09-15T00:00:00Z"
    await acme.advance("2026-11-01T00:00:00Z")
    third = (await acme.invoices())[3]
    # 15 Sep: 41.60 - 20.80, in place of 20 Sep: 28.60 - 14.30; November ahead
    assert {group["section"]: group["total"]["amount"] for group in third["sections"]} == {
        "PRORATIONS": "6.50",
        "SUBSCRIPTION": "78.00",
    }
    assert all(invoice["verify"]["isRight"] for invoice in (await acme.invoices()).values())


@pytest.mark.parametrize(
    ("dates", "refusal"),
    [
        ({}, "NothingToCorrect"),
        ({"removedOn": "2026-09-10"}, "NothingToCorrect"),
        ({"acceptedOn": "2026-09-30"}, "DatesOutOfOrder"),
    ],
)
async def test_refuses_dates_that_cannot_be(operator: Api, dates: dict[str, str], refusal: str) -> None:
    acme = await company(operator)
    query = """query ($id: ID!) { workspace(id: $id) { teammates { edges { node { id } } } } }"""
    edges = (await operator.ask(query, id=acme.workspace))["workspace"]["teammates"]["edges"]
    ada = edges[0]["node"]["id"]

    done = await operator.do("seatDatesCorrect", "teammate { id }", teammateId=ada, **dates)

    assert done["__typename"] == refusal
