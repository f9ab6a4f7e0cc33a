"""The audit log read through GraphQL: by whom, in what order, and with which secrets left out."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from strawberry.utils.str_converters import to_camel_case

from adapters.recording import LEFT_OUT
from adapters.tables import metadata
from api.deeds import SECRET
from api.node_ids import decode_node_id
from services.audit import ADDRESSES, SECRETS
from tests.api.companies import key_of
from tests.api.inputs import input_type, mutations
from tests.api.refusal_cases import NOW, Installation, bare, pending
from tests.application import Api
from tests.gateway.running_provider import RunningProvider
from tests.scenarios.player import Player, new_player

ENTRY = """
    seq at action subject reason requestId hash previousHash input leftOut permissions
    actor { kind handle name } changes { subject kind fields { name before after } }
"""
LOG = f"""
    query ($id: ID!, $first: Int, $after: String, $action: SafeString, $actor: SafeString, $since: DateTime,
        $until: DateTime) {{
      account(id: $id) {{
        auditLog(first: $first, after: $after, action: $action, actor: $actor, since: $since, until: $until) {{
          edges {{ node {{ {ENTRY} }} }} pageInfo {{ hasNextPage endCursor }}
        }}
      }}
    }}"""
CANARY = "canary-4f7b"


@pytest.fixture
def at(operator: Api, engine: AsyncEngine, payment_provider: RunningProvider) -> Installation:
    return Installation(operator, engine, payment_provider)


async def log(api: Api, account_id: str, **given: Any) -> list[dict[str, Any]]:
    """Read a page of an account's log, newest first."""
    found = await api.ask(LOG, id=account_id, **given)
    return [edge["node"] for edge in found["account"]["auditLog"]["edges"]]


async def test_an_entry_tells_who_did_what_and_what_it_changed(at: Installation) -> None:
    player = await bare(at)
    person = await pending(player, "ida")
    hiring = await at.api.do(
        "apiKeyCreate", "key", accountId=player.account_id, name="people team", scopes=["SEATS_MANAGE"]
    )

    await at.api.with_key(hiring["key"]).do("inviteRevoke", "__typename", teammateId=person)

    newest, before = (await log(at.api, player.account_id))[:2]
    ref = decode_node_id(person)
    assert ref is not None
    assert newest["actor"] == {"kind": "KEY", "handle": hiring["key"].split("_")[1], "name": "people team"}
    assert (newest["action"], newest["permissions"]) == ("inviteRevoke", ["seats.manage"])
    assert newest["subject"] == f"Teammate:{ref.local_id}"
    assert newest["input"] == {"teammateId": person}
    assert newest["changes"] == [
        {
            "subject": f"Teammate:{ref.local_id}",
            "kind": "CHANGED",
            "fields": [{"name": "status", "before": "PENDING", "after": "REVOKED"}],
        }
    ]
    assert newest["previousHash"] == before["hash"]
    assert int(newest["seq"]) == int(before["seq"]) + 1
    assert before["action"] == "apiKeyCreate"


async def test_the_request_s_id_and_the_reason_are_told(at: Installation) -> None:
    player = await new_player(at.api, now=NOW)
    await player.do("subscriptionStart", accountId=player.account_id, plan="ESSENTIAL")
    invoice_id = (await player.invoices())[-1]["id"]
    document = "mutation ($i: CreditNoteCreateInput!) { creditNoteCreate(input: $i) { __typename } }"
    given = {"invoiceId": invoice_id, "amount": "1.00", "reason": "goodwill"}

    await at.api.http.post(
        "/graphql",
        json={"query": document, "variables": {"i": given}},
        headers={"authorization": f"Bearer {at.api.key}", "x-request-id": "request-of-mine"},
    )

    newest = (await log(at.api, player.account_id))[0]
    assert (newest["requestId"], newest["reason"]) == ("request-of-mine", "goodwill")


async def test_a_refused_mutation_and_a_preview_leave_nothing(at: Installation) -> None:
    player = await bare(at)
    before = await log(at.api, player.account_id)

    refused = await at.api.do("planChange", "__typename", accountId=player.account_id, plan="EXPERT")
    change = {"subscriptionStart": {"accountId": player.account_id, "plan": "EXPERT"}}
    await at.api.ask("query ($c: ChangeInput!) { preview(change: $c) { __typename } }", c=change)

    assert refused["__typename"] == "NoSubscription"
    assert await log(at.api, player.account_id) == before


