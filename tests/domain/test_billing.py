"""A bill read before it is issued is the invoice's own computation; a close looks back no further than it must."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from domain.billing import (
    LONGEST_MONTH,
    at_moment,
    converted,
    forecast,
    look_back,
    preview,
    run_rate,
    running_period,
)
from domain.calendar import Period
from domain.facts import (
    BookMigrated,
    Cancelled,
    Commitment,
    ContractSigned,
    ContractTerms,
    ConversionChosen,
    EarlyStageStarted,
    Ended,
    PlanChanged,
    PspAdded,
    PspRemoved,
    RenewalSet,
    SeatsPurchased,
    Started,
    TrialStarted,
    YearlyStarted,
)
from domain.invoicing import Billed, next_invoices, next_lines, total
from domain.phases import PhaseKind
from domain.pricebook import Metric, Plan
from domain.sections import Stream
from tests.domain.builders import (
    BOOK,
    DEARER,
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
    ("period_start", "billing_months", "dirty_from", "since"),
    [
        ("2026-03-31", 1, None, "2026-02-28"),
        ("2026-03-31", 1, "2026-04-05", "2026-02-28"),
        ("2026-03-31", 1, "2026-03-30", "2026-02-28"),
        ("2026-03-31", 1, "2026-02-28", "2026-02-28"),
        ("2026-03-31", 1, "2026-02-27", "2026-02-27"),
        ("2026-05-31", 1, "2026-02-28", "2026-02-28"),
        ("2026-05-31", 1, None, "2026-04-30"),
        ("2026-05-31", 3, None, "2026-04-30"),
        ("2026-06-30", 3, None, "2026-04-30"),
        ("2026-07-31", 3, None, "2026-04-30"),
        ("2026-07-31", 3, "2026-02-10", "2026-02-10"),
        ("2026-07-31", 12, None, "2026-01-31"),
        ("2027-01-31", 12, None, "2026-01-31"),
        ("2027-02-28", 12, None, "2027-01-31"),
    ],
)
def test_a_close_looks_back_a_month_beyond_the_last_period_billed_ahead_or_a_late_fact(
    period_start: str, billing_months: int, dirty_from: str | None, since: str
) -> None:
    found = look_back(
        anchor=on("2026-01-31"),
        period_start=on(period_start),
        billing_months=billing_months,
        dirty_from=on(dirty_from) if dirty_from else None,
    )

    assert found == on(since) - LONGEST_MONTH


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

    found = preview(facts, billed, now=now, since=on("2026-09-01"))

    assert found.on == on("2026-10-01")
    assert found.lines == next_lines(facts, billed, on=on("2026-10-01"))
    assert sum(line.amount for line in found.lines) == 60 + 41_60 - 20_80 + 78_00


def test_a_trial_is_previewed_as_what_it_becomes() -> None:
    choice = ConversionChosen(at("2026-09-02"), Plan.EXPERT, True)
    facts = converted(history(record(ANN, TRIAL, choice)), choice)

    lines = next_lines(facts, {}, on=on("2026-09-15"))

    assert [(line.description, line.amount) for line in lines] == [
        ("Expert: 1 seat", 139_00),
        ("Proactive Support Plus", 99_00),
    ]
    assert all(line.service == Period(on("2026-09-15"), on("2026-10-15")) for line in lines)


YEARLY = YearlyStarted(at("2026-09-01"), Plan.ADVANCED, 3, True, BOOK.version)
TERMS = ContractTerms(
    Plan.ADVANCED, 12, 3, 2, usage=(Commitment(Metric.BULK_EMAIL, 500),), psp_from=on("2026-09-10")
)
CONTRACT = ContractSigned(at("2026-09-01"), TERMS, BOOK.version)
EARLY = EarlyStageStarted(at("2026-09-01"), BOOK.version)
SEVEN = tuple(full(f"teammate {number}", at("2026-08-31")) for number in range(7))


@pytest.mark.parametrize(
    ("whats", "moment", "cents"),
    [
        pytest.param((YEARLY,), "2026-09-20", 3 * 1_020_00 + 1_188_00, id="a term's seats and add-on"),
        pytest.param((*SEVEN, YEARLY), "2026-09-20", 4_248_00, id="purchased, held or not"),
        pytest.param(
            (YEARLY, SeatsPurchased(at("2026-09-20"), 5)), "2026-09-20", 5 * 1_020_00 + 1_188_00, id="bought"
        ),
        pytest.param(
            (YEARLY, RenewalSet(at("2026-09-10"), seats=1, plan=Plan.ESSENTIAL)),
            "2027-08-31",
            4_248_00,
            id="not yet what is set for the renewal",
        ),
        pytest.param(
            (YEARLY, RenewalSet(at("2026-09-10"), seats=1, plan=Plan.ESSENTIAL)),
            "2027-09-01",
            348_00 + 1_188_00,
            id="what was set for the renewal",
        ),
        pytest.param((CONTRACT,), "2026-09-09", 3 * (2 * 99_00 + 20_00), id="a commitment"),
        pytest.param((CONTRACT,), "2026-09-20", 3 * (2 * 99_00 + 20_00 + 99_00), id="with its add-on"),
        pytest.param(
            (*SEVEN, CONTRACT),
            "2026-09-20",
            3 * (7 * 99_00 + 20_00 + 99_00),
            id="and the seats above it",
        ),
        pytest.param((EARLY,), "2026-09-20", 65_00, id="the programme's first year"),
        pytest.param((*SEVEN, EARLY), "2027-09-01", 451_50 + 49_50, id="its second year, a seat above"),
        pytest.param((*SEVEN, EARLY), "2029-09-01", 7 * 99_00 + 99_00, id="after it"),
        pytest.param(
            (ANN, START, BookMigrated(at("2026-09-16"), DEARER.version)), "2026-09-20", 45_00, id="migrated"
        ),
    ],
)
def test_the_run_rate_of_every_kind_is_what_a_full_period_of_it_costs(
    whats: tuple[Recordable, ...], moment: str, cents: int
) -> None:
    assert rate(*whats, moment=moment) == cents


@pytest.mark.parametrize(
    ("whats", "moment", "invoice_on", "invoices"),
    [
        pytest.param(
            (YEARLY,), "2026-09-20", "2027-09-01", [(Stream.SUBSCRIPTION, 4_248_00)], id="a quiet term"
        ),
        pytest.param(
            (YEARLY, Units(Metric.BULK_EMAIL, on("2026-09-10"), 500)),
            "2026-09-20",
            "2026-10-01",
            [(Stream.ADDITIONAL_USAGE, 20_00)],
            id="usage of a term",
        ),
        pytest.param(
            (YEARLY, RenewalSet(at("2026-09-10"), seats=1, is_psp=False)),
            "2026-09-20",
            "2027-09-01",
            [(Stream.SUBSCRIPTION, 1_020_00)],
            id="a renewal set",
        ),
        pytest.param(
            (YEARLY, Cancelled(at("2026-09-10"))), "2026-09-20", "2026-10-01", [], id="a cancelled quiet term"
        ),
        pytest.param(
            (ANN, START, Cancelled(at("2026-09-10")), full("bob", at("2026-09-16"))),
            "2026-09-20",
            "2026-10-01",
            [(Stream.FINAL, 19_50)],
            id="a cancelled month",
        ),
        pytest.param(
            (CONTRACT, Units(Metric.SMS_SEGMENT, on("2026-09-10"), 500)),
            "2026-09-20",
            "2026-10-01",
            [(Stream.ADDITIONAL_USAGE, 30_00)],
            id="usage of a contract",
        ),
        pytest.param(
            (CONTRACT,),
            "2026-09-20",
            "2026-12-01",
            [(Stream.SUBSCRIPTION, 3 * (198_00 + 20_00 + 99_00))],
            id="a quiet contract",
        ),
        pytest.param(
            (ANN, START, BookMigrated(at("2026-09-25", "00:00"), DEARER.version, as_day_opens=True)),
            "2026-09-20",
            "2026-09-25",
            [(Stream.FINAL, -7_80), (Stream.SUBSCRIPTION, 9_00)],
            id="a migration to come",
        ),
        pytest.param(
            (EARLY,), "2026-09-20", "2026-10-01", [(Stream.SUBSCRIPTION, 65_00)], id="the programme"
        ),
    ],
)
def test_the_preview_of_every_kind_is_the_first_date_with_an_invoice(
    whats: tuple[Recordable, ...], moment: str, invoice_on: str, invoices: list[tuple[Stream, int]]
) -> None:
    facts = history(record(*whats))
    billed: dict[str, Billed] = {}
    for _, lines in next_invoices(facts, billed, on=on("2026-09-01")):
        add_billed(billed, lines)
    now = at_moment(facts, at(moment))
    assert now is not None

    found = preview(facts, billed, now=now, since=on("2026-08-01"))

    assert found.on == on(invoice_on)
    assert [(stream, total(lines)) for stream, lines in found.invoices] == invoices


def test_the_running_period_goes_by_the_accounts_own_dates() -> None:
    auckland = ZoneInfo("Pacific/Auckland")
    start = Started(at("2026-09-01", "08:00", "Pacific/Auckland"), Plan.ESSENTIAL, False, BOOK.version)
    facts = history(record(start), zone=auckland)

    before = at_moment(facts, at("2026-09-30", "23:59", "Pacific/Auckland"))
    after = at_moment(facts, at("2026-10-01", "00:00", "Pacific/Auckland"))

    assert before is not None
    assert after is not None
    assert (before.invoice_on, after.invoice_on) == (on("2026-10-01"), on("2026-11-01"))


def test_the_preview_recomputes_no_further_back_than_it_is_told() -> None:
    facts = history(record(ANN, START, Units(Metric.SMS_SEGMENT, on("2026-09-16"), 10)))
    now = at_moment(facts, at("2026-10-20"))
    assert now is not None

    found = preview(facts, {}, now=now, since=on("2026-10-01"))

    assert [(line.key, line.amount) for line in found.lines] == [
        ("seats:2026-10-01", 39_00),
        ("seats:2026-11-01", 39_00),
    ]


def test_the_preview_of_what_ends_is_its_final_invoice_and_then_nothing() -> None:
    cancelled = Cancelled(at("2026-09-10"))
    facts = history(record(ANN, START, cancelled, Units(Metric.SMS_SEGMENT, on("2026-09-16"), 10)))
    quiet = history(record(ANN, START, cancelled))
    billed: dict[str, Billed] = {}
    add_billed(billed, next_lines(facts, billed, on=on("2026-09-01")))
    now = at_moment(facts, at("2026-09-20"))
    assert now is not None

    found, nothing = (preview(each, billed, now=now, since=on("2026-09-01")) for each in (facts, quiet))

    assert (found.on, [line.amount for line in found.lines]) == (on("2026-10-01"), [60])
    assert (nothing.on, nothing.lines) == (on("2026-10-01"), ())


@pytest.mark.parametrize(
    ("day", "emails", "expected"),
    [
        ("2026-09-10", 400, 40_60),  # 400 in 10 of 30 days: 1,200
        ("2026-09-01", 10, 12_00),  # 10 in the first day: 300
        ("2026-09-30", 400, 16_00),  # the last day: as it is
        ("2026-09-10", 0, 0),
    ],
)
def test_the_forecast_lets_usage_go_on_as_it_has(day: str, emails: int, expected: int) -> None:
    used = [Units(Metric.BULK_EMAIL, on(day), emails), Units(Metric.BULK_EMAIL, on("2026-08-20"), 7)]
    facts = history(record(ANN, START, full("bob", at("2026-09-01", "13:00")), *used))
    billed: dict[str, Billed] = {}
    add_billed(billed, next_lines(facts, billed, on=on("2026-09-01")))
    now = at_moment(facts, at(day, "20:00"))
    assert now is not None

    found = forecast(facts, billed, now=now, since=on("2026-08-01"), today=on(day))

    amounts = {line.section: line.amount for line in found.lines if line.section == "ADDITIONAL_USAGE"}
    assert sum(amounts.values()) == expected
    assert found.on == on("2026-10-01")
    assert (
        sum(line.amount for line in found.lines) == expected + 39_00 + 78_00
    )  # the pair of bob, October ahead
    assert facts.usage.get((Metric.BULK_EMAIL, on(day)), 0) == emails
