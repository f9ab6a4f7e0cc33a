"""Alerts (section 9): a threshold has levels, and each level tells once a usage period; alerts never stop anything.

A threshold set above what is used is in force at once, one set at or below it from the next period. Each threshold set
has a version of its own: that is what "once per level and threshold" counts by.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from zoneinfo import ZoneInfo

from domain.calendar import ONE_DAY, Period
from domain.invoicing import Line
from domain.money import cents, show_cents
from domain.monthly import monthly_rate
from domain.phases import Phase, PhaseKind
from domain.pricebook import Metric, PriceBook
from domain.refusal import Refusal
from domain.sections import Section
from domain.usage import metered_cost

WHOLE = 100
EARLY = (50, 80)
CENTS_PER_DOLLAR = 100
SPENT_IN = frozenset({Section.ADDITIONAL_USAGE, Section.PRORATIONS})
LARGEST_THRESHOLD = 10**12


class AlertMetric(StrEnum):
    """What an alert watches: units of a usage metric, full seats held, or dollars of the next invoice."""

    MESSAGES_SENT = "MESSAGES_SENT"
    BULK_EMAIL = "BULK_EMAIL"
    SMS_SEGMENT = "SMS_SEGMENT"
    WHATSAPP_SENT = "WHATSAPP_SENT"
    PHONE_MINUTE = "PHONE_MINUTE"
    FIN_RESOLUTION = "FIN_RESOLUTION"
    FULL_SEATS = "FULL_SEATS"
    TOTAL_SPEND = "TOTAL_SPEND"

    @property
    def metric(self) -> Metric | None:
        """The usage metric; None for seats and spend."""
        return Metric(self) if self in Metric.__members__ else None

    @property
    def steps(self) -> int:
        """How many of what is counted make one of the threshold: spend is counted in cents, its threshold is in dollars."""
        return CENTS_PER_DOLLAR if self is AlertMetric.TOTAL_SPEND else 1


class Passing(StrEnum):
    """Why a level is over for this usage period."""

    FIRED = "FIRED"
    COVERED = "COVERED"
    SKIPPED = "SKIPPED"


@dataclass(eq=False)
class ThresholdOutOfRange(Refusal):
    """A threshold is a whole number from 1."""

    template = "A threshold of {threshold} cannot be watched; give a whole number from 1 to {largest:,}."
    threshold: int
    largest: int = LARGEST_THRESHOLD


@dataclass(eq=False)
class SpendIsPerAccount(Refusal):
    """An invoice is the account's, and so is its alert."""

    template = "Total spend is watched for the whole billing account; set this alert on the account."


@dataclass(eq=False)
class AlertNotSet(Refusal):
    """There is no alert to turn off."""

    template = "No {metric} alert is set here; nothing was changed."
    metric: str


@dataclass(frozen=True, slots=True)
class Threshold:
    """A threshold in units, seats or dollars; `version` tells it from all others this alert has had."""

    value: int
    version: int