async def test_pages_and_filters_lead_through_the_log(at: Installation) -> None:
    player = await bare(at)
    for number in range(5):
        await player.do("billingContactsSet", workspaceId=player.workspace_id, emails=[f"{number}@acme.test"])
    whole = await log(at.api, player.account_id)
    paged: list[dict[str, Any]] = []
    after = None

    while True:
        found = await at.api.ask(LOG, id=player.account_id, first=2, after=after)
        page = found["account"]["auditLog"]
        paged += [edge["node"] for edge in page["edges"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break

    one = whole[2]
    assert paged == whole
    assert [int(entry["seq"]) for entry in whole] == list(range(len(whole), 0, -1))
    assert len(await log(at.api, player.account_id, action="billingContactsSet")) == 5
    assert await log(at.api, player.account_id, actor="nobody") == []
    assert await log(at.api, player.account_id, actor=at.api.key.split("_")[1]) == whole
    assert await log(at.api, player.account_id, since=one["at"], until=whole[1]["at"]) == [one]


async def test_the_log_takes_the_permission_and_is_of_one_account(at: Installation) -> None:
    player, other = await bare(at), await bare(at)
    mine = await key_of(at.api, player.account_id)
    auditor, blind = [
        at.api.with_key(
            (await at.api.do("apiKeyCreate", "key", accountId=player.account_id, name="a", scopes=[scope]))[
                "key"
            ]
        )
        for scope in ("AUDIT_VIEW", "BILLING_VIEW")
    ]

    refused = await blind.post(LOG, {"id": player.account_id})
    elsewhere = await mine.ask(LOG, id=other.account_id)

    assert [error["extensions"]["code"] for error in refused["errors"]] == ["FORBIDDEN"]
    assert elsewhere == {"account": None}
    assert await log(auditor, player.account_id) == await log(at.api, player.account_id)


async def test_who_may_not_is_told_in_the_log_lines(
    at: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    player = await bare(at)
    blind = await at.api.do(
        "apiKeyCreate", "key", accountId=player.account_id, name="a", scopes=["USAGE_VIEW"]
    )
    before = await log(at.api, player.account_id)

    await at.api.with_key(blind["key"]).post(
        "mutation ($i: PspAddInput!) { pspAdd(input: $i) { __typename } }",
        {"i": {"accountId": player.account_id}},
    )

    assert f"pspAdd of key {blind['key'].split('_')[1]}: FORBIDDEN" in caplog.messages
    assert await log(at.api, player.account_id) == before


async def test_no_secret_is_kept(at: Installation) -> None:
    player = await bare(at)
    made = await player.do(
        "webhookEndpointCreate",
        "endpoint { id } secret",
        accountId=player.account_id,
        url=f"https://example.com/in?key={CANARY}",
    )
    rotated = await player.do("webhookSecretRotate", "secret", endpointId=made["endpoint"]["id"])
    key = (
        await at.api.do("apiKeyCreate", "key", accountId=player.account_id, name=f"pr_{CANARY}x_{'s' * 40}")
    )["key"]
    await player.do("paymentMethodSet", accountId=player.account_id, token="tok_visa")
    await player.do(
        "paymentMethodPageOpen", accountId=player.account_id, returnUrl=f"https://a.example/?session={CANARY}"
    )
    token = await preview_token(player)
    await player.do("subscriptionStart", accountId=player.account_id, plan="EXPERT", previewToken=token)

    async with at.engine.connect() as connection:
        kept = "\n".join(
            row[0] for row in await connection.execute(text("SELECT entry::text FROM audit_entries entry"))
        )

    method = await stored_method(at)
    for secret in (CANARY, made["secret"], rotated["secret"], key.split("_")[2], "tok_visa", token, method):
        assert secret
        assert secret not in kept
    assert kept.count("[hidden]") >= 6
    assert "[redacted]" in kept


def test_every_field_that_may_hold_a_secret_is_known() -> None:
    suspects = {
        name
        for mutation in mutations()
        for name in input_type(mutation).fields
        if re.search("token|secret|password|url$|key$", name, re.IGNORECASE)
    }

    assert suspects <= ADDRESSES | {to_camel_case(name) for name in SECRET}
    assert suspects >= {"token", "previewToken", "url", "returnUrl"}


def test_every_column_that_may_hold_a_secret_is_known() -> None:
    suspects = {
        (table.name, column.name)
        for table in metadata.tables.values()
        if table.name not in LEFT_OUT
        for column in table.columns
        if re.search("token|secret|password|hash|method|url", column.name)
    }

    known = {(table, column) for table, columns in SECRETS.items() for column in columns}
    assert suspects == known | {("webhook_endpoints", "url")}


async def preview_token(player: Player) -> str:
    """Preview the start of a subscription."""
    found = await player.api.ask(
        "query ($c: ChangeInput!) { preview(change: $c) { ... on ChangePreview { previewToken } } }",
        c={"subscriptionStart": {"accountId": player.account_id, "plan": "EXPERT"}},
    )
    token: str = found["preview"]["previewToken"]
    return token


async def stored_method(at: Installation) -> str:
    """Give the provider's name of the payment method stored last."""
    async with at.engine.connect() as connection:
        query = "SELECT payment_method FROM accounts WHERE payment_method IS NOT NULL ORDER BY account_id DESC LIMIT 1"
        return str(await connection.scalar(text(query)))
