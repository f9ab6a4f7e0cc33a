"""A workspace moves to another account: each account is billed for the seats and usage of its own days."""

from __future__ import annotations

from typing import Any

from tests.application import Api
from tests.scenarios.test_corrections_story import Company, company


async def partner(api: Api, acme: Company) -> Company:
    """Open another company on the same clock, with one seat of its own."""
    account = await api.do("accountCreate", "account { id }", name="Globex", testClockId=acme.clock)
    account_id = account["account"]["id"]
    await api.do("paymentMethodSet", "account { id }", accountId=account_id, token="tok_visa")
    own = {"accountId": account_id, "name": "Hub", "creatorName": "Cy", "creatorEmail": "cy@globex.test"}
    workspace = await api.do("workspaceCreate", "workspace { id }", **own)
    await api.do("subscriptionStart", "invoice { number }", accountId=account_id, plan="ESSENTIAL")
    return Company(api, acme.clock, account_id, workspace["workspace"]["id"])


def sections(invoice: dict[str, Any]) -> dict[str, str]:
    """Give the totals of an invoice by section."""
    return {group["section"]: group["total"]["amount"] for group in invoice["sections"]}


async def test_seats_and_usage_count_for_the_account_that_holds_the_workspace(operator: Api) -> None:
    acme = await company(operator)
    globex = await partner(operator, acme)
    hub = {"accountId": acme.account, "name": "Second", "creatorName": "Di", "creatorEmail": "di@acme.test"}
    second = (await operator.do("workspaceCreate", "workspace { id }", **hub))["workspace"]["id"]
    await acme.advance("2026-09-10T09:00:00Z")
    sent = {"eventId": "e1", "metric": "BULK_EMAIL", "quantity": 100, "at": "2026-09-10T08:00:00Z"}
    await operator.do("usageRecord", "accepted", workspaceId=second, events=[sent])
    await acme.advance("2026-09-16T09:00:00Z")

    moved = await operator.do(
        "workspaceMove",
        "workspace { id billingContacts teammates { edges { node { name status } } } }",
        workspaceId=second,
        toAccountId=globex.account,
    )

    there = moved["workspace"]
    assert there["billingContacts"] == ["di@acme.test"]
    assert [edge["node"] for edge in there["teammates"]["edges"]] == [{"name": "Di", "status": "ACTIVE"}]
    late = sent | {"eventId": "e2", "at": "2026-09-12T08:00:00Z"}
    own = sent | {"eventId": "e3", "quantity": 200, "at": "2026-09-16T09:00:00Z"}
    record = "outcomes { status reason }"
    in_old = await operator.do("usageRecord", record, workspaceId=second, events=[late, own])
    in_new = await operator.do("usageRecord", record, workspaceId=there["id"], events=[late, own])
    accepted, refused = (
        {"status": "ACCEPTED", "reason": None},
        {"status": "REJECTED", "reason": "NOT_ENTITLED"},
    )
    assert in_old["outcomes"] == [accepted, refused]
    assert in_new["outcomes"] == [refused, accepted]
    await acme.advance("2026-10-01T00:00:00Z")
    # Di counts in Acme on 1-15 Sep (joined after its start: a pair on 1 Sep), in Globex on 16-30 Sep.
    assert sections((await acme.invoices())[2]) == {
        "ADDITIONAL_USAGE": "8.00",
        "PRORATIONS": "19.50",
        "SUBSCRIPTION": "39.00",
    }
    assert sections((await globex.invoices())[2]) == {
        "ADDITIONAL_USAGE": "8.00",
        "PRORATIONS": "19.50",
        "SUBSCRIPTION": "78.00",
    }


async def test_a_workspace_that_left_cannot_leave_again_and_may_come_back(operator: Api) -> None:
    acme = await company(operator)
    globex = await partner(operator, acme)
    there = {"workspaceId": acme.workspace, "toAccountId": globex.account}
    moved = await operator.do("workspaceMove", "workspace { id }", **there)

    again = await operator.do("workspaceMove", "workspace { id }", **there)
    back = {"workspaceId": moved["workspace"]["id"], "toAccountId": acme.account}
    returned = await operator.do("workspaceMove", "workspace { id }", **back)
    nowhere = await operator.do(
        "workspaceMove", "workspace { id }", **(there | {"toAccountId": acme.account})
    )

    assert again["__typename"] == "WorkspaceLeft"
    assert returned["workspace"]["id"] == acme.workspace
    assert nowhere["__typename"] == "SameAccount"
