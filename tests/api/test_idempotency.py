"""Under an idempotency key everything is done once, and answered alike however often it is asked for."""

from __future__ import annotations

import json
from typing import Any

import pytest
from graphql import GraphQLObjectType, get_named_type
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from api import bulk
from api.permissions import MUTATIONS
from domain.permissions import Permission
from tests.api.change_cases import monthly
from tests.api.companies import key_of
from tests.api.fingerprints import fingerprint
from tests.api.inputs import SCHEMA, keyed
from tests.api.key_cases import ALLOWED, asking, own_id, under
from tests.api.refusal_cases import NOW, Installation, bare
from tests.application import Api
from tests.gateway.running_provider import RunningProvider
from tests.scenarios.player import Player

CHARGING = {
    Permission.BILLING_MANAGE,
    Permission.SEATS_MANAGE,
    Permission.USAGE_RECORD,
    Permission.ACCOUNT_MANAGER,
    Permission.STAFF,
}
WITHOUT_KEY = {
    "accountCreate": "there is no account yet whose key it would be",
    "apiKeyCreate": "its answer is a secret, which is not kept",
    "apiKeyRotate": "its answer is a secret, which is not kept",
    "apiKeyRevoke": "revoked again, a key is as revoked",
    "testClockCreate": "a clock is no account's",
    "testClockAdvance": "a clock is no account's, and is not taken anywhere twice",
    "billingContactsSet": "set again, the contacts are the same",
    "paymentMethodPageOpen": "its answer is a page that is good for once",
    "inviteRevoke": "revoked again, an invite is as revoked",
    "roleSet": "set again, the role is the same",
}
"""Mutations of those who charge, meter and invite that do none of it themselves."""


@pytest.fixture
def at(operator: Api, engine: AsyncEngine, payment_provider: RunningProvider) -> Installation:
    return Installation(operator, engine, payment_provider)


def test_every_mutation_that_charges_meters_or_invites_takes_a_key() -> None:
    charging = {name for name, needs in MUTATIONS.items() if CHARGING & set(needs)}

    assert set(keyed()) == charging - set(WITHOUT_KEY)
    assert set(WITHOUT_KEY) <= charging
    assert set(ALLOWED) == set(keyed())


def test_no_answer_that_is_kept_holds_a_secret() -> None:
    for name in keyed():
        payload = SCHEMA.type_map[f"{name[0].upper()}{name[1:]}Payload"]
        assert isinstance(payload, GraphQLObjectType)
        shown = {field: get_named_type(of.type).name for field, of in payload.fields.items()}

        assert not {"key", "secret", "token", "url"} & set(shown), name


@pytest.mark.parametrize("mutation", keyed())
async def test_a_repetition_is_answered_alike_and_changes_nothing(at: Installation, mutation: str) -> None:
    player, given = await ALLOWED[mutation](at)
    asked = under(given, "a key")
    first = await at.api.post(asking(mutation), {"input": asked})
    before = await fingerprint(at.engine)

    again = await at.api.post(asking(mutation), {"input": asked})
    otherwise = await at.api.post(asking(mutation, depth=2), {"input": asked})

    assert "errors" not in first, first
    assert first["data"][mutation]["__typename"].endswith("Payload")
    assert again["data"] == first["data"]
    assert "errors" not in otherwise
    assert otherwise["data"][mutation].keys() == first["data"][mutation].keys()
    assert await fingerprint(at.engine) == before
    assert await keys(at, player) == ["a key"]


async def test_the_same_key_with_other_content_is_refused(at: Installation) -> None:
    player = await bare(at)
    invite = {"workspaceId": player.workspace_id, "name": "Ida", "email": "ida@example.com"}
    await player.do("teammateInvite", **under(invite, "k"))
    before = await fingerprint(at.engine)

    others = [{**invite, "name": "Ivo"}, {**invite, "seat": "LITE"}, {**invite, "email": "ivo@example.com"}]
    refused = [await at.api.do("teammateInvite", "__typename", **under(each, "k")) for each in others]

    assert {each["__typename"] for each in refused} == {"IdempotencyKeyReused"}
    assert await fingerprint(at.engine) == before


