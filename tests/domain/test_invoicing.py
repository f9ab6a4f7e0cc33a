"""The next invoice is what should have been billed minus what was; the balance meets its total."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.calendar import Period
from domain.charges import charges
from domain.facts import PlanChanged, Started
from domain.invoicing import (
    NEXT,
    SMALLEST_CHARGE,
    Billed,
    InvoiceEvent,
    InvoiceNotOpen,
    InvoiceStatus,
    Line,
    Settlement,
    draw,
    next_lines,
    reconcile,
    section_totals,
    settle,
    total,
)
from domain.pricebook import Metric, Plan
from domain.sections import Charge, Section
from tests.domain.builders import BOOK, Units, add_billed, at, bill, full, gone, history, on, record

SEPTEMBER = Period(on("2026-09-01"), on("2026-10-01"))
ANN = full("ann", at("2026-08-31"))
START = Started(at("2026-09-01"), Plan.ESSENTIAL, False, BOOK.version)


def charge(amount: int, key: str = "usage", section: Section = Section.ADDITIONAL_USAGE) -> Charge:
    return Charge(
        key=key,
        section=section,
        description="Fin",
        period=SEPTEMBER,
        service=SEPTEMBER,
        due_on=SEPTEMBER.end,
        amount=amount,
        explanation="the arithmetic",
        quantity=3,
        unit_price=5,
        change="change",
        causes=(1, 2),
    )


def billed_for(*due: Charge) -> dict[str, Billed]:
    billed: dict[str, Billed] = {}
    add_billed(billed, reconcile(due, {}))
    return billed


def test_a_charge_that_was_never_billed_is_a_line_with_all_it_says() -> None:
    (line,) = reconcile([charge(5)], {})

    assert line == Line(
        key="usage",
        section=Section.ADDITIONAL_USAGE,
        description="Fin",
        period=SEPTEMBER,
        service=SEPTEMBER,
        amount=5,
        explanation="the arithmetic",
        quantity=3,
        unit_price=5,
        tiers=(),
        change="change",
        causes=(1, 2),
        is_adjustment=False,
    )


@pytest.mark.parametrize(
    ("now", "before", "difference"), [(375_05, 375_03, 2), (98_01, 99_00, -99), (0, 7, -7), (7, -7, 14)]
)
def test_a_charge_that_moved_is_an_adjustment_of_the_difference(
    now: int, before: int, difference: int
) -> None:
    (line,) = reconcile([charge(now)], billed_for(charge(before)))

    assert (line.amount, line.is_adjustment) == (difference, True)
    assert (line.section, line.service, line.period) == (Section.ADDITIONAL_USAGE, SEPTEMBER, SEPTEMBER)
    assert line.description == "Adjustment: Fin"
    assert line.causes == (1, 2)


def test_an_adjustment_explains_the_difference() -> None:
    (line,) = reconcile([charge(98_01)], billed_for(charge(99_00)))

    assert line.explanation == "the arithmetic; billed before $99.00; difference -$0.99"


def test_what_is_even_makes_no_line() -> None:
    assert reconcile([charge(5)], billed_for(charge(5))) == ()


def test_a_charge_of_nothing_makes_no_line() -> None:
    assert reconcile([charge(0)], {}) == ()


def test_a_charge_that_vanished_is_withdrawn_from_its_section() -> None:
    vanished = billed_for(charge(124_80, "remaining", Section.PRORATIONS))

    (line,) = reconcile([], vanished)

    assert (line.key, line.section, line.amount) == ("remaining", Section.PRORATIONS, -124_80)
    assert (line.service, line.is_adjustment, line.change) == (SEPTEMBER, True, "change")
    assert line.description == "Adjustment: Fin"
    assert line.explanation == "$0.00; billed before $124.80; difference -$124.80"


def test_a_withdrawn_charge_is_withdrawn_once_and_may_come_back() -> None:
    billed = billed_for(charge(5))
    add_billed(billed, reconcile([], billed))

    assert reconcile([], billed) == ()
    assert [line.amount for line in reconcile([charge(5)], billed)] == [5]


def test_adjustments_add_up_to_what_is_right() -> None:
    billed: dict[str, Billed] = {}
    amounts = []
    for amount in (10, 25, 25, 5, 0, 7):
        lines = reconcile([charge(amount)], billed)
        add_billed(billed, lines)
        amounts.append(total(lines))

    assert amounts == [10, 15, 0, -20, -5, 7]


def test_reconciling_leaves_what_was_billed_as_it_is() -> None:
    billed = billed_for(charge(5))
    before = dict(billed)

    reconcile([charge(7)], billed)

    assert billed == before


def test_lines_stand_by_section_then_date() -> None:
    later = Period(on("2026-09-15"), SEPTEMBER.end)
    due = [
        charge(1, "seats", Section.SUBSCRIPTION),
        replace(charge(2, "late", Section.PRORATIONS), service=later),
        charge(3, "early", Section.PRORATIONS),
        charge(4),
    ]

    assert [line.key for line in reconcile(due, {})] == ["usage", "early", "late", "seats"]


def test_sections_are_summed_in_the_order_of_an_invoice_leaving_out_empty_ones() -> None:
    lines = reconcile(
        [charge(1, "seats", Section.SUBSCRIPTION), charge(2, "b"), charge(-2, "c"), charge(7, "d")], {}
    )

    assert list(section_totals(lines).items()) == [(Section.ADDITIONAL_USAGE, 7), (Section.SUBSCRIPTION, 1)]
    assert section_totals([]) == {}


def test_a_section_that_comes_to_nothing_is_still_shown() -> None:
    lines = reconcile([charge(2, "b"), charge(-2, "c")], {})

    assert section_totals(lines) == {Section.ADDITIONAL_USAGE: 0}


def test_closing_twice_bills_nothing_twice() -> None:
    facts = history(
        record(ANN, START, full("bob", at("2026-09-15")), Units(Metric.SMS_SEGMENT, on("2026-09-20"), 9))
    )
    billed: dict[str, Billed] = {}

    first = next_lines(facts, billed, on=on("2026-10-01"))
    add_billed(billed, first)
    second = next_lines(facts, billed, on=on("2026-10-01"))

    assert total(first) == 39_00 + 20_80 + 54 + 78_00
    assert second == ()


def test_a_close_that_was_missed_is_made_up_for() -> None:
    entries = record(ANN, START, full("bob", at("2026-09-15")))
    billed: dict[str, Billed] = {}
    add_billed(billed, next_lines(history(entries), billed, on=on("2026-09-01")))

    late = next_lines(history(entries), billed, on=on("2026-11-01"))

    assert total(late) == sum(invoice.total for invoice in bill(entries, through=on("2026-11-01"))[1:])


def test_a_seat_corrected_away_withdraws_its_pair_and_what_was_billed_ahead() -> None:
    wrong = record(ANN, START, full("bob", at("2026-09-15")))
    billed: dict[str, Billed] = {}
    add_billed(billed, next_lines(history(wrong), billed, on=on("2026-10-01")))

    lines = next_lines(history(record(ANN, START)), billed, on=on("2026-10-01"))

    assert [(line.key, line.amount) for line in lines] == [
        ("remaining:2026-09-15", -41_60),
        ("unused:2026-09-15", 20_80),
        ("seats:2026-10-01", -39_00),
    ]


def test_only_periods_from_since_on_are_compared() -> None:
    facts = history(record(ANN, START))
    billed: dict[str, Billed] = {}
    add_billed(billed, next_lines(facts, billed, on=on("2026-10-01")))
    recent = {key: line for key, line in billed.items() if line.period.start >= on("2026-10-01")}

    lines = next_lines(facts, recent, on=on("2026-11-01"), since=on("2026-10-01"))

    assert [line.key for line in lines] == ["seats:2026-11-01"]


def test_a_month_in_which_nothing_happens_bills_the_subscription_only() -> None:
    invoices = bill(record(ANN, START, PlanChanged(at("2026-09-15"), Plan.EXPERT)), through=on("2027-01-01"))

    assert [invoice.total for invoice in invoices[2:]] == [139_00, 139_00, 139_00]


def test_issued_totals_do_not_move_when_a_fact_comes_late() -> None:
    usage = Units(Metric.BULK_EMAIL, on("2026-09-10"), 500), Units(Metric.BULK_EMAIL, on("2026-09-28"), 100)
    timely = bill(record(ANN, START, *usage[:1]), through=on("2026-10-01"))

    late = bill(record(ANN, START, *usage, late={3: at("2026-10-03")}), through=on("2026-11-01"))

    assert late[:2] == timely
    assert [line.amount for line in late[2].lines] == [3_00, 39_00]


@pytest.mark.parametrize(
    ("invoice_total", "balance", "applied", "due", "left"),
    [
        (0, -1_00, 0, 0, -1_00),
        (39_00, 0, 0, 39_00, 0),
        (39_00, 10_00, 10_00, 29_00, 0),
        (39_00, 39_00, 39_00, 0, 0),
        (39_00, 100_00, 39_00, 0, 61_00),
        (39_00, 38_50, 38_50, 50, 0),
        (39_00, 38_51, 39_00, 0, -49),
        (39_00, -49, -49, 39_49, 0),
        (50, 0, 0, 50, 0),
        (49, 0, 49, 0, -49),
        (1, 0, 1, 0, -1),
        (1, -49, -49, 50, 0),
        (10, -30, 10, 0, -40),
        (49, 1, 49, 0, -48),
        (0, 0, 0, 0, 0),
        (0, 25_00, 0, 0, 25_00),
        (0, -30, 0, 0, -30),
        (-300_68, 0, 0, 0, 300_68),
        (-10, -30, 0, 0, -20),
        (-10, 5_00, 0, 0, 5_10),
        (-1, 0, 0, 0, 1),
    ],
)
def test_settles_a_total_with_the_balance(
    invoice_total: int, balance: int, applied: int, due: int, left: int
) -> None:
    settlement = settle(invoice_total, balance)

    assert settlement == Settlement(applied=applied, due=due, balance=left)
    assert settlement.is_paid is (due == 0)
    assert invoice_total == due - left + balance


def test_the_smallest_charge_is_half_a_dollar() -> None:
    assert SMALLEST_CHARGE == 50


@pytest.mark.parametrize(
    ("owed", "balance", "applied", "due", "left"),
    [
        (39_00, 0, 0, 39_00, 0),
        (39_00, 5_00, 5_00, 34_00, 0),
        (39_00, 50_00, 39_00, 0, 11_00),
        (39_00, 38_60, 39_00, 0, -40),
        (39_00, -20, -20, 39_20, 0),
    ],
)
def test_credit_lowers_an_open_amount_before_it_is_charged(
    owed: int, balance: int, applied: int, due: int, left: int
) -> None:
    assert draw(owed, balance) == Settlement(applied=applied, due=due, balance=left)


def test_credit_lasts_until_it_is_used_up() -> None:
    ten = [full(f"teammate {number}", at("2026-09-30")) for number in range(10)]
    start = Started(at("2026-10-01"), Plan.ESSENTIAL, False, BOOK.version)
    nine_leave = [gone(f"teammate {number}", at("2026-10-02")) for number in range(9)]

    invoices = bill(record(*ten, start, *nine_leave), through=on("2027-07-01"))

    assert [invoice.total for invoice in invoices] == [390_00, -300_68, *[39_00] * 8]
    assert [invoice.settlement.due for invoice in invoices] == [390_00, *[0] * 8, 11_32]
    assert [invoice.settlement.balance for invoice in invoices] == [
        *(0, 300_68, 261_68, 222_68, 183_68, 144_68, 105_68, 66_68, 27_68, 0)
    ]


@pytest.mark.parametrize(
    ("status", "event", "result"),
    [
        (InvoiceStatus.OPEN, InvoiceEvent.PAY, InvoiceStatus.PAID),
        (InvoiceStatus.OPEN, InvoiceEvent.WRITE_OFF, InvoiceStatus.UNCOLLECTIBLE),
        (InvoiceStatus.OPEN, InvoiceEvent.UNDO, InvoiceStatus.VOID),
        (InvoiceStatus.UNCOLLECTIBLE, InvoiceEvent.PAY, None),
        (InvoiceStatus.PAID, InvoiceEvent.PAY, None),
        (InvoiceStatus.PAID, InvoiceEvent.WRITE_OFF, None),
        (InvoiceStatus.VOID, InvoiceEvent.PAY, None),
        (InvoiceStatus.VOID, InvoiceEvent.WRITE_OFF, None),
    ],
)
def test_an_invoice_moves_by_its_table(
    status: InvoiceStatus, event: InvoiceEvent, result: InvoiceStatus | None
) -> None:
    assert NEXT.get((status, event)) is result


def test_an_invoice_that_is_not_open_says_so() -> None:
    assert InvoiceNotOpen(7, "PAID").message == "Invoice 7 is PAID; only an open invoice can be paid."


def test_every_charge_due_is_on_the_first_invoice_that_takes_it() -> None:
    entries = record(ANN, START, full("bob", at("2026-09-15")), PlanChanged(at("2026-10-03"), Plan.EXPERT))

    invoices = bill(entries, through=on("2026-12-01"))

    first_billed = {line.key: invoice.on for invoice in reversed(invoices) for line in invoice.lines}
    assert first_billed == {
        charge.key: charge.due_on
        for charge in charges(history(entries), through=on("2026-12-01"))
        if charge.amount
    }
