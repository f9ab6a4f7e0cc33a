"""Which of a date's invoices takes a line, and what an invoice of one change holds (sections 5, 7 and 8)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import pytest

from domain.facts import (
    BookMigrated,
    Cancelled,
    ContractSigned,
    ContractTerms,
    PlanChanged,
    PspAdded,
    RenewalSet,
    SeatsPurchased,
    Started,
    TrialStarted,
    YearlyStarted,
)
from domain.invoicing import Billed, change_lines, next_invoices
from domain.pricebook import Metric, Plan
from domain.sections import Stream
from tests.domain.builders import (
    DEARER,
    UTC_ZONE,
    Recordable,
    Units,
    add_billed,
    at,
    full,
    history,
    on,
    record,
)
from tests.domain.closing import bill_account

SEATS = tuple(full(f"teammate {number}", at("2025-12-31")) for number in range(3))
MONTHLY = Started(at("2026-01-01"), Plan.ADVANCED, False, 1)
YEARLY = YearlyStarted(at("2026-01-01"), Plan.ADVANCED, 3, False, 1)
TERMS = ContractTerms(Plan.ADVANCED, 12, 1, 2)
CONTRACT = ContractSigned(at("2026-01-01"), TERMS, 1)
FINAL, USAGE, AHEAD, CHANGE = Stream.FINAL, Stream.ADDITIONAL_USAGE, Stream.SUBSCRIPTION, Stream.CHANGE


def emails(day: str) -> Units:
    return Units(Metric.BULK_EMAIL, on(day), 500)


def streams(
    *whats: Recordable, through: str, known: Mapping[int, datetime] | None = None
) -> list[tuple[str, Stream, int]]:
    """Give date, stream and total of all invoices after the first; `known` moments replace those of facts by place."""
    late = {len(SEATS) + place: moment for place, moment in (known or {}).items()}
    made = bill_account(record(*SEATS, *whats, late=late), through=on(through), zone=UTC_ZONE)
    return [(str(each.on), each.stream, each.total) for each in made if each.on > made[0].on]


@pytest.mark.parametrize(
    ("whats", "invoices"),
    [
        pytest.param((MONTHLY, emails("2026-01-10")), [("2026-02-01", AHEAD, 317_00)], id="a month is one"),
        pytest.param((YEARLY, emails("2026-01-10")), [("2026-02-01", USAGE, 20_00)], id="a month of a term"),
        pytest.param(
            (YEARLY, SeatsPurchased(at("2026-01-31"), 4)),
            [("2026-02-01", USAGE, 936_17)],
            id="a purchase is on the next monthly invoice",
        ),
        pytest.param(
            (YEARLY, SeatsPurchased(at("2026-01-31"), 4, invoice_now=True)),
            [("2026-01-31", CHANGE, 936_17)],
            id="or on one of its own",
        ),
        pytest.param(
            (CONTRACT, emails("2026-01-10")),
            [("2026-02-01", USAGE, 119_00), ("2026-02-01", AHEAD, 198_00)],
            id="a contract has two",
        ),
        pytest.param(
            (MONTHLY, emails("2026-01-10"), Cancelled(at("2026-01-11"))),
            [("2026-02-01", FINAL, 20_00)],
            id="the last one is final",
        ),
        pytest.param(
            (MONTHLY, emails("2026-01-10"), BookMigrated(at("2026-01-16"), DEARER.version)),
            [("2026-01-16", FINAL, -133_29), ("2026-01-16", AHEAD, 170_32), ("2026-02-01", AHEAD, 330_00)],
            id="a migration has two",
        ),
        pytest.param(
            (
                MONTHLY,
                emails("2026-01-10"),
                YearlyStarted(at("2026-01-16"), Plan.ADVANCED, 3, False, 1),
            ),
            [("2026-01-16", AHEAD, 2_926_71)],
            id="a switch has one",
        ),
        pytest.param(
            (YEARLY, emails("2026-01-10"), ContractSigned(at("2026-01-16"), TERMS, 1)),
            [("2026-01-16", AHEAD, -2_617_25)],
            id="a contract over a term has one",
        ),
        pytest.param(
            (TrialStarted(at("2025-12-28"), Plan.ADVANCED, 1), CONTRACT),
            [
                ("2026-01-01", USAGE, 99_00),
                ("2026-01-01", AHEAD, 198_00),
            ],
            id="a contract after a trial has two",
        ),
    ],
)
def test_every_line_is_on_the_invoice_it_belongs_to(
    whats: tuple[Recordable, ...], invoices: list[tuple[str, Stream, int]]
) -> None:
    last = on(invoices[-1][0])
    made = bill_account(record(*SEATS, *whats), through=last, zone=UTC_ZONE)

    found = [(str(each.on), each.stream, each.total) for each in made]

    assert found[-len(invoices) :] == invoices
    assert all(day < invoices[0][0] for day, _, _ in found[: -len(invoices)])


def test_a_renewal_day_has_the_monthly_invoice_and_the_terms() -> None:
    assert streams(YEARLY, emails("2026-12-10"), through="2027-01-01") == [
        ("2027-01-01", USAGE, 20_00),
        ("2027-01-01", AHEAD, 3_060_00),
    ]


def test_a_renewal_under_another_book_has_two_as_well() -> None:
    migrated = BookMigrated(at("2027-01-01", "00:00"), DEARER.version, as_day_opens=True)

    assert streams(
        YEARLY, emails("2026-12-10"), migrated, through="2027-01-01", known={2: at("2026-12-11")}
    ) == [
        ("2027-01-01", USAGE, 20_00),
        ("2027-01-01", AHEAD, 3_204_00),
    ]


def test_a_renewal_to_monthly_has_one() -> None:
    monthly = RenewalSet(at("2026-05-01"), is_monthly=True)

    assert streams(YEARLY, monthly, emails("2026-12-10"), through="2027-01-01") == [
        ("2027-01-01", AHEAD, 317_00)
    ]


def test_late_usage_of_the_month_that_was_switched_is_on_the_terms_monthly_invoice() -> None:
    switch = YearlyStarted(at("2026-01-16"), Plan.ADVANCED, 3, False, 1)
    late = {2: at("2026-01-20")}

    assert streams(MONTHLY, switch, emails("2026-01-10"), through="2026-02-16", known=late)[-1] == (
        "2026-02-16",
        USAGE,
        20_00,
    )


def test_an_invoice_of_a_change_leaves_out_the_other_changes_of_its_day() -> None:
    facts = history(
        record(
            YEARLY,
            SeatsPurchased(at("2026-03-10"), 4),
            PspAdded(at("2026-03-10"), invoice_now=True),
            Units(Metric.BULK_EMAIL, on("2026-03-10"), 500),
        )
    )

    lines = change_lines(facts, {}, on=on("2026-03-10"))

    assert [(line.key, line.amount) for line in lines] == [("psp-added:2026-03-10", 961_26)]


def test_a_change_invoiced_at_once_is_billed_once() -> None:
    facts = history(record(YEARLY, PlanChanged(at("2026-03-10"), Plan.EXPERT, invoice_now=True)))
    billed: dict[str, Billed] = {}
    for _, ahead in next_invoices(facts, billed, on=on("2026-01-01")):
        add_billed(billed, ahead)

    add_billed(billed, change_lines(facts, billed, on=on("2026-03-10")))

    assert change_lines(facts, billed, on=on("2026-03-10")) == ()
    assert next_invoices(facts, billed, on=on("2026-04-01")) == ()


def test_a_second_purchase_of_the_day_is_the_difference_on_the_next_monthly_invoice() -> None:
    first = SeatsPurchased(at("2026-03-10"), 4, invoice_now=True)
    totals = {
        seats: streams(YEARLY, first, SeatsPurchased(at("2026-03-10"), seats), through="2026-04-01")
        for seats in (5, 6)
    }

    # Each seat costs $1,020.00 x 297/365 days = $829.97, rounded with its pair.
    assert totals == {
        5: [("2026-03-10", CHANGE, 829_97), ("2026-04-01", USAGE, 829_97)],
        6: [("2026-03-10", CHANGE, 829_97), ("2026-04-01", USAGE, 1_659_95)],
    }
