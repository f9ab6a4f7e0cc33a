"""People who may a little try to see and do more: through a neighbour of what they may, another spelling, another order."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from adapters.settings import Settings
from api.node_ids import NodeRef, decode_node_id, encode_node_id
from tests.api.companies import key_of, new_company
from tests.api.inputs import Ids
from tests.api.people import Crew, codes, crew, invite, join
from tests.application import Api
from tests.issuing import AUDIENCE, Issuer

EVENT = 'query ($id: ID!) { workspace(id: $id) { usageEvent(eventId: "an event") { units %s } } }'
BILLED = "billedOn { invoice { number total { amount } } line { amount { amount } } }"
BILL = "bill { standingWithout { due { amount } } nextInvoiceWithout { total { amount } } }"
PREVIEW = (
    "query ($change: ChangeInput!) { preview(change: $change) { __typename ... on ChangePreview { %s } } }"
)
LOG = "query ($id: ID!) { account(id: $id) { auditLog(first: 1) { edges { node { action subject } } } } }"


@pytest.fixture(scope="module")
def settings(settings: Settings, issuer: Issuer) -> Settings:
    """Settings of an installation that takes the issuer's tokens."""
    return settings.model_copy(update={"oidc_issuer": issuer.url, "oidc_audience": AUDIENCE})


@pytest.fixture(scope="module")
async def company(operator: Api, issuer: Issuer) -> Crew:
    """A company with a person of each role and seat."""
    return await crew(operator, issuer, await new_company(operator))


async def scoped_key(operator: Api, ids: Ids, *scopes: str) -> Api:
    """Give a client with a key of a company that has these scopes only."""
    made = await operator.do("apiKeyCreate", "key", accountId=ids.account, name="little", scopes=list(scopes))
    return operator.with_key(made["key"])


async def test_a_usage_event_leads_to_invoices_only_for_those_who_may_see_them(
    operator: Api, company: Crew
) -> None:
    asking = {
        "people": company.people["PEOPLE", "FULL"],
        "usage key": await scoped_key(operator, company.ids, "USAGE_VIEW"),
        "auditor": company.people["AUDITOR", "LITE"],
        "both": await scoped_key(operator, company.ids, "USAGE_VIEW", "BILLING_VIEW"),
    }

    found = {
        name: await api.post(EVENT % BILLED, {"id": company.ids.workspace}) for name, api in asking.items()
    }
    alone = await asking["people"].ask(EVENT % "", id=company.ids.workspace)

    assert {name: codes(answer) for name, answer in found.items()} == {
        "people": {"FORBIDDEN"},
        "usage key": {"FORBIDDEN"},
        "auditor": set(),
        "both": set(),
    }
    assert found["people"]["data"]["workspace"] == {"usageEvent": None}
    assert alone["workspace"]["usageEvent"] == {"units": 1}


async def test_a_preview_tells_of_the_bill_only_to_those_who_may_see_it(
    operator: Api, issuer: Issuer, company: Crew
) -> None:
    own = await invite(operator, company.ids.workspace, "outsider@example.com")
    outsider = operator.with_key(issuer.token("outsider@example.com"))
    switch = {"seatSwitch": {"teammateId": company.ids.teammate, "seat": "LITE"}}
    event = {"eventId": "new", "metric": "BULK_EMAIL", "quantity": 1, "at": "2026-09-10T08:00:00Z"}
    usage = {"usageRecord": {"workspaceId": company.ids.workspace, "events": [event]}}
    tries: dict[str, tuple[Api, dict[str, Any]]] = {
        "invitee": (outsider, {"seatAccept": {"teammateId": own}}),
        "people": (company.people["PEOPLE", "FULL"], switch),
        "meter": (await scoped_key(operator, company.ids, "USAGE_RECORD"), usage),
        "admin": (company.people["ADMIN", "LITE"], switch),
    }

    bills = {name: await api.post(PREVIEW % BILL, {"change": given}) for name, (api, given) in tries.items()}
    tokens = {
        name: await api.post(PREVIEW % "previewToken", {"change": given})
        for name, (api, given) in tries.items()
    }

    assert {name: codes(answer) for name, answer in bills.items()} == {
        "invitee": {"FORBIDDEN"},
        "people": {"FORBIDDEN"},
        "meter": {"FORBIDDEN"},
        "admin": set(),
    }
    assert [name for name, answer in bills.items() if answer["data"] is not None] == ["admin"]
    assert {answer["data"]["preview"]["__typename"] for answer in tokens.values()} == {"ChangePreview"}


async def test_who_manages_people_takes_no_role_by_removing_whoever_holds_more(
    operator: Api, company: Crew
) -> None:
    boss = await join(operator, company.ids.workspace, "boss@example.com", role="ADMIN")
    helper = await join(operator, company.ids.workspace, "helper@example.com", role="MEMBER")
    people = company.people["PEOPLE", "FULL"]

    removed = {
        name: await people.do("teammateRemove", "teammate { status }", teammateId=teammate)
        for name, teammate in {"boss": boss, "helper": helper}.items()
    }

    assert removed["boss"]["__typename"] == "RoleBeyondYours"
    assert removed["helper"]["teammate"] == {"status": "REMOVED"}
    by_an_equal = await company.people["ADMIN", "FULL"].do(
        "teammateRemove", "teammate { status }", teammateId=boss
    )
    assert by_an_equal["teammate"] == {"status": "REMOVED"}


