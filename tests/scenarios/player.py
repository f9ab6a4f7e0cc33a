"""An account on a test clock, played through GraphQL: time, people, plan, usage and money, as a client would do it.

Going anywhere in time, the player stops just before each period's end, reads what the preview and the usage page
promise, and holds the invoice that is then issued to it, to the cent.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from tests.application import Api

TICK = timedelta(microseconds=1)

LINES = "section description amount { amount } servicePeriod { start end } explanation isAdjustment"
PAYMENTS = "attempt status amount { amount } createdAt declineCode isHardDecline reason"
INVOICE = f"""
    id number invoiceOn status total {{ amount }} creditApplied {{ amount }} due {{ amount }} paidAt
    sections {{ section total {{ amount }} lines {{ {LINES} }} }}
    lines {{ {LINES} }}
    payments {{ {PAYMENTS} }}
    collection {{ nextAttemptAt freezeOn explanation }}
"""
INVOICES = f"""
    query ($id: ID!) {{
      account(id: $id) {{
        frozenAt creditBalance {{ amount }} invoices(first: 100) {{ edges {{ node {{ {INVOICE} }} }} }}
      }}
    }}"""
PREVIEW = f"""
    query ($id: ID!) {{
      account(id: $id) {{
        usage {{ metrics {{ label cost {{ amount }} }} }}
        subscription {{
          status
          nextInvoice {{
            invoiceOn total {{ amount }} creditApplied {{ amount }} due {{ amount }}
            sections {{ section total {{ amount }} lines {{ {LINES} }} }}
          }}
        }}
      }}
    }}"""
PERIOD = "query ($id: ID!) { account(id: $id) { subscription { currentPeriod { end } } } }"
USAGE_ON = "query ($id: ID!, $on: Date!) { account(id: $id) { usage(on: $on) { metrics { label cost { amount } } } } }"


@dataclass(frozen=True, slots=True)
class Sent:
    """A usage event as a client sends it."""

    event_id: str
    metric: str
    quantity: int
    at: datetime


@dataclass(slots=True)
class Player:
    """One account with one workspace on a clock of its own. `balances` holds the credit after each invoice, in cents."""

    api: Api
    zone: ZoneInfo
    now: datetime
    clock_id: str
    account_id: str
    workspace_id: str
    creator_id: str
    people: dict[str, str] = field(default_factory=dict)
    balances: dict[int, int] = field(default_factory=dict)

    async def do(self, mutation: str, fields: str = "__typename", **given: Any) -> dict[str, Any]:
        """Run a mutation that must not be refused."""
        result = await self.api.do(mutation, fields, **given)
        assert result["__typename"].endswith("Payload"), (mutation, given, result)
        return result

    async def go_to(self, moment: datetime) -> None:
        """Advance the clock, holding every invoice issued on the way to its preview."""
        while (ends_at := await self._period_end()) and ends_at <= moment:
            await self._advance(max(ends_at - TICK, self.now))
            promised = (await self.api.ask(PREVIEW, id=self.account_id))["account"]
            before = len(await self.invoices())
            await self._advance(ends_at)
            await self._hold_to(promised, before=before)
        await self._advance(moment)

    async def invoices(self) -> list[dict[str, Any]]:
        """Give the account's invoices, oldest first."""
        account = (await self.api.ask(INVOICES, id=self.account_id))["account"]
        invoices = [edge["node"] for edge in reversed(account["invoices"]["edges"])]
        if invoices:
            self.balances.setdefault(invoices[-1]["number"], cents(account["creditBalance"]))
        return invoices

    async def account(self) -> dict[str, Any]:
        """Give the account as it stands: when it was frozen, and its credit."""
        found: dict[str, Any] = (await self.api.ask(INVOICES, id=self.account_id))["account"]
        return found

    async def seat(self, name: str, *, seat: str = "FULL") -> None:
        """Invite a person, who accepts at once."""
        invited = await self.do(
            "teammateInvite",
            "teammate { id }",
            workspaceId=self.workspace_id,
            name=name,
            email=f"{name}@example.com",
            seat=seat,
        )
        self.people[name] = invited["teammate"]["id"]
        await self.do("seatAccept", teammateId=self.people[name])

    async def switch(self, name: str, *, seat: str) -> None:
        """Switch a person's seat."""
        await self.do("seatSwitch", teammateId=self.people[name], seat=seat)

    async def remove(self, name: str) -> None:
        """Remove a person."""
        await self.do("teammateRemove", teammateId=self.people[name])

    async def use(self, events: Iterable[Sent]) -> None:
        """Send usage events, all of which must be accepted."""
        shown = [_shown(event) for event in events]
        result = await self.do(
            "usageRecord",
            "accepted outcomes { status reason }",
            workspaceId=self.workspace_id,
            events=shown,
        )
        assert result["accepted"] == len(shown), result

    async def take_back(self, event_id: str) -> None:
        """Take a usage event back."""
        await self.do("usageTakeBack", workspaceId=self.workspace_id, eventId=event_id, reason="by mistake")

    async def pay_with(self, token: str) -> None:
        """Store a payment method."""
        await self.do("paymentMethodSet", accountId=self.account_id, token=token)

    async def usage_costs(self, on: date) -> dict[str, int]:
        """Give what the usage page says each metric costs in the period that holds a date, leaving out zeros."""
        shown = await self.api.ask(USAGE_ON, id=self.account_id, on=on.isoformat())
        return _costs(shown["account"]["usage"])

    async def _advance(self, moment: datetime) -> None:
        await self.do("testClockAdvance", testClockId=self.clock_id, to=moment.isoformat())
        self.now = moment

    async def _period_end(self) -> datetime | None:
        subscription = (await self.api.ask(PERIOD, id=self.account_id))["account"]["subscription"]
        if subscription is None:
            return None
        return opening(date.fromisoformat(subscription["currentPeriod"]["end"]), self.zone)

    async def _hold_to(self, promised: dict[str, Any], *, before: int) -> None:
        """Check that what was just issued is what was previewed, and bills the usage that was shown.

        Of two invoices on one day the preview tells the lines of both; a preview for a later day promises none today.
        """
        preview = promised["subscription"]["nextInvoice"]
        issued = (await self.invoices())[before:]
        if preview is None or preview["invoiceOn"] != self.now.astimezone(self.zone).date().isoformat():
            assert issued == []
        else:
            assert {invoice["invoiceOn"] for invoice in issued} == {preview["invoiceOn"]}
            assert sum(cents(invoice["total"]) for invoice in issued) == cents(preview["total"])
            assert sum(due_at_issue(invoice) for invoice in issued) == cents(preview["due"])
            assert sorted(_shown_lines(issued)) == sorted(_shown_lines([preview]))
        if len(issued) == 1:
            assert issued[0]["creditApplied"] == preview["creditApplied"]
            assert issued[0]["sections"] == preview["sections"]
        if promised["subscription"]["status"] == "ACTIVE":
            labels = {metric["label"] for metric in promised["usage"]["metrics"]}
            billed = [billed_first(invoice, labels) for invoice in issued]
            assert {label: amount for one in billed for label, amount in one.items()} == _costs(
                promised["usage"]
            )


