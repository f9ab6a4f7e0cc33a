"""Cuts, renewals, migrations and ends fold into phases; a phase at a moment knows nothing of what comes later."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from domain.calendar import Period, opening_stamp
from domain.facts import (
    BookMigrated,
    Cancelled,
    Commitment,
    ContractAmended,
    ContractEnded,
    ContractSigned,
    ContractTerms,
    EarlyStageStarted,
    Fact,
    PlanChanged,
    PspAdded,
    PspRemoved,
    RenewalSet,
    Resumed,
    SeatsPurchased,
    Started,
    TrialStarted,
    YearlyStarted,
)
from domain.folding import phases
from domain.phases import Parting, Phase, PhaseKind, phase_at, renewal_set
from domain.pricebook import Metric, Plan
from tests.domain.builders import BOOK, BOOKS, DEARER, UTC_ZONE, at, on

TICK = timedelta(microseconds=1)
MONTHLY = Started(at("2026-01-01"), Plan.ADVANCED, True, 1, order=1)
YEARLY = YearlyStarted(at("2026-01-01"), Plan.ADVANCED, 5, True, 1, order=1)
TERMS = ContractTerms(Plan.ADVANCED, 6, 3, 3, psp_from=on("2026-02-10"), psp_until=on("2026-05-10"))
CONTRACT = ContractSigned(at("2026-01-01"), TERMS, 1, order=1)
RENEWAL = on("2027-01-01")


def fold(*facts: Fact) -> tuple[Phase, ...]:
    return phases(facts, UTC_ZONE, BOOKS)


def running(moment: datetime, *facts: Fact) -> Phase:
    phase = phase_at(fold(*facts), moment, UTC_ZONE)
    assert phase is not None
    return phase


@pytest.mark.parametrize(
    ("fact", "kind", "billing_months", "term_months"),
    [
        (MONTHLY, PhaseKind.MONTHLY, 1, 1),
        (EarlyStageStarted(at("2026-01-01"), 1), PhaseKind.EARLY_STAGE, 1, 1),
        (YEARLY, PhaseKind.YEARLY, 12, 12),
        (CONTRACT, PhaseKind.CONTRACT, 3, 6),
    ],
)
def test_each_kind_is_billed_ahead_and_renewed_in_its_own_lengths(
    fact: Fact, kind: PhaseKind, billing_months: int, term_months: int
) -> None:
    (phase,) = fold(fact)

    assert (phase.kind, phase.billing_months, phase.term_months) == (kind, billing_months, term_months)
    assert phase.plan is Plan.ADVANCED


def test_a_switch_to_yearly_cuts_the_month_and_brings_its_own_anchor() -> None:
    month, year = fold(MONTHLY, YearlyStarted(at("2026-03-20"), Plan.ADVANCED, 5, False, 1, order=2))

    assert (month.end, month.parting) == (on("2026-03-20"), Parting.CUT)
    assert (year.start, year.anchor, year.psp) == (on("2026-03-20"), on("2026-03-20"), ())
    assert month.within(month.month_of(on("2026-03-10"))) == Period(on("2026-03-01"), on("2026-03-20"))


def test_a_trial_is_over_and_not_cut_by_what_it_becomes() -> None:
    trial = TrialStarted(at("2026-01-01"), Plan.EXPERT, 1, order=1)

    ended, contract = fold(trial, ContractSigned(at("2026-01-05"), TERMS, 1, order=2))

    assert (ended.end, ended.parting) == (on("2026-01-05"), Parting.OVER)
    assert contract.kind is PhaseKind.CONTRACT


def test_access_goes_from_one_phase_to_the_next_at_the_moment_of_the_cut() -> None:
    cut_at = at("2026-03-20", "15:00")
    found = fold(MONTHLY, YearlyStarted(cut_at, Plan.ADVANCED, 5, False, 1, order=2))

    before, after = (phase_at(found, moment, UTC_ZONE) for moment in (cut_at - TICK, cut_at))

    assert before is not None
    assert after is not None
    assert (before.kind, after.kind) == (PhaseKind.MONTHLY, PhaseKind.YEARLY)


@pytest.mark.parametrize("as_day_opens", [True, False])
def test_a_migration_cuts_a_month_and_keeps_its_anchor_plan_and_add_on(as_day_opens: bool) -> None:
    moment = at("2026-03-16", "00:00" if as_day_opens else "15:00")
    changed = PlanChanged(at("2026-02-01"), Plan.EXPERT, order=2)

    old, new = fold(MONTHLY, changed, BookMigrated(moment, DEARER.version, as_day_opens, order=3))

    assert (old.book, old.end, old.parting) == (BOOK, on("2026-03-16"), Parting.CUT_APART)
    assert (new.book, new.start, new.anchor, new.plan) == (
        DEARER,
        on("2026-03-16"),
        on("2026-01-01"),
        Plan.EXPERT,
    )
    assert new.opened == (opening_stamp(on("2026-03-16"), UTC_ZONE) if as_day_opens else (moment, 3))
    assert [span.until for span in new.psp] == [None]


def test_a_migration_as_a_month_opens_leaves_that_month_to_the_new_book() -> None:
    old, new = fold(MONTHLY, BookMigrated(at("2026-03-01", "00:00"), DEARER.version, True, order=2))

    through = on("2026-03-01")
    assert [month.start for month in old.billed_ahead(through, UTC_ZONE, months=1)] == [
        on("2026-01-01"),
        on("2026-02-01"),
    ]
    assert [month.start for month in new.billed_ahead(through, UTC_ZONE, months=1)] == [on("2026-03-01")]


def test_a_migration_in_the_course_of_a_months_first_day_finds_it_billed_already() -> None:
    old, new = fold(MONTHLY, BookMigrated(at("2026-03-01", "15:00"), DEARER.version, order=2))

    through = on("2026-03-01")
    assert len(list(old.billed_ahead(through, UTC_ZONE, months=1))) == 3
    assert len(list(new.billed_ahead(through, UTC_ZONE, months=1))) == 1


def test_an_add_on_that_leaves_with_its_month_does_not_come_along() -> None:
    removed = PspRemoved(at("2026-02-10"), order=2)

    _, kept = fold(MONTHLY, removed, BookMigrated(at("2026-02-20"), 2, order=3))
    _, gone = fold(MONTHLY, removed, BookMigrated(at("2026-03-01", "00:00"), 2, True, order=3))

    assert [span.until for span in kept.psp] == [on("2026-03-01")]
    assert gone.psp == ()


def test_a_migration_of_a_term_comes_as_it_renews_and_nothing_is_cut() -> None:
    old, new = fold(
        YEARLY,
        SeatsPurchased(at("2026-05-01"), 7, order=2),
        BookMigrated(at("2027-01-01", "00:00"), 2, True, order=3),
    )

    assert (old.end, old.parting) == (RENEWAL, Parting.OVER)
    assert new.book is DEARER
    assert new.purchased_on(RENEWAL, UTC_ZONE) == 7
    assert new.anchor == on("2026-01-01")


@pytest.mark.parametrize(
    "since",
    [
        pytest.param(Cancelled(at("2026-02-10"), order=3), id="cancelled"),
        pytest.param(YearlyStarted(at("2026-02-10"), Plan.ADVANCED, 5, False, 1, order=3), id="yearly"),
        pytest.param(ContractSigned(at("2026-02-10"), TERMS, 1, order=3), id="a contract"),
        pytest.param(BookMigrated(at("2026-02-10"), 2, order=3), id="migrated at once"),
    ],
)
def test_a_migration_lapses_with_what_it_was_scheduled_for(since: Fact) -> None:
    scheduled = BookMigrated(at("2026-03-16", "00:00"), 2, as_day_opens=True, order=2)

    assert fold(MONTHLY, scheduled, since) == fold(MONTHLY, since)


def test_a_migration_still_comes_when_the_cancellation_is_taken_back() -> None:
    scheduled = BookMigrated(at("2026-03-16", "00:00"), 2, as_day_opens=True, order=2)
    back = (Cancelled(at("2026-02-10"), order=3), Resumed(at("2026-02-11"), order=4))

    assert [phase.book for phase in fold(MONTHLY, scheduled, *back)] == [BOOK, DEARER]


def test_what_is_set_for_the_renewal_holds_as_its_day_opens() -> None:
    wanted = RenewalSet(at("2026-05-01"), seats=3, plan=Plan.ESSENTIAL, is_psp=False, order=2)

    (phase,) = fold(YEARLY, wanted)

    assert phase.purchased_on(RENEWAL - timedelta(days=1), UTC_ZONE) == 5
    assert phase.purchased_before(opening_stamp(RENEWAL, UTC_ZONE)) == 3
    assert phase.plan_on(RENEWAL - timedelta(days=1), UTC_ZONE) is Plan.ADVANCED
    assert phase.plan_before(opening_stamp(RENEWAL, UTC_ZONE))[1] is Plan.ESSENTIAL
    assert phase.psp[0].until == RENEWAL


def test_the_latest_schedule_of_a_term_replaces_the_one_before() -> None:
    first = RenewalSet(at("2026-05-01"), seats=3, plan=Plan.ESSENTIAL, order=2)

    (replaced,) = fold(YEARLY, first, RenewalSet(at("2026-06-01"), seats=4, order=3))
    (revoked,) = fold(YEARLY, first, RenewalSet(at("2026-06-01"), order=3))

    stamp = opening_stamp(RENEWAL, UTC_ZONE)
    assert (replaced.purchased_before(stamp), replaced.plan_before(stamp)[1]) == (4, Plan.ADVANCED)
    assert (revoked.purchased_before(stamp), revoked.plan_before(stamp)[1]) == (5, Plan.ADVANCED)


def test_a_later_purchase_does_not_change_the_number_for_the_renewal() -> None:
    (phase,) = fold(
        YEARLY,
        RenewalSet(at("2026-05-01"), seats=3, order=2),
        SeatsPurchased(at("2026-06-01"), 9, order=3),
        SeatsPurchased(at("2027-02-01"), 4, order=4),
    )

    assert phase.purchased_on(on("2026-12-31"), UTC_ZONE) == 9
    assert phase.purchased_on(RENEWAL, UTC_ZONE) == 3
    assert phase.purchased_on(on("2027-02-01"), UTC_ZONE) == 4


def test_yearly_to_monthly_keeps_the_anchor_and_the_add_on() -> None:
    leap = YearlyStarted(at("2024-02-29"), Plan.ADVANCED, 5, True, 1, order=1)

    year, month = fold(leap, RenewalSet(at("2024-05-01"), is_monthly=True, order=2))

    assert (year.end, year.parting) == (on("2025-02-28"), Parting.OVER)
    assert (month.kind, month.start, month.anchor) == (PhaseKind.MONTHLY, year.end, on("2024-02-29"))
    assert month.month_of(on("2025-03-01")) == Period(on("2025-02-28"), on("2025-03-29"))
    assert month.psp[0].is_billed_ahead(month.opened, Period(on("2025-02-28"), on("2025-03-29")))


def test_a_cancelled_term_does_not_renew_otherwise() -> None:
    (phase,) = fold(
        YEARLY,
        RenewalSet(at("2026-05-01"), is_monthly=True, order=2),
        Cancelled(at("2026-06-01"), order=3),
    )

    assert (phase.kind, phase.end, phase.purchased_on(RENEWAL, UTC_ZONE)) == (PhaseKind.YEARLY, RENEWAL, 5)


@pytest.mark.parametrize(
    ("start", "fact", "end"),
    [
        (MONTHLY, Cancelled(at("2026-02-28"), order=2), "2026-03-01"),
        (MONTHLY, Cancelled(at("2026-03-01", "00:00"), order=2), "2026-04-01"),
        (YEARLY, Cancelled(at("2026-02-28"), order=2), "2027-01-01"),
        (EarlyStageStarted(at("2026-01-31"), 1), Cancelled(at("2026-02-27"), order=2), "2026-02-28"),
        (CONTRACT, ContractEnded(at("2026-06-30"), order=2), "2026-07-01"),
        (CONTRACT, ContractEnded(at("2026-07-01"), order=2), "2027-01-01"),
    ],
)
def test_the_end_comes_with_what_is_paid_or_signed_for(start: Fact, fact: Fact, end: str) -> None:
    assert fold(start, fact)[0].end == on(end)
    assert fold(start, fact, Resumed(fact.at, order=3))[0].end is None


def test_a_contract_has_its_add_on_between_its_own_dates() -> None:
    (phase,) = fold(CONTRACT)

    assert [
        phase.psp_at(moment, UTC_ZONE) is not None
        for moment in (
            at("2026-02-09", "23:59"),
            at("2026-02-10", "00:00"),
            at("2026-05-09", "23:59"),
            at("2026-05-10", "00:00"),
        )
    ] == [False, True, True, False]


def test_an_amendment_holds_from_its_date() -> None:
    amended = ContractTerms(Plan.EXPERT, 6, 3, 8, usage=(Commitment(Metric.BULK_EMAIL, 500),))

    (phase,) = fold(CONTRACT, ContractAmended(at("2026-02-10"), amended, order=2))

    assert phase.terms_on(on("2026-02-09"), UTC_ZONE) == TERMS
    assert phase.terms_on(on("2026-02-10"), UTC_ZONE) == amended


def test_a_phase_at_a_moment_knows_nothing_of_what_is_scheduled() -> None:
    wanted = RenewalSet(at("2026-05-01"), seats=3, plan=Plan.ESSENTIAL, order=2)

    before = running(at("2026-12-31", "23:59"), YEARLY, wanted)
    after = running(at("2027-01-01", "00:00"), YEARLY, wanted)

    assert (before.plan, before.purchases[-1][1]) == (Plan.ADVANCED, 5)
    assert (after.plan, after.purchases[-1][1]) == (Plan.ESSENTIAL, 3)


def test_what_is_set_for_the_renewal_can_be_read_until_it_happens() -> None:
    wanted = RenewalSet(at("2026-05-01"), seats=3, order=2)
    facts = (YEARLY, wanted)
    phase = running(at("2027-02-01"), *facts)

    assert renewal_set(facts, phase, today=on("2026-12-31"), zone=UTC_ZONE) is wanted
    assert renewal_set(facts, phase, today=RENEWAL, zone=UTC_ZONE) is None
    assert renewal_set((YEARLY,), phase, today=on("2026-12-31"), zone=UTC_ZONE) is None
    assert renewal_set((MONTHLY,), fold(MONTHLY)[0], today=on("2026-12-31"), zone=UTC_ZONE) is None


def test_only_what_was_asked_for_is_invoiced_at_once() -> None:
    (phase,) = fold(
        YEARLY,
        SeatsPurchased(at("2026-05-01"), 6, order=2),
        PspAdded(at("2026-05-01"), invoice_now=True, order=3),
        PlanChanged(at("2026-05-02"), Plan.EXPERT, invoice_now=True, order=4),
    )

    assert phase.psp_at_once == {on("2026-05-01")}
    assert phase.pairs_at_once == {on("2026-05-02")}