async def test_a_removed_admin_who_is_invited_again_has_the_role_of_the_new_invite(
    operator: Api, issuer: Issuer, company: Crew
) -> None:
    once = await join(operator, company.ids.workspace, "once@example.com", role="ADMIN")
    await operator.do("teammateRemove", "teammate { id }", teammateId=once)
    people = company.people["PEOPLE", "FULL"]

    again = await people.do(
        "teammateInvite",
        "teammate { id role }",
        workspaceId=company.ids.workspace,
        name="Once",
        email="ONCE@example.com",
    )
    back = operator.with_key(issuer.token("once@example.com"))
    await back.do("seatAccept", "teammate { id }", teammateId=once)

    assert again["teammate"] == {"id": once, "role": "MEMBER"}
    promoted = await people.do("roleSet", "teammate { role }", teammateId=once, role="ADMIN")
    assert promoted["__typename"] == "RoleBeyondYours"
    balance = await back.post(f'{{ account(id: "{company.ids.account}") {{ balance {{ amount }} }} }}')
    assert codes(balance) == {"FORBIDDEN"}


@pytest.mark.parametrize("spelt", [str.upper, "{{{}}}".format, "urn:uuid:{}".format])
async def test_a_thing_goes_by_one_id_so_that_the_audit_log_knows_it(
    operator: Api, company: Crew, spelt: Any
) -> None:
    person = await invite(operator, company.ids.workspace, f"{spelt('x')[:3].strip('{:')}@example.com")
    admin = company.people["ADMIN", "FULL"]
    ref = decode_node_id(person)
    assert ref is not None
    other = respelt(ref, spelt(ref.local_id))

    found = await admin.ask("query ($id: ID!) { node(id: $id) { id } }", id=other)
    revoked = await admin.do("inviteRevoke", "teammate { id }", teammateId=other)
    as_it_is = await admin.do("inviteRevoke", "teammate { id }", teammateId=person)

    assert found == {"node": None}
    assert revoked["__typename"] == "UnknownTeammate"
    assert as_it_is["teammate"] == {"id": person}


async def test_an_account_is_not_named_as_another_in_its_own_audit_log(operator: Api, company: Crew) -> None:
    others = await new_company(operator, name="Others")
    own, theirs = decode_node_id(company.ids.account), decode_node_id(others.account)
    assert own is not None
    assert theirs is not None
    mixed = encode_node_id(NodeRef("BillingAccount", own.account_id, theirs.local_id))
    admin = company.people["ADMIN", "FULL"]
    before = await admin.ask(LOG, id=company.ids.account)

    forged = await admin.do(
        "alertSet", "alert { metric }", accountId=mixed, metric="BULK_EMAIL", threshold=900_000
    )

    assert forged["__typename"] == "UnknownAccount"
    assert await admin.ask(LOG, id=company.ids.account) == before


async def test_an_idempotency_key_opens_nothing_of_another_account(operator: Api, company: Crew) -> None:
    others = await new_company(operator, name="Others")
    theirs = await key_of(operator, others.account)
    given = {"workspaceId": company.ids.workspace, "name": "Kay", "email": "kay@example.com"}
    first = await operator.do("teammateInvite", "teammate { id }", **given, idempotencyKey="guessed")

    seen = await theirs.do("teammateInvite", "teammate { id }", **given, idempotencyKey="guessed")
    own = await theirs.do(
        "teammateInvite",
        "teammate { id }",
        **{**given, "workspaceId": others.workspace},
        idempotencyKey="guessed",
    )

    assert seen["__typename"] == "UnknownWorkspace"
    assert own["teammate"]["id"] != first["teammate"]["id"]


async def test_whoever_lost_the_permission_is_not_shown_the_answer_again(
    operator: Api, issuer: Issuer, company: Crew
) -> None:
    hiring = await join(operator, company.ids.workspace, "was.hiring@example.com", role="PEOPLE")
    person = operator.with_key(issuer.token("was.hiring@example.com"))
    given = {"workspaceId": company.ids.workspace, "name": "Lee", "email": "lee@example.com"}
    document = """mutation ($input: TeammateInviteInput!) { teammateInvite(input: $input) { __typename } }"""
    variables = {"input": {**given, "idempotencyKey": "mine"}}

    before = await person.post(document, variables)
    await operator.do("roleSet", "teammate { id }", teammateId=hiring, role="MEMBER")
    after = await person.post(document, variables)

    assert before["data"]["teammateInvite"]["__typename"] == "TeammateInvitePayload"
    assert (after["data"], codes(after)) == ({"teammateInvite": None}, {"FORBIDDEN"})


def respelt(ref: NodeRef, local_id: str) -> str:
    """Write an id with the thing's own part as it is given."""
    text = f"{ref.type_name}:{ref.account_id}:{local_id}"
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()
