"""Small words for domain tests: moments, the record of an account, and the invoices its facts lead to."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import domain
from domain.billing import look_back
from domain.calendar import Stamp, local_day, opening
from domain.charges import History
from domain.facts import Fact, Started
from domain.folding import phases
from domain.invoicing import Billed, Line, Settlement, next_lines, settle, total
from domain.phases import Phase, PhaseKind
from domain.pricebook import Metric, PriceBook, read_price_book
from domain.seats import SeatChange, SeatType
from domain.sections import Stream


def dearer(document: Mapping[str, Any], *, version: int) -> dict[str, Any]:
    """Give a price book document with other prices of plans, of the add-on, of text messages and of resolutions."""
    other: dict[str, Any] = copy.deepcopy(dict(document))
    other["version"] = version
    for plan, monthly, yearly in (
        ("ESSENTIAL", "45", "400"),
        ("ADVANCED", "110", "1068"),
        ("EXPERT", "151.50", "1700"),
    ):
        other["plans"][plan] |= {"monthly": monthly, "yearly": yearly}
    other["psp"] = {"monthly": "109", "yearly": "1308"}
    other["metrics"]["SMS_SEGMENT"]["tiers"] = [
        {"upTo": 500, "price": "0.0700"},
        {"upTo": 1000, "price": "0.0333"},
        {"upTo": None, "price": "0.0125"},
    ]
    other["metrics"]["FIN_RESOLUTION"]["tiers"] = [{"upTo": None, "price": "1.0450"}]
    return other


DOCUMENT: Mapping[str, Any] = json.loads((Path(domain.__path__[0]) / "pricebook.json").read_text())
BOOK: PriceBook = read_price_book(DOCUMENT)
DEARER: PriceBook = read_price_book(dearer(DOCUMENT, version=2))
"""A second price book to migrate to: Essential at $45.00, the rest dearer too, but for text messages in bulk."""

BOOKS: Mapping[int, PriceBook] = {BOOK.version: BOOK, DEARER.version: DEARER}
UTC_ZONE = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Units:
    """Units recorded for a day; fewer than none when a usage event is taken back."""

    metric: Metric
    day: date
    units: int


Recordable: TypeAlias = Fact | SeatChange | Units


@dataclass(frozen=True, slots=True)
class Entry:
    """Something the account's record holds, and the stamp from which it is known."""

    known: Stamp
    what: Recordable


@dataclass(frozen=True, slots=True)
class Issued:
    """An issued invoice: its lines in order, and what its total did to the balance."""

    on: date
    lines: tuple[Line, ...]
    settlement: Settlement
    stream: Stream = Stream.SUBSCRIPTION

    @property
    def total(self) -> int:
        """Sum of the lines, in cents."""
        return total(self.lines)


def at(day: str, clock: str = "12:00", zone: str = "UTC") -> datetime:
    """Give a moment by its local date and time."""
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def on(day: str) -> date:
    """Read a date."""
    return date.fromisoformat(day)


def full(teammate: str, moment: datetime, order: int = 0) -> SeatChange:
    """Give a teammate a full seat."""
    return SeatChange(teammate, SeatType.FULL, moment, order)


def lite(teammate: str, moment: datetime, order: int = 0) -> SeatChange:
    """Give a teammate a lite seat."""
    return SeatChange(teammate, SeatType.LITE, moment, order)


def gone(teammate: str, moment: datetime, order: int = 0) -> SeatChange:
    """Take a teammate's seat away."""
    return SeatChange(teammate, None, moment, order)


def record(*whats: Recordable, late: Mapping[int, datetime] | None = None, zone: str = "UTC") -> list[Entry]:
    """Record facts in this order, each at its own moment, usage as its day opens; `late` gives later moments by place."""
    entries = []
    for order, what in enumerate(whats, start=1):
        moment = opening(what.day, ZoneInfo(zone)) if isinstance(what, Units) else what.at
        known = (late or {}).get(order - 1, moment)
        placed = what if isinstance(what, Units) else replace(what, order=order)
        entries.append(Entry((known, order), placed))
    return entries


def history(
    entries: Iterable[Entry],
    *,
    zone: ZoneInfo = UTC_ZONE,
    before: Stamp | None = None,
    usage_since: date = date.min,
) -> History:
    """Gather what is known before a stamp."""
    known = [entry.what for entry in entries if before is None or _is_known(entry, before)]
    usage: Counter[tuple[Metric, date]] = Counter()
    for what in known:
        if isinstance(what, Units) and what.day >= usage_since:
            usage[what.metric, what.day] += what.units
    return History(
        zone=zone,
        facts=tuple(what for what in known if not isinstance(what, Units | SeatChange)),
        seat_changes=tuple(what for what in known if isinstance(what, SeatChange)),
        usage=usage,
        books=BOOKS,
    )


def paid_phase(entries: Iterable[Entry], zone: ZoneInfo = UTC_ZONE) -> Phase:
    """Find the paid phase the facts lead to."""
    found = phases(history(entries, zone=zone).facts, zone, BOOKS)
    return next(phase for phase in found if phase.kind is PhaseKind.MONTHLY)


def bill(
    entries: Sequence[Entry], *, through: date, zone: ZoneInfo = UTC_ZONE, cut: bool = False
) -> list[Issued]:
    """Issue every invoice dated up to and including `through`, each from what is known when it is made.

    With `cut`, an invoice recomputes only the periods that facts recorded since the one before can have moved.
    """
    phase = paid_phase(entries, zone)
    issued: list[Issued] = []
    billed: dict[str, Billed] = {}
    balance, made_before = 0, phase.opened
    for period in phase.months(through):
        opens = phase.opens(period, zone)
        known = (opens[0], opens[1] + 1) if opens == phase.opened else opens
        since = (
            _since(entries, phase, on=period.start, after=made_before, before=known, zone=zone)
            if cut
            else None
        )
        facts = history(entries, zone=zone, before=known, usage_since=since or date.min)
        considered = {
            key: line for key, line in billed.items() if since is None or line.period.start >= since
        }
        lines = next_lines(facts, considered, on=period.start, since=since)
        made_before = known
        if not lines:
            continue
        settlement = settle(total(lines), balance)
        balance = settlement.balance
        add_billed(billed, lines)
        issued.append(Issued(period.start, lines, settlement))
    return issued


def add_billed(billed: dict[str, Billed], lines: Iterable[Line]) -> None:
    """Add issued lines to what was billed for each charge."""
    for line in lines:
        first = billed.get(line.key)
        before = first.amount if first else 0
        description = first.description if first else line.description
        billed[line.key] = Billed(
            line.section,
            description,
            line.period,
            line.service,
            before + line.amount,
            line.change,
        )


def _is_known(entry: Entry, before: Stamp) -> bool:
    """A start as its day opens is recorded late, and known to the invoice it causes."""
    if isinstance(entry.what, Started) and entry.what.as_day_opens:
        return entry.what.at <= before[0]
    return entry.known < before


def _since(
    entries: Iterable[Entry], phase: Phase, *, on: date, after: Stamp, before: Stamp, zone: ZoneInfo
) -> date:
    """Look back no further than the period that has just ended, or the earliest a fact recorded since belongs to."""
    new = [entry.what for entry in entries if after <= entry.known < before]
    days = [what.day if isinstance(what, Units) else local_day(what.at, zone) for what in new]
    return look_back(
        anchor=phase.start,
        period_start=on,
        billing_months=phase.billing_months,
        dirty_from=min(days, default=None),
    )