async def test_what_is_told_in_full_is_the_same_as_what_is_left_to_its_default(at: Installation) -> None:
    player = await bare(at)
    invite = {"workspaceId": player.workspace_id, "name": "Ida", "email": "ida@example.com"}

    first = await player.do("teammateInvite", "teammate { id }", **under(invite, "k"))
    full = {**invite, "seat": "FULL", "role": "MEMBER"}
    again = await player.do("teammateInvite", "teammate { id }", **under(full, "k"))

    assert again == first


async def test_another_account_may_use_the_same_key(at: Installation) -> None:
    invited = []
    for _ in range(2):
        player = await bare(at)
        invite = {"workspaceId": player.workspace_id, "name": "Ida", "email": "ida@example.com"}
        done = await player.do("teammateInvite", "teammate { id }", **under(invite, "k"))
        invited.append(done["teammate"]["id"])

    assert len(set(invited)) == 2


async def test_a_rotated_key_of_the_account_repeats_what_the_old_one_did(at: Installation) -> None:
    player = await bare(at)
    start = under({"accountId": player.account_id, "plan": "EXPERT"}, "k")
    old, new = [await key_of(at.api, player.account_id) for _ in range(2)]

    first = await old.do("subscriptionStart", "invoice { id number }", **start)
    again = await new.do("subscriptionStart", "invoice { id number }", **start)

    assert again == first
    assert len(await player.invoices()) == 1


async def test_who_may_not_do_it_is_not_told_what_it_answered(at: Installation) -> None:
    player = await bare(at)
    start = under({"accountId": player.account_id, "plan": "EXPERT"}, "k")
    await at.api.do("subscriptionStart", "__typename", **start)
    made = await at.api.do(
        "apiKeyCreate", "key", accountId=player.account_id, name="meter", scopes=["USAGE_RECORD"]
    )

    answer = await at.api.with_key(made["key"]).post(asking("subscriptionStart"), {"input": start})

    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_the_key_of_what_was_refused_may_be_used_again(at: Installation) -> None:
    player = await bare(at)
    purchase = under({"accountId": player.account_id, "seats": 3}, "k")
    refused = await at.api.do("seatsBuy", "__typename", **purchase)
    kept = await keys(at, player)
    await player.do("yearlyStart", accountId=player.account_id, plan="ADVANCED", seats=2)

    done = await at.api.do("seatsBuy", "subscription { purchasedSeats }", **purchase)

    assert (refused["__typename"], kept) == ("NoSubscription", [])
    assert done["subscription"] == {"purchasedSeats": 3}


async def test_a_preview_leaves_the_key_alone_and_its_token_is_no_content(at: Installation) -> None:
    player = await monthly(at)
    change = under({"accountId": player.account_id, "plan": "ADVANCED"}, "k")
    query = "query ($c: ChangeInput!) { preview(change: $c) { ... on ChangePreview { previewToken } } }"

    token = (await at.api.ask(query, c={"planChange": change}))["preview"]["previewToken"]
    kept = await keys(at, player)
    first = await player.do("planChange", "subscription { plan }", **change, previewToken=token)
    again = await player.do("planChange", "subscription { plan }", **change)

    assert kept == []
    assert again == first


async def test_things_of_a_repetition_show_how_they_stand_now(at: Installation) -> None:
    player = await bare(at)
    invite = {"workspaceId": player.workspace_id, "name": "Ida", "email": "ida@example.com"}
    first = await player.do("teammateInvite", "teammate { id status }", **under(invite, "k"))
    await player.do("seatAccept", teammateId=first["teammate"]["id"])

    again = await player.do("teammateInvite", "teammate { id status }", **under(invite, "k"))

    assert first["teammate"]["status"] == "PENDING"
    assert again["teammate"] == {**first["teammate"], "status": "ACTIVE"}


