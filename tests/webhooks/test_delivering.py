"""Deliveries: signed as the specification says, tried until they are taken, in order, and never twice at once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from standardwebhooks import Webhook, WebhookVerificationError
from starlette.applications import Starlette

from adapters.webhooks_out import WebhookClient
from domain.webhooks import OFF_AFTER, WAITS
from services import deliveries
from services.deliveries import PER_ENDPOINT
from tests.api.companies import key_of
from tests.api.webhook_refusals import URL
from tests.application import Api
from tests.scenarios.player import Player, new_player
from tests.webhooks.conftest import NOW
from tests.webhooks.receiving import Reply, receiving
from tests.webhooks.telling import TIMEOUT_SECONDS, Told, told
from workers.webhooks import Courier

LONGEST_WAIT = timedelta(hours=20)


async def pays(player: Player) -> None:
    """Subscribe: an invoice is issued, and paid."""
    await player.do("subscriptionStart", accountId=player.account_id, plan="ESSENTIAL", psp=False)
    await player.go_to(player.now + timedelta(hours=1))


async def test_a_message_verifies_with_another_s_library_and_says_what_happened(customer: Told) -> None:
    await customer.ping()

    (got,) = await customer.deliver()

    content = Webhook(customer.secret).verify(got.body, got.headers)
    assert content == {
        "type": "ping",
        "timestamp": content["timestamp"],
        "data": {"node": {"id": customer.endpoint_id, "url": customer.receiver.url, "description": None}},
    }
    assert got.headers["content-type"] == "application/json"
    with pytest.raises(WebhookVerificationError):
        Webhook(customer.secret).verify(got.body + b" ", got.headers)


async def test_two_messages_have_two_ids_and_the_log_tells_of_both(customer: Told) -> None:
    for _ in range(2):
        await customer.ping()

    first, second = await customer.deliver()

    assert first.message_id != second.message_id
    for entry in await customer.log():
        assert (entry["kind"], entry["status"], entry["attempts"]) == ("PING", "DELIVERED", 1)
        assert (entry["responseStatus"], entry["responseExcerpt"]) == (200, "thank you")
        assert (entry["nextAttemptAt"], entry["failure"]) == (None, None)
        assert entry["subject"] == {"__typename": "WebhookEndpoint", "id": customer.endpoint_id}


async def test_what_fails_is_sent_again_later_with_the_same_id_and_bytes_and_a_new_timestamp(
    customer: Told,
) -> None:
    customer.receiver.replies.extend([Reply(500, b"not now"), Reply(503)])
    await customer.ping()

    (first,) = await customer.deliver()
    at_once = await customer.deliver()
    (entry,) = await customer.log()
    (second,) = await customer.deliver(later=WAITS[0] * 2)
    (third,) = await customer.deliver(later=WAITS[1] * 2)

    assert at_once == []
    assert (entry["status"], entry["responseStatus"], entry["responseExcerpt"]) == ("WAITING", 500, "not now")
    assert {each.message_id for each in (first, second, third)} == {first.message_id}
    assert {each.body for each in (first, second, third)} == {first.body}
    stamps = [int(each.headers["webhook-timestamp"]) for each in (first, second, third)]
    assert stamps == sorted(set(stamps))
    assert len({each.headers["webhook-signature"] for each in (first, second, third)}) == 3
    assert [each["status"] for each in await customer.log()] == ["DELIVERED"]


async def test_a_timeout_and_a_closed_port_are_failures_like_any_other(customer: Told) -> None:
    customer.receiver.replies.append(Reply(after_seconds=TIMEOUT_SECONDS * 3))
    await customer.ping()
    await customer.deliver()
    (slow,) = await customer.log()
    async with receiving() as gone:
        url = gone.url
    await customer.player.do("webhookEndpointChange", endpointId=customer.endpoint_id, url=url)

    await customer.deliver(later=WAITS[0] * 2)
    (closed,) = await customer.log()
    await customer.player.do(
        "webhookEndpointChange", endpointId=customer.endpoint_id, url=customer.receiver.url
    )
    again = await customer.deliver(later=WAITS[1] * 2)

    assert (slow["status"], slow["failure"]) == ("WAITING", "no answer within 1 seconds")
    assert (closed["status"], closed["attempts"]) == ("WAITING", 2)
    assert closed["failure"].startswith("the request failed: ")
    assert len(again) == 1


async def test_after_three_days_a_delivery_is_given_up_and_can_be_asked_for_again(customer: Told) -> None:
    customer.receiver.always = Reply(500)
    delivery_id = await customer.ping()
    for _ in range(14):
        await customer.deliver(later=LONGEST_WAIT)
        await customer.run("UPDATE webhook_endpoints SET failing_since = now() + interval '20 days'")
    (given_up,) = await customer.log()
    tried = len(customer.receiver.got)
    customer.receiver.always = Reply(204)

    await customer.player.do("webhookRedeliver", "delivery { status }", deliveryId=delivery_id)
    (again,) = await customer.deliver()

    assert (given_up["status"], given_up["attempts"], tried) == ("GIVEN_UP", 12, 12)
    assert (again.message_id, again.body) == (
        customer.receiver.got[0].message_id,
        customer.receiver.got[0].body,
    )
    assert [each["status"] for each in await customer.log()] == ["DELIVERED"]


async def test_an_endpoint_that_is_gone_is_turned_off_with_a_notice(customer: Told) -> None:
    customer.receiver.always = Reply(410)
    await pays(customer.player)
    await customer.ping()

    await customer.deliver()
    endpoint = await customer.endpoint()
    await customer.deliver(later=LONGEST_WAIT)

    assert (endpoint["isEnabled"], endpoint["disabledReason"]) == (False, "it answered that it is gone (410)")
    assert {each["status"] for each in await customer.log()} == {"GIVEN_UP"}
    query = "query ($id: ID!) { account(id: $id) { notifications { edges { node { kind body } } } } }"
    edges = (await customer.player.api.ask(query, id=customer.player.account_id))["account"]["notifications"][
        "edges"
    ]
    (notice,) = [edge["node"] for edge in edges if edge["node"]["kind"] == "WEBHOOK_DISABLED"]
    assert customer.receiver.url in notice["body"]


async def test_an_endpoint_that_fails_for_five_days_on_end_is_turned_off_and_not_before(
    customer: Told,
) -> None:
    customer.receiver.always = Reply(500)
    seen = []
    for later in (timedelta(), OFF_AFTER - timedelta(hours=1), timedelta(hours=2)):
        await customer.ping()
        await customer.deliver(later=later)
        seen.append((await customer.endpoint())["isEnabled"])

    assert seen == [True, True, False]


async def test_one_success_ends_the_count_of_failing_days(customer: Told) -> None:
    customer.receiver.replies.extend([Reply(500), Reply(200)])
    await customer.ping()
    await customer.deliver()
    failing = (await customer.endpoint())["failingSince"]

    await customer.deliver(later=WAITS[0] * 2)

    assert failing is not None
    assert (await customer.endpoint())["failingSince"] is None


async def test_of_one_object_the_later_waits_for_the_earlier_and_of_another_not(customer: Told) -> None:
    customer.receiver.replies.append(Reply(500))
    await customer.ping()
    await customer.deliver()
    await customer.ping()
    other = await customer.player.do(
        "teammateInvite",
        workspaceId=customer.player.workspace_id,
        name="Cy",
        email="cy@example.com",
        seat="FULL",
    )
    await customer.player.seat("bo")

    while_waiting = await customer.deliver()
    afterwards = await customer.deliver(later=WAITS[0] * 2)

    assert other
    assert [each.content["type"] for each in while_waiting] == ["seat.changed"]
    assert [each.content["type"] for each in afterwards] == ["ping", "ping"]
    assert afterwards[0].message_id == customer.receiver.got[0].message_id


async def test_an_invoice_is_told_of_in_the_order_of_what_happened_to_it(customer: Told) -> None:
    await pays(customer.player)

    await customer.deliver()

    kinds = [each.content["type"] for each in customer.receiver.got if "invoice" in each.content["type"]]
    assert kinds == ["invoice.issued", "invoice.paid"]


async def test_a_receiver_s_trouble_with_one_object_ends_when_it_is_given_up(customer: Told) -> None:
    customer.receiver.always = Reply(500)
    await customer.ping()
    await customer.deliver()
    await customer.ping()
    await customer.run("UPDATE webhook_deliveries SET attempts = 11 WHERE attempts = 1")

    await customer.deliver(later=LONGEST_WAIT)
    customer.receiver.always = Reply(200)
    await customer.deliver(later=LONGEST_WAIT)

    assert [each["status"] for each in await customer.log()] == ["GIVEN_UP", "DELIVERED"]


async def test_several_workers_send_each_message_once(customer: Told) -> None:
    customer.receiver.always = Reply(after_seconds=0.05)
    players = [f"p{number}" for number in range(12)]
    for name in players:
        await customer.player.seat(name)
    await customer.rendered()
    couriers = [another_courier(customer) for _ in range(4)]

    while sum(await asyncio.gather(*(each.launch(wall=customer.wall + LONGEST_WAIT) for each in couriers))):
        await asyncio.gather(*(each.drain() for each in couriers))

    ids = [each.message_id for each in customer.receiver.got]
    assert len(ids) == len(set(ids)) == len(players)


async def test_a_slow_receiver_has_few_messages_on_their_way_and_others_go_past_it(
    customer: Told, operator: Api, app: Starlette, sessions: async_sessionmaker[AsyncSession]
) -> None:
    customer.receiver.always = Reply(after_seconds=0.4)
    for number in range(8):
        await customer.player.seat(f"p{number}")
    async with told(await new_player(operator, now=NOW), app, sessions) as quick:
        await quick.ping()
        await customer.rendered()

        wall = customer.wall + LONGEST_WAIT
        taken = [await customer.courier.launch(wall=wall) for _ in range(3)]
        await asyncio.sleep(0.3)
        told_meanwhile = quick.receiver.kinds()
        await customer.courier.drain()
        while await customer.courier.launch(wall=wall):
            await customer.courier.drain()

    assert taken == [PER_ENDPOINT + 1, 0, 0]
    assert told_meanwhile == ["ping"]
    assert customer.receiver.most_at_once == PER_ENDPOINT
    assert len(customer.receiver.got) == 8


async def test_a_worker_killed_while_it_sends_repeats_under_the_same_id(customer: Told) -> None:
    customer.receiver.replies.append(Reply(after_seconds=0.5))
    await customer.ping()
    await customer.begin()

    await customer.courier.stop()
    under_lease = await customer.deliver()
    await customer.expire_leases()
    (again,) = await customer.deliver()

    assert under_lease == []
    assert again.message_id == customer.receiver.got[0].message_id
    assert [(each["status"], each["attempts"]) for each in await customer.log()] == [("DELIVERED", 2)]


async def test_an_answer_that_comes_after_the_lease_changes_nothing(customer: Told) -> None:
    customer.receiver.replies.append(Reply(500, after_seconds=0.5))
    await customer.ping()
    await customer.begin()
    await customer.expire_leases()
    other = another_courier(customer)

    await other.launch(wall=customer.wall)
    await other.drain()
    await customer.courier.drain()

    assert [(each["status"], each["attempts"]) for each in await customer.log()] == [("DELIVERED", 2)]


async def test_for_a_day_after_a_rotation_both_secrets_verify_and_then_the_new_one_alone(
    customer: Told,
) -> None:
    rotated = await customer.player.do(
        "webhookSecretRotate", "secret endpoint { previousSecretUntil }", endpointId=customer.endpoint_id
    )
    await customer.ping()
    (both,) = await customer.deliver()
    await customer.ping()
    (alone,) = await customer.deliver(later=timedelta(hours=25))

    assert rotated["secret"] != customer.secret
    assert rotated["endpoint"]["previousSecretUntil"] is not None
    for secret in (customer.secret, rotated["secret"]):
        assert Webhook(secret).verify(both.body, both.headers)["type"] == "ping"
    assert len(both.headers["webhook-signature"].split(" ")) == 2
    assert len(alone.headers["webhook-signature"].split(" ")) == 1


async def test_an_endpoint_that_is_off_gets_nothing_not_even_later(customer: Told) -> None:
    change = ("webhookEndpointChange", "endpoint { isEnabled }")
    await customer.ping()
    await customer.player.do(*change, endpointId=customer.endpoint_id, isEnabled=False)
    await customer.player.seat("bo")
    await customer.player.do(*change, endpointId=customer.endpoint_id, isEnabled=True)
    await customer.player.seat("cy")

    got = await customer.deliver()

    assert [each.content["type"] for each in got] == ["seat.changed"]
    assert [(each["kind"], each["status"]) for each in await customer.log()] == [
        ("PING", "GIVEN_UP"),
        ("SEAT_CHANGED", "DELIVERED"),
    ]


async def test_a_removed_endpoint_is_gone_with_its_log_and_its_place(customer: Told) -> None:
    delivery_id = await customer.ping()
    made = await customer.player.do(
        "webhookEndpointCreate", "endpoint { id }", accountId=customer.player.account_id, url=URL
    )
    given = {"endpointId": made["endpoint"]["id"]}
    sent = await customer.player.do("webhookTest", "delivery { id }", **given)

    await customer.player.do("webhookEndpointRemove", **given)
    refused = await customer.player.api.do("webhookTest", "__typename", **given)
    lost = await customer.player.api.do("webhookRedeliver", "__typename", deliveryId=sent["delivery"]["id"])

    query = "query ($id: ID!) { account(id: $id) { webhookEndpoints { id } } node(id: $id) { id } }"
    shown = await customer.player.api.ask(query, id=customer.player.account_id)
    assert [each["id"] for each in shown["account"]["webhookEndpoints"]] == [customer.endpoint_id]
    assert (refused["__typename"], lost["__typename"]) == ("UnknownEndpoint", "UnknownDelivery")
    assert [each["id"] for each in await customer.log()] == [delivery_id]
    row = await customer.row(
        "SELECT secret, previous_secret FROM webhook_endpoints WHERE removed_at IS NOT NULL"
    )
    assert tuple(row) == ("", None)


async def test_what_waits_is_sent_at_once_when_asked_for(customer: Told) -> None:
    customer.receiver.replies.append(Reply(500))
    delivery_id = await customer.ping()
    await customer.deliver()

    await customer.player.do("webhookRedeliver", deliveryId=delivery_id)
    (again,) = await customer.deliver()

    assert again.message_id == customer.receiver.got[0].message_id
    assert [(each["status"], each["attempts"]) for each in await customer.log()] == [("DELIVERED", 2)]


async def test_the_secret_is_shown_once_and_nowhere_else(
    customer: Told, operator: Api, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    customer.receiver.replies.append(Reply(500))
    await customer.ping()
    rotated = await customer.player.do("webhookSecretRotate", "secret", endpointId=customer.endpoint_id)
    await customer.deliver()
    await customer.player.do("webhookEndpointChange", endpointId=customer.endpoint_id, description="books")
    own = await key_of(operator, customer.player.account_id)

    seen = f"{await customer.endpoint()} {await own.ask('{ accounts { edges { node { webhookEndpoints { id url query } } } } }')}"

    for secret in (customer.secret, rotated["secret"]):
        assert secret.startswith("whsec_")
        assert secret not in seen
        assert secret not in caplog.text
    assert "whsec_" not in repr(await outgoing(customer))


async def outgoing(customer: Told) -> object:
    """Take a delivery as the worker does, and give what a log would show of it."""
    await customer.ping()
    await customer.rendered()
    return await deliveries.take_due(customer.sessions, limit=5, wall=customer.wall + LONGEST_WAIT)


def another_courier(customer: Told) -> Courier:
    """Give another worker's courier."""
    return Courier(customer.sessions, WebhookClient(allows_loopback=True, timeout_seconds=TIMEOUT_SECONDS))
