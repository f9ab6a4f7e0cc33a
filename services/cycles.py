"""The usage period that runs for an account, and what is used in it: units, seats, and dollars of the next invoice."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.queries import alerts as queries
from adapters.queries import subscriptions as subscription_queries
from adapters.queries.alerts import Span
from domain.alerts import AlertMetric, spend
from domain.billing import running_period
from domain.calendar import Period, local_day
from domain.phases import Phase, PhaseKind, phase_on
from services import histories, previews
from services.accounts import AccountNow


@dataclass(frozen=True, slots=True)
class Cycle:
    """The usage period that runs, and the phase of the subscription it belongs to."""

    phase: Phase
    period: Period

    @property
    def is_trial(self) -> bool:
        """Whether nothing is billed and no limit holds in it."""
        return self.phase.kind is PhaseKind.TRIAL


@dataclass(frozen=True, slots=True)
class Counted:
    """What is used: by account, workspace and alert metric, and of each account its spend in cents."""

    used: dict[tuple[UUID, UUID, str], int] = field(default_factory=dict)
    spent: dict[UUID, int] = field(default_factory=dict)

    def total(self, account_id: UUID, workspace_id: UUID | None, metric: str) -> int:
        """Give what is used in one scope; without a workspace, of the account's pool."""
        if metric == AlertMetric.TOTAL_SPEND:
            return self.spent.get(account_id, 0)
        if workspace_id is not None:
            return self.used.get((account_id, workspace_id, metric), 0)
        return sum(
            number
            for (account, _, counted), number in self.used.items()
            if (account, counted) == (account_id, metric)
        )


class Carried(Protocol):
    """Something kept as of a usage period of its account."""

    account_id: UUID
    cycle_start: date


def reached(rows: Iterable[Carried]) -> dict[UUID, date]:
    """Give, by account, the latest day on which a usage period was seen to have begun."""
    found: dict[UUID, date] = {}
    for row in rows:
        found[row.account_id] = max(row.cycle_start, found.get(row.account_id, row.cycle_start))
    return found


async def running(
    session: AsyncSession, accounts: Sequence[AccountNow], *, reached: Mapping[UUID, date] | None = None
) -> dict[UUID, Cycle]:
    """Give the running usage period of each account with a subscription, by the account's own clock and calendar.

    Not a close but the date opens it. `reached` names days that were seen to have begun: a request that had to wait
    for a close carries a moment from before it.
    """
    rows = await subscription_queries.live(session, [account.id for account in accounts])
    folded = await histories.phases_of(session, accounts, list(rows.values()))
    found: dict[UUID, Cycle] = {}
    for account in accounts:
        if account.id not in rows:
            continue
        day = max(local_day(account.now, account.zone), (reached or {}).get(account.id, date.min))
        phase = phase_on(folded[rows[account.id].id], day)
        if phase is not None:
            found[account.id] = Cycle(phase, running_period(phase, day))
    return found


async def count(
    session: AsyncSession,
    accounts: Sequence[AccountNow],
    *,
    cycles: Mapping[UUID, Cycle],
    metrics: Collection[str],
) -> Counted:
    """Count what is used of some alert metrics in the running periods; what nobody asks for is not read."""
    counted = Counted()
    going = [account for account in accounts if account.id in cycles]
    usage = {metric for metric in metrics if AlertMetric(metric).metric is not None}
    if usage:
        spans = [Span(account.id, *_dates(cycles[account.id].period)) for account in going]
        counted.used.update(await queries.totals(session, spans, metrics=usage))
    if AlertMetric.FULL_SEATS in metrics:
        held = await queries.full_seats(session, [account.id for account in going])
        counted.used.update({(*key, AlertMetric.FULL_SEATS.value): number for key, number in held.items()})
    if AlertMetric.TOTAL_SPEND in metrics:
        overviews = await previews.overviews(session, going)
        for account_id, overview in overviews.items():
            lines = overview.next_invoice.lines if overview.next_invoice else ()
            counted.spent[account_id] = spend(lines)
    return counted


def _dates(period: Period) -> tuple[date, date]:
    return period.start, period.end
