"""The lines of an invoice (section 5), issued or to come: each with its arithmetic and its causes, grouped by section."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import strawberry

from adapters.tables import invoices as tables
from adapters.tables.subscriptions import SubscriptionFact
from api.context import Info
from api.enums import Section, Stream
from api.periods import Period, dates, period
from api.scalars import BigInt, Money, UnitPrice, money
from api.teammates import Teammate, teammate
from domain.invoicing import Line


@strawberry.type(description="Units of a line that fall in one tier.")
class TierPart:
    """A step of a graduated line."""

    first: BigInt = strawberry.field(description="First unit of the tier.")
    last: BigInt | None = strawberry.field(description="Last unit of the tier; null for no end.")
    units: BigInt = strawberry.field(description="Units that fall in it.")
    unit_price: UnitPrice = strawberry.field(description="Price of each in dollars.")


@strawberry.type(description="A dated fact behind a line.")
class Cause:
    """Why a line exists."""

    kind: str = strawberry.field(
        description="What happened: STARTED, PLAN_CHANGED, PSP_ADDED, SEAT_FULL, SEAT_LITE, SEAT_ENDED and so on."
    )
    at: datetime = strawberry.field(description="When it became true.")
    recorded_at: datetime = strawberry.field(description="When it was recorded.")
    teammate_key: strawberry.Private[tuple[UUID, UUID] | None]

    @strawberry.field(description="The teammate whose seat it was about.")
    async def teammate(self, info: Info) -> Teammate | None:
        """Load the teammate."""
        if self.teammate_key is None:
            return None
        row = await info.context.loaders.teammates.load(self.teammate_key)
        return teammate(row) if row else None


@strawberry.type(description="One line of an invoice.")
class InvoiceLine:
    """A charge or an adjustment."""

    section: Section = strawberry.field(description="The section it stands in.")
    description: str = strawberry.field(description="What it is for.")
    quantity: BigInt | None = strawberry.field(
        description="Seats or units; below zero for what is given back."
    )
    unit_price: UnitPrice | None = strawberry.field(
        description="Price of one for a full period, in dollars; null where tiers apply."
    )
    tiers: list[TierPart] = strawberry.field(description="The tiers its units fall in.")
    service_period: Period = strawberry.field(description="The dates it is for.")
    billing_period: Period = strawberry.field(description="The billing period it belongs to.")
    amount: Money = strawberry.field(description="Its amount, rounded once.")
    explanation: str = strawberry.field(description="The arithmetic in full.")
    is_adjustment: bool = strawberry.field(
        description="Whether it corrects what an earlier invoice billed for the same thing."
    )
    change: str | None = strawberry.field(description="Joins the two lines of one proration pair.")
    account_id: strawberry.Private[UUID]
    positions: strawberry.Private[Sequence[int]]

    @strawberry.field(
        description="The dated facts that caused it; usage lines come from the usage of their period."
    )
    async def causes(self, info: Info) -> list[Cause]:
        """Load the facts."""
        found = await info.context.loaders.facts.load_many(
            [(self.account_id, position) for position in self.positions]
        )
        causes = []
        for row in found:
            if isinstance(row, SubscriptionFact):
                causes.append(Cause(kind=row.kind, at=row.at, recorded_at=row.recorded_at, teammate_key=None))
            elif row is not None:
                key = (row.account_id, row.teammate_id)
                kind = f"SEAT_{row.seat or 'ENDED'}"
                causes.append(Cause(kind=kind, at=row.at, recorded_at=row.recorded_at, teammate_key=key))
        return causes


@strawberry.type(
    description="A change inside a period: what its days left cost, less what was charged for them."
)
class ProrationChange:
    """The two lines of a pair and their net."""

    service_period: Period = strawberry.field(description="The days left, from the change on.")
    net: Money = strawberry.field(description="Remaining time less unused time.")
    lines: list[InvoiceLine] = strawberry.field(description="The lines.")


@strawberry.type(description="The lines of one section.")
class InvoiceSectionGroup:
    """A section with its total."""

    section: Section = strawberry.field(description="The section.")
    label: str = strawberry.field(description="Its heading.")
    total: Money = strawberry.field(description="The sum of its lines.")
    lines: list[InvoiceLine] = strawberry.field(description="Its lines.")
    changes: list[ProrationChange] = strawberry.field(description="Its proration pairs with their nets.")


def made_line(account_id: UUID, line: Line) -> InvoiceLine:
    """Show a line that no invoice has yet."""
    return InvoiceLine(
        section=line.section,
        description=line.description,
        quantity=None if line.quantity is None else BigInt(line.quantity),
        unit_price=None if line.unit_price is None else UnitPrice(line.unit_price),
        tiers=[tier_part(part.first, part.last, part.units, part.price) for part in line.tiers],
        service_period=period(line.service),
        billing_period=period(line.period),
        amount=money(line.amount),
        explanation=line.explanation,
        is_adjustment=line.is_adjustment,
        change=line.change,
        account_id=account_id,
        positions=line.causes,
    )


def stored_line(row: tables.InvoiceLine) -> InvoiceLine:
    """Show a line of an issued invoice."""
    return InvoiceLine(
        section=Section(row.section),
        description=row.description,
        quantity=None if row.quantity is None else BigInt(row.quantity),
        unit_price=None if row.unit_price is None else UnitPrice(row.unit_price),
        tiers=[tier_part(**part) for part in row.tiers],
        service_period=dates(row.service_start, row.service_end),
        billing_period=dates(row.period_start, row.period_end),
        amount=money(row.amount_cents),
        explanation=row.explanation,
        is_adjustment=row.is_adjustment,
        change=row.change_key,
        account_id=row.account_id,
        positions=row.causes,
    )


def tier_part(first: int, last: int | None, units: int, price: int) -> TierPart:
    """Show the units that fall in one tier."""
    return TierPart(
        first=BigInt(first),
        last=None if last is None else BigInt(last),
        units=BigInt(units),
        unit_price=UnitPrice(price),
    )


def issued_sections(row: tables.Invoice, lines: Iterable[tables.InvoiceLine]) -> list[InvoiceSectionGroup]:
    """Group the lines of an issued invoice; only the monthly ones of a yearly term have prorations beside usage."""
    is_yearly = row.stream in {Stream.ADDITIONAL_USAGE, Stream.CHANGE}
    return grouped([stored_line(line) for line in lines], is_yearly=is_yearly)


def grouped(lines: list[InvoiceLine], *, is_yearly: bool) -> list[InvoiceSectionGroup]:
    """Group lines by section; sums are of the lines' own rounded amounts."""
    groups = []
    for section in Section:
        own = [line for line in lines if line.section is section]
        if own:
            groups.append(
                InvoiceSectionGroup(
                    section=section,
                    label=section.label(is_yearly=is_yearly),
                    total=_sum(own),
                    lines=own,
                    changes=_changes(own),
                )
            )
    return groups


def _changes(lines: Iterable[InvoiceLine]) -> list[ProrationChange]:
    pairs: dict[str, list[InvoiceLine]] = {}
    for line in lines:
        if line.change is not None:
            pairs.setdefault(line.change, []).append(line)
    return [
        ProrationChange(service_period=pair[0].service_period, net=_sum(pair), lines=pair)
        for pair in pairs.values()
    ]


def _sum(lines: Iterable[InvoiceLine]) -> Money:
    return Money(amount=sum((line.amount.amount for line in lines), start=Decimal("0.00")), currency="USD")