async def test_a_thing_that_is_no_more_is_said_to_be_so(at: Installation) -> None:
    player = await bare(at)
    start = under({"accountId": player.account_id, "plan": "EXPERT"}, "k")
    await player.do("trialStart", **start)
    await player.go_to(NOW.replace(month=12))

    again = await at.api.post(asking("trialStart"), {"input": start})

    assert again["errors"][0]["extensions"]["code"] == "NOT_FOUND"
    assert "was done before" in again["errors"][0]["message"]


async def test_a_large_batch_of_usage_is_the_same_read_quickly_or_not(
    at: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    player = await monthly(at)
    events = [event(player, number) for number in range(1_000)]
    batch = under({"workspaceId": player.workspace_id, "events": events}, "k")
    fields = "accepted duplicates outcomes { eventId status reason message }"

    first = await player.do("usageRecord", fields, **batch)
    again = await player.do("usageRecord", fields, **batch)
    monkeypatch.setattr(bulk, "SMALLEST", 10**9)
    ordinarily = await player.do("usageRecord", fields, **batch)
    events[500]["quantity"] = 11
    other = await at.api.do("usageRecord", fields, **batch)

    assert (first["accepted"], first["duplicates"]) == (1_000, 0)
    assert again == ordinarily == first
    assert other["__typename"] == "IdempotencyKeyReused"


async def test_a_large_batch_with_a_key_goes_the_quick_way() -> None:
    events = [
        {"eventId": f"e-{number}", "metric": "BULK_EMAIL", "quantity": 1, "at": "x"} for number in range(99)
    ]
    given = {"workspaceId": "desk", "events": events, "idempotencyKey": "k"}

    with bulk.packed(json.dumps({"query": "usageRecord", "variables": {"input": given}}).encode()) as packed:
        assert packed is not None
        assert packed.variables is not None
        assert packed.variables["input"]["idempotencyKey"] == "k"


@pytest.mark.parametrize("event_id", ["a\\u0000b", "a\\ud800b", "\\udfff"])
async def test_an_event_is_answered_for_whatever_its_id_is(at: Installation, event_id: str) -> None:
    player = await monthly(at)
    events = [{**event(player, 1), "eventId": "ODD"}, event(player, 2)]
    plain = {"workspaceId": player.workspace_id, "events": events}
    asked = [
        {"query": asking("usageRecord"), "variables": {"input": each}} for each in (plain, under(plain, "k"))
    ]
    headers = {"authorization": f"Bearer {at.api.key}", "content-type": "application/json"}

    without, first, again = [
        await at.api.http.post("/graphql", content=json.dumps(body).replace("ODD", event_id), headers=headers)
        for body in (asked[0], asked[1], asked[1])
    ]

    assert "INTERNAL" not in first.text
    assert first.status_code == without.status_code
    assert again.text == first.text


@pytest.mark.parametrize("key", ["", "  ", "a\nb", "a" * 256])
async def test_a_key_is_1_to_255_characters_that_can_be_seen(at: Installation, key: str) -> None:
    player = await bare(at)
    start = under({"accountId": player.account_id, "plan": "EXPERT"}, key)

    answer = await at.api.post(asking("subscriptionStart"), {"input": start})

    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


def event(player: Player, number: int) -> dict[str, Any]:
    """Give a usage event."""
    return {
        "eventId": f"event {number}",
        "metric": "BULK_EMAIL",
        "quantity": 10,
        "at": player.now.isoformat(),
    }


async def keys(at: Installation, player: Player) -> list[str]:
    """Give the keys that are kept of an account."""
    query = text("SELECT key FROM idempotency_keys WHERE account_id = :a")
    async with at.engine.connect() as connection:
        return list((await connection.execute(query, {"a": own_id(player.account_id)})).scalars())
