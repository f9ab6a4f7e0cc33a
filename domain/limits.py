"""Hard limits (section 9): at or over one the channel is off for the rest of the usage period; below, it is on again.

A limit stops the product, never the record: what was sent all the same is recorded and billed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from domain.pricebook import Metric
from domain.refusal import Refusal

LARGEST_LIMIT = 10**12


class SwitchCause(StrEnum):
    """What turned a channel off or on."""

    USAGE = "USAGE"
    LIMIT_SET = "LIMIT_SET"
    LIMIT_TURNED_OFF = "LIMIT_TURNED_OFF"
    NEW_PERIOD = "NEW_PERIOD"


@dataclass(eq=False)
class LimitOutOfRange(Refusal):
    """A limit is a whole number from 0."""

    template = "A limit of {value} cannot be kept; give a whole number from 0 to {largest:,}."
    value: int
    largest: int = LARGEST_LIMIT


@dataclass(eq=False)
class LimitNotSet(Refusal):
    """There is no limit to turn off."""

    template = "No {metric} limit is set here; nothing was changed."
    metric: str


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit as of a usage period: `value` units (None: off), and whether the channel is off because of it."""

    value: int | None = None
    is_disabled: bool = False
    cycle: date | None = None


@dataclass(frozen=True, slots=True)
class Use:
    """What a limit is held to: the usage period that runs, since which day, and its total; a trial has no limits."""

    cycle: date
    total: int
    is_trial: bool = False


@dataclass(frozen=True, slots=True)
class Switch:
    """A channel turned off or on under a limit, at a total of the running period."""

    is_disabled: bool
    cause: SwitchCause
    value: int | None
    total: int


@dataclass(frozen=True, slots=True)
class Held:
    """A limit after a look at it, and the switches that took place, first to last."""

    limit: Limit
    switches: tuple[Switch, ...] = ()


def hold(limit: Limit, use: Use) -> Held:
    """Hold a limit to the usage of the running period; one carried into a new period is enabled first, unless it is 0."""
    opened = _open(limit, use)
    return _switch(opened, use, SwitchCause.USAGE)


def set_limit(limit: Limit, value: int, use: Use) -> Held:
    """Set a limit: at or below what is used it disables at once, above it enables (section 9).

    Raises LimitOutOfRange.
    """
    if not 0 <= value <= LARGEST_LIMIT:
        raise LimitOutOfRange(value)
    opened = _open(limit, use)
    changed = Held(replace(opened.limit, value=value), opened.switches)
    return _switch(changed, use, SwitchCause.LIMIT_SET)


def turn_off(limit: Limit, *, metric: Metric, total: int) -> Held:
    """Turn a limit off: the channel is on again; raises LimitNotSet."""
    if limit.value is None:
        raise LimitNotSet(metric)
    off = replace(limit, value=None, is_disabled=False)
    if not limit.is_disabled:
        return Held(off)
    return Held(
        off, (Switch(is_disabled=False, cause=SwitchCause.LIMIT_TURNED_OFF, value=None, total=total),)
    )


def is_disabled_in(limit: Limit, cycle: date, *, is_trial: bool) -> bool:
    """Tell whether the channel is off in the usage period that began on a day, from the last look at the limit.

    A new period enables it before anybody has looked, except at a limit of 0.
    """
    if is_trial or limit.value is None:
        return False
    if limit.cycle is not None and limit.cycle >= cycle:
        return limit.is_disabled
    return limit.value == 0


def notice(switch: Switch, *, metric: Metric, label: str, where: str, period_end: str) -> tuple[str, str]:
    """Write the title and text of the notice of a switch."""
    if not switch.is_disabled:
        return f"{label} is on again in {where}", f"{label} is on again in {where}: {_WHY_ON[switch.cause]}."
    until = f"until {period_end}, or until the limit is raised or turned off"
    if switch.value == 0:
        until = "until the limit is raised or turned off"
    text = (
        f"{label} in {where} stands at {switch.total:,}, its limit is {switch.value:,}: the channel is off {until}. "
        f"What is still sent is recorded and billed."
    )
    return f"{label} is off in {where}", f"{text} {FIN_HANDOVER}" if metric is Metric.FIN_RESOLUTION else text


def notice_facts(switch: Switch, *, label: str, where: str) -> dict[str, str]:
    """Write what the mail of a switch shows."""
    facts = {"where": where, "metric": label, "total": f"{switch.total:,}"}
    return facts if switch.value is None else {**facts, "limit": f"{switch.value:,}"}


FIN_HANDOVER = (
    "New conversations go straight to the handover steps, running ones at the customer's next message."
)

_WHY_ON = {
    SwitchCause.USAGE: "usage fell below the limit",
    SwitchCause.LIMIT_SET: "the limit is above what is used",
    SwitchCause.LIMIT_TURNED_OFF: "the limit was turned off",
    SwitchCause.NEW_PERIOD: "a new usage period began",
}


def _open(limit: Limit, use: Use) -> Held:
    """Carry a limit into the running usage period."""
    if limit.cycle is not None and limit.cycle >= use.cycle:
        return Held(limit)
    stays = limit.is_disabled and limit.value == 0 and not use.is_trial
    opened = replace(limit, cycle=use.cycle, is_disabled=stays)
    if limit.is_disabled == stays:
        return Held(opened)
    switch = Switch(is_disabled=stays, cause=SwitchCause.NEW_PERIOD, value=limit.value, total=0)
    return Held(opened, (switch,))


def _switch(held: Held, use: Use, cause: SwitchCause) -> Held:
    limit = held.limit
    is_over = limit.value is not None and use.total >= limit.value and not use.is_trial
    if is_over == limit.is_disabled:
        return held
    switch = Switch(is_disabled=is_over, cause=cause, value=limit.value, total=use.total)
    return Held(replace(limit, is_disabled=is_over), (*held.switches, switch))
