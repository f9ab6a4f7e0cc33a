"""Invites and invoices reach the people they concern, with what becomes of each, and their mails can be followed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from adapters.mail import Mailer
from tests.application import Api, work
from tests.scenarios.player import Player, new_player
from tests.sink import Sink, listening
from workers.tools import Tools

SEPTEMBER = datetime(2026, 9, 1, 9, tzinfo=UTC)
OCTOBER = datetime(2026, 10, 1, tzinfo=UTC)
MAILS = """
    query ($id: ID!, $status: MailStatus) { account(id: $id) {
      mails(first: 50, status: $status) { edges { node {
        kind title address status attempts reason writtenAt sentAt nextTryAt
      } } }
      notifications(first: 50) { edges { node { kind title body } } }
    } }
"""


@pytest_asyncio.fixture(loop_scope="session")
async def player(operator: Api) -> Player:
    """A company whose second billing contact has no mailbox."""
    player = await new_player(operator, now=SEPTEMBER, name="Acme & <b>Sons</b>")
    await player.do(
        "billingContactsSet",
        workspaceId=player.workspace_id,
        emails=["founder@example.com", "gone@example.com"],
    )
    return player


async def shown(player: Player, status: str | None = None) -> list[dict[str, Any]]:
    """Give the account's mails, oldest first."""
    answer = await player.api.ask(MAILS, id=player.account_id, status=status)
    return [edge["node"] for edge in reversed(answer["account"]["mails"]["edges"])]


async def notices(player: Player) -> list[dict[str, Any]]:
    """Give the account's notices, oldest first."""
    answer = await player.api.ask(MAILS, id=player.account_id)
    return [edge["node"] for edge in reversed(answer["account"]["notifications"]["edges"])]


def post(tools: Tools, sink: Sink) -> Tools:
    """Give a worker's tools with a mail server."""
    return Tools(tools.sessions, tools.gateway, Mailer(sink.url, sender="Acme Billing <billing@acme.test>"))


async def test_an_invite_goes_to_the_person_invited_alone_and_again_when_resent(
    player: Player, tools: Tools
) -> None:
    invited = await player.do(
        "teammateInvite",
        "teammate { id }",
        workspaceId=player.workspace_id,
        name="Zoe",
        email="zoe@example.com",
        seat="FULL",
    )
    await player.do("inviteResend", teammateId=invited["teammate"]["id"])

    async with listening() as sink:
        await work(post(tools, sink))

    mails = [mail for mail in await shown(player) if mail["kind"] == "INVITE"]
    assert [(mail["address"], mail["status"]) for mail in mails] == [("zoe@example.com", "SENT")] * 2
    first, again = sink.to("zoe@example.com")
    assert first["Subject"] == "Acme & <b>Sons</b> invites you to Support"
    assert first["Message-ID"] != again["Message-ID"]
    html = first.get_body(("html",))
    assert html
    assert "Acme &amp; &lt;b&gt;Sons&lt;/b&gt; invites you to Support" in html.get_content()
    assert [notice for notice in await notices(player) if notice["kind"] == "INVITE"] == []


@pytest.mark.parametrize(
    "name",
    [
        "=?utf-8?q?=0ABcc=3A_x=40evil.test?=",
        "<script>alert(1)</script>",
        "{{ 7 * 7 }}",
        "\u202emoc.live//:sptth",
    ],
)
async def test_a_hostile_name_is_only_a_name(operator: Api, tools: Tools, name: str) -> None:
    player = await new_player(operator, now=SEPTEMBER, name=name)
    invite = {"workspaceId": player.workspace_id, "name": name, "email": "victim@example.com", "seat": "FULL"}
    await player.do("teammateInvite", "teammate { id }", **invite)

    async with listening() as sink:
        await work(post(tools, sink))

    mail = sink.to("victim@example.com")[-1]
    assert mail.get_all("Bcc") is None
    assert mail.get_all("To") == ["victim@example.com"]
    assert str(mail["Subject"]).endswith("invites you to Support")
    html = mail.get_body(("html",))
    assert html
    assert "<script>" not in html.get_content()


async def test_an_invoice_is_announced_and_each_mail_of_it_can_be_followed(
    player: Player, tools: Tools
) -> None:
    await player.do("subscriptionStart", accountId=player.account_id, plan="ESSENTIAL", psp=False)

    async with listening() as sink:
        sink.script["gone@example.com"] = ["550 5.1.1 no such user"]
        await work(post(tools, sink))

    (sent,) = await shown(player, "GIVEN_UP")
    assert (sent["kind"], sent["address"], sent["attempts"]) == ("INVOICE_ISSUED", "gone@example.com", 1)
    assert sent["reason"] == "550 5.1.1 no such user"
    assert sent["nextTryAt"] is None
    (mail,) = sink.to("founder@example.com")
    assert mail["Subject"] == "Acme & <b>Sons</b>: invoice 1 for $39.00"
    text = mail.get_body(("plain",))
    assert text
    words = text.get_content().replace("\r\n", "\n")
    assert "It is charged to the Visa that ends in 4242." in words
    assert "Subscription: $39.00\nTotal: $39.00\nAmount due: $39.00\n" in words
    assert await shown(player, "WAITING") == []


async def test_a_period_closed_by_the_clock_mails_its_invoice_to_every_contact(player: Player) -> None:
    await player.do("subscriptionStart", accountId=player.account_id, plan="ESSENTIAL", psp=False)

    await player.go_to(OCTOBER)

    mails = [mail for mail in await shown(player) if mail["title"].endswith("invoice 2 for $39.00")]
    assert [mail["address"] for mail in mails] == ["founder@example.com", "gone@example.com"]
    assert {mail["writtenAt"][:10] for mail in mails} == {"2026-10-01"}


async def test_what_becomes_of_an_invoice_is_told_in_words(operator: Api) -> None:
    player = await new_player(operator, now=SEPTEMBER, name="Credit")
    await player.do("subscriptionStart", accountId=player.account_id, plan="ADVANCED", psp=False)
    await player.go_to(datetime(2026, 9, 2, tzinfo=UTC))
    await player.do("planChange", accountId=player.account_id, plan="ESSENTIAL")
    await player.remove("founder")

    await player.go_to(OCTOBER)
    await player.seat("Ada")
    await player.go_to(datetime(2026, 11, 1, tzinfo=UTC))

    told = [notice["body"] for notice in await notices(player) if notice["kind"] == "INVOICE_ISSUED"]
    assert told == [
        "Invoice 1 of 1 Sep 2026 comes to $99.00. It is charged to the Visa that ends in 4242.",
        "Invoice 2 of 1 Oct 2026 comes to -$19.00. $19.00 is kept as credit for what comes next; there is nothing to pay.",
        "Invoice 3 of 1 Nov 2026 comes to $39.00. $20.00 of it is charged to the Visa that ends in 4242.",
    ]