@dataclass(frozen=True, slots=True)
class Mark:
    """A level of a threshold version that is over for this usage period."""

    version: int
    level: int


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert as of a usage period: `done` marks the levels that are over for it, `cycle` is the day it began."""

    metric: AlertMetric
    in_force: Threshold | None = None
    pending: Threshold | None = None
    also_at_50_and_80: bool = False
    versions: int = 0
    cycle: date | None = None
    done: frozenset[Mark] = frozenset()

    @property
    def is_enabled(self) -> bool:
        """Whether it will ever tell anything."""
        return self.in_force is not None or self.pending is not None

    @property
    def levels(self) -> tuple[int, ...]:
        """Percentages it tells at, rising."""
        return (*EARLY, WHOLE) if self.also_at_50_and_80 else (WHOLE,)


@dataclass(frozen=True, slots=True)
class Passed:
    """A level passed at a total, and whether it is told, covered by a higher one told at the same stroke, or skipped."""

    threshold: Threshold
    level: int
    passing: Passing
    total: int


@dataclass(frozen=True, slots=True)
class Watched:
    """An alert after a look at it, and the levels that passed."""

    alert: Alert
    passed: tuple[Passed, ...] = ()

    @property
    def fired(self) -> Passed | None:
        """The level to tell of: the highest of those passed at one stroke."""
        return next((each for each in self.passed if each.passing is Passing.FIRED), None)


def is_reached(metric: AlertMetric, *, level: int, threshold: int, total: int) -> bool:
    """Tell whether a total, spend in cents, has reached a level: 100 x total >= percent x threshold (section 9)."""
    return WHOLE * total >= level * threshold * metric.steps


def reached_at(metric: AlertMetric, *, level: int, threshold: int) -> int:
    """Give the least total, spend in cents, that reaches a level."""
    return -(-level * threshold * metric.steps // WHOLE)


def in_cycle(alert: Alert, cycle: date) -> Alert:
    """Carry an alert into the usage period that began on a day: what was pending is in force, all levels are open again."""
    if alert.cycle is not None and alert.cycle >= cycle:
        return alert
    return replace(
        alert, in_force=alert.pending or alert.in_force, pending=None, cycle=cycle, done=frozenset()
    )


def set_threshold(alert: Alert, value: int, *, also_at_50_and_80: bool, current: int) -> Watched:
    """Set the threshold and the 50/80 option while `current` is used in the running period (section 9).

    Above what is used it is in force at once and replaces a pending one; its levels already passed are skipped. At or
    below it is pending. The value in force, set again, is no new threshold. Raises ThresholdOutOfRange.
    """
    check_threshold(value)
    before = alert.levels
    changed = replace(alert, also_at_50_and_80=also_at_50_and_80)
    if alert.in_force is not None and alert.in_force.value == value:
        changed = replace(changed, pending=None)
        return _skip(changed, [level for level in changed.levels if level not in before], current)
    fresh = Threshold(value, alert.versions + 1)
    if value * alert.metric.steps > current:
        changed = replace(changed, in_force=fresh, pending=None, versions=fresh.version)
        return _skip(changed, changed.levels, current)
    changed = replace(changed, pending=fresh, versions=fresh.version)
    return _skip(changed, [level for level in changed.levels if level not in before], current)


def turn_off(alert: Alert) -> Alert:
    """Turn the alert off at once, dropping what is in force and what is pending; raises AlertNotSet."""
    if not alert.is_enabled:
        raise AlertNotSet(alert.metric)
    return replace(alert, in_force=None, pending=None)


def watch(alert: Alert, total: int, *, before: int | None = None) -> Watched:
    """Look at an alert at a total of the running period: of the open levels reached, the highest is told (section 9).

    With `before`, as for seats, only levels the total has just risen to: those held before are no news.
    """
    threshold = alert.in_force
    if threshold is None:
        return Watched(alert)
    risen = [
        level
        for level in alert.levels
        if Mark(threshold.version, level) not in alert.done
        and is_reached(alert.metric, level=level, threshold=threshold.value, total=total)
        and not (
            before is not None
            and is_reached(alert.metric, level=level, threshold=threshold.value, total=before)
        )
    ]
    highest = max(risen, default=0)
    passed = tuple(
        Passed(threshold, level, Passing.FIRED if level == highest else Passing.COVERED, total)
        for level in risen
    )
    return _marked(alert, passed)


def check_threshold(value: int) -> None:
    """Refuse a threshold nobody can reach or everybody has; raises ThresholdOutOfRange."""
    if not 1 <= value <= LARGEST_THRESHOLD:
        raise ThresholdOutOfRange(value)


def check_scope(metric: AlertMetric, *, is_workspace: bool) -> None:
    """Refuse an alert on total spend of a workspace; raises SpendIsPerAccount."""
    if metric is AlertMetric.TOTAL_SPEND and is_workspace:
        raise SpendIsPerAccount


def price_of_threshold(
    metric: AlertMetric, threshold: int, *, phase: Phase, period: Period, zone: ZoneInfo
) -> int:
    """Give, in cents, what reaching a threshold costs beyond what is included or committed (section 9).

    As if the threshold were the account's whole total, priced as the invoice of the running period bills it; for seats
    a month of those above what is purchased, committed or bundled; for spend the threshold itself. A trial is free.
    """
    if metric is AlertMetric.TOTAL_SPEND:
        return threshold * CENTS_PER_DOLLAR
    if metric.metric is not None:
        return metered_cost(phase, period, metric.metric, threshold, zone)
    return cents(_seats_price(phase, period, threshold, zone))


def spend(lines: Iterable[Line]) -> int:
    """Give, in cents, the total spend of a previewed invoice: additional usage and prorations (section 9)."""
    return sum(line.amount for line in lines if line.section in SPENT_IN)


def label_of(metric: AlertMetric, book: PriceBook) -> str:
    """Name what an alert watches."""
    if metric.metric is not None:
        return book.metrics[metric.metric].label
    return "Full seats" if metric is AlertMetric.FULL_SEATS else "Total spend"


def notice(metric: AlertMetric, fired: Passed, *, label: str, where: str, period: Period) -> tuple[str, str]:
    """Write the title and text of the notice of a level."""
    threshold = _show(metric, fired.threshold.value * metric.steps)
    so_far = _show(metric, fired.total)
    title = f"{label} reached {fired.level} % of {threshold} in {where}"
    if metric is AlertMetric.FULL_SEATS:
        happened = f"{so_far} full seats are held in {where}"
    elif metric is AlertMetric.TOTAL_SPEND:
        happened = f"Additional usage and prorations of {where} come to {so_far} on the next invoice"
    else:
        happened = f"{label} in {where} stands at {so_far} for {period}"
    return title, f"{happened}: {fired.level} % of its threshold of {threshold}. Nothing was stopped."


def notice_facts(
    metric: AlertMetric, fired: Passed, *, label: str, where: str, period: Period, price: int
) -> dict[str, str]:
    """Write what the mail of a level shows; `price` in cents is what reaching the threshold costs."""
    return {
        "where": where,
        "metric": label,
        "level": str(fired.level),
        "total": _show(metric, fired.total),
        "threshold": _show(metric, fired.threshold.value * metric.steps),
        "period": str(period),
        "price": show_cents(price),
    }


def _seats_price(phase: Phase, period: Period, seats: int, zone: ZoneInfo) -> int:
    """Give, in price units, what a month of full seats costs beyond those paid for anyway."""
    match phase.kind:
        case PhaseKind.TRIAL:
            return 0
        case PhaseKind.MONTHLY:
            return seats * phase.book.plans[phase.plan].monthly
        case PhaseKind.EARLY_STAGE:
            bundled = monthly_rate(phase, period, held=1, has_psp=True)
            return monthly_rate(phase, period, held=seats, has_psp=True) - bundled
        case PhaseKind.YEARLY:
            paid = phase.purchased_on(period.end - ONE_DAY, zone)
        case PhaseKind.CONTRACT:
            paid = phase.terms_on(period.end - ONE_DAY, zone).seats
        case _:
            raise ValueError(f"seats of a {phase.kind} phase have no price")
    return max(0, seats - paid) * phase.book.plans[phase.plan].monthly


def _skip(alert: Alert, levels: Iterable[int], current: int) -> Watched:
    """Mark levels of the threshold in force that are passed already: they are not told in this period."""
    threshold = alert.in_force
    if threshold is None:
        return Watched(alert)
    passed = tuple(
        Passed(threshold, level, Passing.SKIPPED, current)
        for level in levels
        if Mark(threshold.version, level) not in alert.done
        and is_reached(alert.metric, level=level, threshold=threshold.value, total=current)
    )
    return _marked(alert, passed)


def _marked(alert: Alert, passed: tuple[Passed, ...]) -> Watched:
    marks = {Mark(each.threshold.version, each.level) for each in passed}
    return Watched(replace(alert, done=alert.done | marks), passed)


def _show(metric: AlertMetric, amount: int) -> str:
    return show_cents(amount) if metric is AlertMetric.TOTAL_SPEND else f"{amount:,}"
