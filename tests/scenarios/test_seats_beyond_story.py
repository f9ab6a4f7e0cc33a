"""Seats beyond what was agreed: an invite past the purchase says what it costs, a contract may set its own lite seats."""

from __future__ import annotations

from typing import Any

from tests.application import Api
from tests.scenarios.test_corrections_story import Company, company

SECTIONS = """query ($id: ID!) { account(id: $id) { invoices(first: 5) { edges { node {
    invoiceOn sections { label total { amount } }
} } } } }"""


async def invite(acme: Company, name: str, seat: str = "FULL") -> dict[str, Any]:
    """Invite somebody."""
    given = {"workspaceId": acme.workspace, "name": name, "email": f"{name}@acme.test", "seat": seat}
    return await acme.api.do("teammateInvite", "notice teammate { id }", **given)


async def test_an_invite_past_the_purchased_seats_says_what_it_costs_and_what_is_cheaper(
    operator: Api,
) -> None:
    acme = await company(operator)
    yearly = {"accountId": acme.account, "plan": "ADVANCED", "seats": 2}
    await operator.do("yearlyStart", "invoices { number }", **yearly)

    second = await invite(acme, "bob")
    await operator.do("seatAccept", "teammate { id }", teammateId=second["teammate"]["id"])
    third = await invite(acme, "cyd")
    lite = await invite(acme, "dee", "LITE")

    assert second["notice"] is None
    assert third["notice"] == (
        "2 full seats are held and 2 are purchased: once accepted, this one is billed by the day at $99.00 a month. "
        "Bought for the rest of the term it costs $85.00 a month: buy seats."
    )
    assert lite["notice"] is None


async def test_the_changes_of_a_yearly_term_stand_under_prorated_usage(operator: Api) -> None:
    acme = await company(operator)
    yearly = {"accountId": acme.account, "plan": "ADVANCED", "seats": 1}
    await operator.do("yearlyStart", "invoices { number }", **yearly)
    await acme.advance("2026-09-10T00:00:00Z")
    await operator.do("seatsBuy", "subscription { plan }", accountId=acme.account, seats=2)

    await acme.advance("2026-10-01T00:00:00Z")

    edges = (await operator.ask(SECTIONS, id=acme.account))["account"]["invoices"]["edges"]
    assert edges[0]["node"] == {
        "invoiceOn": "2026-10-01",
        "sections": [{"label": "Prorated Usage", "total": {"amount": "994.85"}}],  # 1,020.00 x 356/365
    }


async def test_a_contract_may_set_its_own_number_of_lite_seats(operator: Api) -> None:
    acme = await company(operator)
    terms = {"plan": "ESSENTIAL", "months": 12, "billingMonths": 1, "seats": 1, "liteSeats": 1}
    signed = await operator.do(
        "contractSign", "subscription { liteSeatsIncluded }", accountId=acme.account, terms=terms
    )

    one = await invite(acme, "bob", "LITE")
    await operator.do("seatAccept", "teammate { id }", teammateId=one["teammate"]["id"])
    another = await invite(acme, "cyd", "LITE")
    fewer = await operator.do(
        "contractAmend", "subscription { plan }", accountId=acme.account, terms=terms | {"liteSeats": 0}
    )

    assert signed["subscription"] == {"liteSeatsIncluded": 1}
    assert another["__typename"] == "LiteSeatsExhausted"
    assert fewer["__typename"] == "TooManyLiteSeats"
