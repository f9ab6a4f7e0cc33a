"""Entitlements (section 9): may a workspace use a channel now, and if not, why not; the first reason found is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from domain.billing import running_period
from domain.calendar import local_day, opening, show_day
from domain.limits import FIN_HANDOVER, Limit, is_disabled_in
from domain.phases import Phase, PhaseKind, phase_at
from domain.pricebook import Metric


class Barrier(StrEnum):
    """Why a workspace may not use a channel."""

    NO_SUBSCRIPTION = "NO_SUBSCRIPTION"
    SUBSCRIPTION_ENDED = "SUBSCRIPTION_ENDED"
    ACCOUNT_FROZEN = "ACCOUNT_FROZEN"
    NEEDS_PSP = "NEEDS_PSP"
    TRIAL_CAP_REACHED = "TRIAL_CAP_REACHED"
    ACCOUNT_LIMIT_REACHED = "ACCOUNT_LIMIT_REACHED"
    WORKSPACE_LIMIT_REACHED = "WORKSPACE_LIMIT_REACHED"


@dataclass(frozen=True, slots=True)
class Standing:
    """What decides about a workspace's channels at a moment; `trial_units` are the account's, by metric."""

    phases: tuple[Phase, ...]
    now: datetime
    zone: ZoneInfo
    is_frozen: bool = False
    trial_units: Mapping[Metric, int] = field(default_factory=dict)
    account_limits: Mapping[Metric, Limit] = field(default_factory=dict)
    workspace_limits: Mapping[Metric, Limit] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entitlement:
    """Whether a channel may be used; a barrier comes with a sentence that says what to do."""

    metric: Metric
    barrier: Barrier | None = None
    message: str | None = None

    @property
    def is_allowed(self) -> bool:
        """Whether it may be used now."""
        return self.barrier is None


def entitlements(standing: Standing) -> tuple[Entitlement, ...]:
    """Decide about every channel (section 9)."""
    return tuple(_entitlement(standing, metric) for metric in Metric)


def _entitlement(standing: Standing, metric: Metric) -> Entitlement:
    barrier = _barrier(standing, metric)
    if barrier is None:
        return Entitlement(metric)
    message = _ADVICE[barrier]
    if barrier in _LIMITS:
        message = f"{message} {_until(standing, metric, barrier)}"
        if metric is Metric.FIN_RESOLUTION:
            message = f"{message} {FIN_HANDOVER}"
    return Entitlement(metric, barrier, message)


def _barrier(standing: Standing, metric: Metric) -> Barrier | None:
    phase = phase_at(standing.phases, standing.now, standing.zone)
    if phase is None:
        return Barrier.SUBSCRIPTION_ENDED if standing.phases else Barrier.NO_SUBSCRIPTION
    prices, is_trial = phase.book.metrics[metric], phase.kind is PhaseKind.TRIAL
    cycle = _cycle(standing, phase)
    checks = (
        (Barrier.ACCOUNT_FROZEN, standing.is_frozen),
        (Barrier.NEEDS_PSP, prices.needs_psp and phase.psp_at(standing.now, standing.zone) is None),
        (
            Barrier.TRIAL_CAP_REACHED,
            is_trial
            and prices.trial_cap is not None
            and standing.trial_units.get(metric, 0) >= prices.trial_cap,
        ),
        (
            Barrier.ACCOUNT_LIMIT_REACHED,
            is_disabled_in(standing.account_limits.get(metric, Limit()), cycle, is_trial=is_trial),
        ),
        (
            Barrier.WORKSPACE_LIMIT_REACHED,
            is_disabled_in(standing.workspace_limits.get(metric, Limit()), cycle, is_trial=is_trial),
        ),
    )
    return next((barrier for barrier, stands in checks if stands), None)


def _cycle(standing: Standing, phase: Phase) -> date:
    return running_period(phase, local_day(standing.now, standing.zone)).start


def _until(standing: Standing, metric: Metric, barrier: Barrier) -> str:
    """Say when a new period lifts a limit; a limit of 0 is never lifted by time."""
    held = standing.account_limits if barrier is Barrier.ACCOUNT_LIMIT_REACHED else standing.workspace_limits
    phase = phase_at(standing.phases, standing.now, standing.zone)
    if phase is None or held[metric].value == 0:
        return "A limit of 0 stays in force in every period."
    period = running_period(phase, local_day(standing.now, standing.zone))
    opens = opening(period.end, standing.zone)
    return f"The new period enables it on {show_day(period.end)} ({opens:%Y-%m-%d %H:%M} UTC)."


_LIMITS = frozenset({Barrier.ACCOUNT_LIMIT_REACHED, Barrier.WORKSPACE_LIMIT_REACHED})

_ADVICE: Mapping[Barrier, str] = {
    Barrier.NO_SUBSCRIPTION: "The account has no subscription; start one or a trial.",
    Barrier.SUBSCRIPTION_ENDED: "The account's subscription has ended; start a new one.",
    Barrier.ACCOUNT_FROZEN: "The account is frozen until every open invoice is paid.",
    Barrier.NEEDS_PSP: "Messages need Proactive Support Plus; add it to the subscription.",
    Barrier.TRIAL_CAP_REACHED: "The trial's free units of this channel are used up; start the paid subscription.",
    Barrier.ACCOUNT_LIMIT_REACHED: "The account's hard limit is reached; raise it or turn it off.",
    Barrier.WORKSPACE_LIMIT_REACHED: "The workspace's hard limit is reached; raise it or turn it off.",
}
