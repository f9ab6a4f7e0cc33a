"""Invoices written out as a billing manager reads them, so that a story can be compared with its statement."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from textwrap import dedent
from typing import Any

from tests.application import Api
from tests.scenarios.player import Player, cents, new_player

SUBSCRIPTION = """
    query ($id: ID!) {
      account(id: $id) {
        subscription {
          status plan billing priceBookVersion anchorOn endsOn purchasedSeats liteSeatsIncluded
          runRate { amount } psp { endsOn } term { start end } currentPeriod { start end }
          renewal { renewsOn seats plan psp monthly }
          contract {
            months billingMonths seats seatPrice pspFrom pspUntil usage { metric units monthlyPrice }
          }
          nextInvoice { invoiceOn total { amount } }
        }
      }
    }"""


def at(day: str, hour: int = 12) -> datetime:
    """Give an hour of a date, written "2026-09-15"."""
    return datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC) + timedelta(hours=hour)


async def team(api: Api, *, seats: int, since: str) -> Player:
    """Open an account where some people, the founder among them, hold full seats from an hour of a date on."""
    player = await new_player(api, now=at(since, 10))
    await join(player, seats - 1)
    return player


async def join(player: Player, seats: int) -> None:
    """Let people accept full seats now; they are called mate-2, mate-3 and so on."""
    for _ in range(seats):
        await player.seat(f"mate-{len(player.people) + 1}")


async def do(player: Player, mutation: str, fields: str = "__typename", **given: Any) -> dict[str, Any]:
    """Change the account's bill."""
    return await player.do(mutation, fields, accountId=player.account_id, **given)


async def subscription(player: Player) -> dict[str, Any]:
    """Read the subscription that runs."""
    found: dict[str, Any] = (await player.api.ask(SUBSCRIPTION, id=player.account_id))["account"]
    shown: dict[str, Any] = found["subscription"]
    return shown


async def statement(player: Player, *, since: int = 1) -> str:
    """Write out the account's invoices from a number on."""
    return "\n".join(_written(invoice) for invoice in (await player.invoices())[since - 1 :])


def of(text: str) -> str:
    """Give an expected statement as it is written out: lines as they stand, without the indent of the test."""
    return dedent(text).strip()


def _written(invoice: dict[str, Any]) -> str:
    head = f"{invoice['number']}. {_day(invoice['invoiceOn'])}: {_dollars(invoice['total'])}"
    return "\n".join([head, *(f"   {line}" for line in _lines(invoice["sections"]))])


def _lines(sections: Iterable[dict[str, Any]]) -> Iterable[str]:
    for group in sections:
        for line in group["lines"]:
            service = line["servicePeriod"]
            last = date.fromisoformat(service["end"]) - timedelta(days=1)
            days = f"{_day(service['start'])} - {_day(last.isoformat())}"
            what = re.sub(r" from \d+ \w+ \d+$", "", line["description"])
            yield f"{group['section']} | {what} | {days} | {_dollars(line['amount'])}"


def _day(text: str) -> str:
    day = date.fromisoformat(text)
    return f"{day.day} {day:%b %Y}"


def _dollars(money: dict[str, str]) -> str:
    amount = cents(money)
    return f"{'-' if amount < 0 else ''}${abs(amount) / 100:,.2f}"
