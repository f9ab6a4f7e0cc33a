"""How each refusal about corrections and moves by staff is provoked; cases as in `refusal_cases`."""

from __future__ import annotations

from typing import Any

from domain.invoicing import ChargeOnItsWay, CreditNoteTooLarge, InvoiceNotOpen
from domain.refunds import PaymentNotTaken, RefundTooLarge
from domain.seats import TooManyLiteSeats
from services.accounts import UnknownAccount
from services.moves import DifferentClocks, SameAccount, WorkspaceLeft
from services.seatdates import DatesOutOfOrder, NothingToCorrect
from tests.api.refusal_cases import NOW, Asked, Case, Installation, bare, case, pending, subscribed
from tests.scenarios.player import Player

MORE: dict[str, dict[str, Any]] = {
    "creditNoteCreate": {"amount": "1.00", "reason": "goodwill"},
    "invoiceVoid": {"reason": "by mistake"},
    "invoiceWriteOff": {"reason": "they went away"},
}


async def first_invoice(player: Player) -> str:
    """Give the id of an account's first invoice."""
    invoice_id: str = (await player.invoices())[0]["id"]
    return invoice_id


def on_its_way(mutation: str) -> Case:
    """Ask it of an invoice whose charge was asked for and not answered."""

    async def arrange(at: Installation) -> Asked:
        player = await subscribed(at)
        await player.pay_with("tok_visa")
        at.provider.misbehave({"kind": "drop_before", "target": "charge"})
        invoice_id = await first_invoice(player)
        await player.do("invoicePay", invoiceId=invoice_id)
        return {"invoiceId": invoice_id, **MORE[mutation]}, ChargeOnItsWay(1)

    return arrange


def not_open(mutation: str) -> Case:
    """Ask it of an invoice that was given up."""

    async def arrange(at: Installation) -> Asked:
        player = await subscribed(at)
        invoice_id = await first_invoice(player)
        await player.do("invoiceWriteOff", invoiceId=invoice_id, reason="they went away")
        return {"invoiceId": invoice_id, **MORE[mutation]}, InvoiceNotOpen(1, "UNCOLLECTIBLE")

    return arrange


for _mutation in MORE:
    case(_mutation, ChargeOnItsWay)(on_its_way(_mutation))
    case(_mutation, InvoiceNotOpen)(not_open(_mutation))


@case("creditNoteCreate", CreditNoteTooLarge)
async def forgive_more_than_was_billed(at: Installation) -> Asked:
    given = {"invoiceId": await first_invoice(await subscribed(at)), "amount": "39.01", "reason": "goodwill"}
    return given, CreditNoteTooLarge(1, "$39.00", "$39.01")


@case("seatDatesCorrect", NothingToCorrect)
async def correct_an_invite(at: Installation) -> Asked:
    teammate_id = await pending(await bare(at))
    return {"teammateId": teammate_id, "acceptedOn": "2026-09-09"}, NothingToCorrect()


@case("seatDatesCorrect", DatesOutOfOrder)
async def accept_in_the_future(at: Installation) -> Asked:
    player = await bare(at)
    return {"teammateId": player.creator_id, "acceptedOn": "2026-09-11"}, DatesOutOfOrder()


async def beside(at: Installation, player: Player) -> str:
    """Open another account on the same clock."""
    opened = await at.api.do("accountCreate", "account { id }", name="B", testClockId=player.clock_id)
    account_id: str = opened["account"]["id"]
    return account_id


@case("workspaceMove", UnknownAccount)
async def move_to_nobody(at: Installation) -> Asked:
    return {"workspaceId": (await bare(at)).workspace_id, "toAccountId": "nobody"}, UnknownAccount()


@case("workspaceMove", SameAccount)
async def move_where_it_is(at: Installation) -> Asked:
    player = await bare(at)
    return {"workspaceId": player.workspace_id, "toAccountId": player.account_id}, SameAccount()


@case("workspaceMove", DifferentClocks)
async def move_to_another_time(at: Installation) -> Asked:
    there = (await bare(at)).account_id
    return {"workspaceId": (await bare(at)).workspace_id, "toAccountId": there}, DifferentClocks()


@case("workspaceMove", WorkspaceLeft)
async def move_what_has_left(at: Installation) -> Asked:
    player = await bare(at)
    given = {"workspaceId": player.workspace_id, "toAccountId": await beside(at, player)}
    await player.do("workspaceMove", **given)
    return given, WorkspaceLeft(NOW.date().isoformat())


@case("workspaceMove", TooManyLiteSeats)
async def move_without_room(at: Installation) -> Asked:
    player = await bare(at)
    await player.seat("ann", seat="LITE")
    there = await beside(at, player)
    workspace = {"name": "Sales", "creatorName": "Bo", "creatorEmail": "bo@example.com"}
    await at.api.do("workspaceCreate", "__typename", accountId=there, **workspace)
    await at.api.do("subscriptionStart", "__typename", accountId=there, plan="ESSENTIAL")
    given = {"workspaceId": player.workspace_id, "toAccountId": there}
    return given, TooManyLiteSeats("Essential", 0, 1, 1, "ann")


@case("refundCreate", PaymentNotTaken)
async def refund_what_was_declined(at: Installation) -> Asked:
    given = await payment_of(at, "tok_declined")
    return {**given, "amount": "1.00", "reason": "goodwill"}, PaymentNotTaken("DECLINED")


@case("refundCreate", RefundTooLarge)
async def refund_without_credit(at: Installation) -> Asked:
    given = await payment_of(at, "tok_visa")
    return {**given, "amount": "1.00", "reason": "goodwill"}, RefundTooLarge("$0.00", "$1.00")


async def payment_of(at: Installation, token: str) -> dict[str, Any]:
    """Give the first payment of an account that pays with some card."""
    player = await subscribed(at)
    await player.pay_with(token)
    await player.do("invoicePay", invoiceId=await first_invoice(player))
    found = await at.api.ask(
        "query ($id: ID!) { account(id: $id) { payments { edges { node { id } } } } }", id=player.account_id
    )
    return {"paymentId": found["account"]["payments"]["edges"][0]["node"]["id"]}
