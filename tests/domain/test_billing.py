"""A bill read before it is issued is the invoice's own computation; a close looks back no further than it must."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from domain.billing import at_moment, converted, look_back, preview, run_rate, running_period
from domain.calendar import Period
from domain.invoicing import Billed, next_lines
from domain.pricebook import Metric, Plan
from domain.subscriptions import (
    ConversionChosen,
    Ended,
    PhaseKind,
    PlanChanged,
    PspAdded,
    PspRemoved,
    Started,
    TrialStarted,
)
from tests.domain.builders import (
    BOOK,
    Recordable,
    Units,
    add_billed,
    at,
    full,
    gone,
    history,
    lite,
    on,
    record,
)

TICK = timedelta(microseconds=1)
ANN = full("ann", at("2026-08-31"))
START = Started(at("2026-09-01"), Plan.ESSENTIAL, False, BOOK.version)
TRIAL = TrialStarted(at("2026-09-01"), Plan.ESSENTIAL, BOOK.version)
SEPTEMBER = Period(on("2026-09-01"), on("2026-10-01"))


def rate(*whats: Recordable, moment: str = "2026-09-20") -> int:
    facts = history(record(*whats))
    now = at_moment(facts, at(moment))
    assert now is not None
    return run_rate(facts, at(moment), now)


@pytest.mark.parametrize(
    ("period_start", "dirty_from", "since"),
    [
        ("2026-03-31", None, "2026-02-28"),
        ("2026-03-31", "2026-04-05", "2026-02-28"),
        ("2026-03-31", "2026-03-30", "2026-02-28"),
        ("2026-03-31", "2026-02-28", "2026-02-28"),
        ("2026-03-31", "2026-02-27", "2026-01-31"),
        ("2026-05-31", "2026-02-28", "2026-02-28"),
        ("2026-05-31", None, "2026-04-30"),
    ],
)
def test_a_close_looks_back_to_the_last_closed_period_or_that_of_a_late_fact(
    period_start: str, dirty_from: str | None, since: str
) -> None:
    dirty = date.fromisoformat(dirty_from) if dirty_from else None

    assert look_back(anchor=on("2026-01-31"), period_start=on(period_start), dirty_from=dirty) == on(since)


def test_finds_the_running_period_and_its_invoice() -> None:
    facts = history(record(ANN, START))

    assert at_moment(facts, START.at - TICK) is None
    for moment in (START.at, at("2026-09-30", "23:59")):
        now = at_moment(facts, moment)
        assert now is not None
        assert (now.period, now.invoice_on) == (SEPTEMBER, on("2026-10-01"))
    following = at_moment(facts, at("2026-10-01", "00:00"))
    assert following is not None
    assert following.invoice_on == on("2026-11-01")


def test_a_trial_is_one_period() -> None:
    now = at_moment(history(record(TRIAL)), at("2026-09-10"))

    assert now is not None
    assert (now.phase.kind, now.period) == (PhaseKind.TRIAL, Period(on("2026-09-01"), on("2026-09-15")))


def test_the_last_period_is_cut_at_the_end_of_the_subscription() -> None:
    (phase,) = history(record(ANN, START, Ended(at("2026-10-15")))).phases()

    assert running_period(phase, on("2026-10-10")) == Period(on("2026-10-01"), on("2026-10-15"))
    assert running_period(phase, on("2026-09-10")) == SEPTEMBER


@pytest.mark.parametrize(
    ("whats", "cents"),
    [
        ((ANN, START), 39_00),
        ((START,), 39_00),
        ((ANN, START, full("bob", at("2026-09-20"))), 78_00),
        ((ANN, START, full("bob", at("2026-09-20", "12:01"))), 39_00),
        ((ANN, START, full("bob", at("2026-09-10")), gone("bob", at("2026-09-20"))), 39_00),
        ((ANN, START, lite("bob", at("2026-09-10"))), 39_00),
        ((ANN, START, PlanChanged(at("2026-09-10"), Plan.EXPERT)), 139_00),
        ((ANN, START, PspAdded(at("2026-09-10"))), 138_00),
        ((ANN, START, PspAdded(at("2026-09-10")), PspRemoved(at("2026-09-11"))), 39_00),
        ((ANN, TRIAL), 0),
    ],
)
def test_the_run_rate_is_a_full_period_of_what_is_subscribed_to_now(
    whats: tuple[Recordable, ...], cents: int
) -> None:
    moment = "2026-09-12" if TRIAL in whats else "2026-09-20"

    assert rate(*whats, moment=moment) == cents


def test_the_preview_is_the_next_invoice_if_nothing_more_happens() -> None:
    facts = history(
        record(ANN, START, full("bob", at("2026-09-15")), Units(Metric.SMS_SEGMENT, on("2026-09-16"), 10))
    )
    billed: dict[str, Billed] = {}
    add_billed(billed, next_lines(facts, billed, on=on("2026-09-01")))
    now = at_moment(facts, at("2026-09-20"))
    assert now is not None

    lines = preview(facts, billed, now=now, since=on("2026-09-01"))

    assert lines == next_lines(facts, billed, on=on("2026-10-01"))
    assert sum(line.amount for line in lines) == 60 + 41_60 - 20_80 + 78_00


def test_a_trial_is_previewed_as_what_it_becomes() -> None:
    choice = ConversionChosen(at("2026-09-02"), Plan.EXPERT, True)
    facts = converted(history(record(ANN, TRIAL, choice)), choice)

    lines = next_lines(facts, {}, on=on("2026-09-15"))

    assert [(line.description, line.amount) for line in lines] == [
        ("Expert: 1 seat", 139_00),
        ("Proactive Support Plus", 99_00),
    ]
    assert all(line.service == Period(on("2026-09-15"), on("2026-10-15")) for line in lines)