async def new_player(
    api: Api, *, now: datetime, zone: str = "UTC", token: str | None = "tok_visa", name: str = "Acme"
) -> Player:
    """Open an account with a workspace on a new clock; its creator holds a full seat."""
    clock = await api.do("testClockCreate", "testClock { id }", name=name, now=now.isoformat())
    clock_id = clock["testClock"]["id"]
    opened = await api.do("accountCreate", "account { id }", name=name, timeZone=zone, testClockId=clock_id)
    account_id = opened["account"]["id"]
    made = await api.do(
        "workspaceCreate",
        "workspace { id teammates { edges { node { id } } } }",
        accountId=account_id,
        name="Support",
        creatorName="Founder",
        creatorEmail="founder@example.com",
    )
    workspace = made["workspace"]
    creator_id = workspace["teammates"]["edges"][0]["node"]["id"]
    player = Player(api, ZoneInfo(zone), now, clock_id, account_id, workspace["id"], creator_id)
    player.people["founder"] = creator_id
    if token is not None:
        await player.pay_with(token)
    return player


def cents(money: dict[str, str]) -> int:
    """Read money as whole cents."""
    amount = Decimal(money["amount"]) * 100
    assert amount == int(amount), money
    return int(amount)


def opening(day: date, zone: ZoneInfo) -> datetime:
    """Give the moment at which a local day opens, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def due_at_issue(invoice: dict[str, Any]) -> int:
    """Give the cents that were due before any payment."""
    paid = [cents(each["amount"]) for each in invoice["payments"] if each["status"] == "SUCCEEDED"]
    return cents(invoice["due"]) + sum(paid)


def billed_first(invoice: dict[str, Any], labels: Collection[str]) -> dict[str, int]:
    """Give the cents of each metric billed for the period just over, leaving adjustments of earlier ones out."""
    return {
        line["description"]: cents(line["amount"])
        for line in invoice["lines"]
        if line["description"] in labels and line["servicePeriod"]["end"] == invoice["invoiceOn"]
    }


def billed_usage(invoices: Iterable[dict[str, Any]], on: date) -> dict[str, int]:
    """Give the cents billed for each metric's usage in the period that holds a date, adjustments and all."""
    billed: dict[str, int] = {}
    for invoice in invoices:
        for line in invoice["lines"]:
            service = line["servicePeriod"]
            if line["section"] == "ADDITIONAL_USAGE" and service["start"] <= on.isoformat() < service["end"]:
                label = line["description"].removeprefix("Adjustment: ")
                billed[label] = billed.get(label, 0) + cents(line["amount"])
    return {label: amount for label, amount in billed.items() if amount}


def _shown_lines(invoices: Iterable[dict[str, Any]]) -> Iterator[tuple[str, ...]]:
    for invoice in invoices:
        for group in invoice["sections"]:
            for line in group["lines"]:
                service, amount = line["servicePeriod"], line["amount"]["amount"]
                yield line["description"], service["start"], service["end"], amount, line["explanation"]


def _costs(usage: dict[str, Any]) -> dict[str, int]:
    costs = {metric["label"]: cents(metric["cost"]) for metric in usage["metrics"]}
    return {label: amount for label, amount in costs.items() if amount}


def _shown(event: Sent) -> dict[str, Any]:
    shown = {
        "eventId": event.event_id,
        "metric": event.metric,
        "quantity": event.quantity,
        "at": event.at.isoformat(),
    }
    if event.metric == "MESSAGES_SENT":
        shown["channel"] = "POST"
    if event.metric == "FIN_RESOLUTION":
        shown["conversationId"] = f"conversation {event.event_id}"
    return shown
