"""Billing contacts are told sixty, thirty and seven days before a yearly term renews, and what it will cost."""

from __future__ import annotations

from tests.application import Api
from tests.scenarios.test_corrections_story import Company, company

NOTICES = """
    query ($id: ID!) { account(id: $id) { notifications(first: 20) { edges { node { kind title body at } } } } }
"""


async def reminders(acme: Company) -> list[tuple[str, str, str]]:
    """Read the reminders, oldest first."""
    edges = (await acme.api.ask(NOTICES, id=acme.account))["account"]["notifications"]["edges"]
    found = [edge["node"] for edge in reversed(edges) if edge["node"]["kind"] == "RENEWAL_REMINDER"]
    return [(notice["at"][:10], notice["title"], notice["body"]) for notice in found]


async def test_a_renewal_is_announced_three_times_with_its_price(operator: Api) -> None:
    acme = await company(operator)
    yearly = {"accountId": acme.account, "plan": "ADVANCED", "seats": 2}
    await operator.do("yearlyStart", "invoices { number }", **yearly)
    await acme.advance("2027-07-20T00:00:00Z")
    renewal = {"accountId": acme.account, "seats": 3}
    await operator.do("renewalSet", "subscription { plan }", **renewal)

    await acme.advance("2027-09-02T00:00:00Z")

    told = await reminders(acme)
    assert [day for day, _, _ in told] == ["2027-07-03", "2027-08-02", "2027-08-25"]
    assert {title for _, title, _ in told} == {"Acme: the yearly subscription renews on 1 Sep 2027"}
    assert "$2,040.00" in told[0][2]
    assert "$3,060.00" in told[1][2]


async def test_a_cancelled_term_is_not_announced(operator: Api) -> None:
    acme = await company(operator)
    yearly = {"accountId": acme.account, "plan": "ADVANCED", "seats": 2}
    await operator.do("yearlyStart", "invoices { number }", **yearly)
    await operator.do("subscriptionCancel", "subscription { endsOn }", accountId=acme.account)

    await acme.advance("2027-09-02T00:00:00Z")

    assert await reminders(acme) == []
