"""The table of golden cases is complete, in order, and every number of it is shown by a story that is told."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.domain.goldens import GOLDEN, NUMBERS, PRORATIONS, SUBSCRIPTION, USAGE, Golden, Number


def amounts_shown(golden: Golden) -> set[int]:
    """Give every amount the story's invoices state: lines, sections, totals, dues and balances."""
    shown: set[int] = set()
    for invoice in golden.invoices:
        shown |= {invoice.total_cents, invoice.due, invoice.balance_cents, *invoice.sections.values()}
        shown |= {line.cents for line in invoice.lines}
    return shown


@pytest.mark.parametrize(
    "number", NUMBERS, ids=lambda number: f"{number.section}: {number.golden}: {number.cents}"
)
def test_every_golden_number_is_shown_by_its_story(number: Number) -> None:
    assert number.cents in amounts_shown(GOLDEN[number.golden])


def test_every_story_shows_a_golden_number() -> None:
    assert set(GOLDEN) == {number.golden for number in NUMBERS}


@pytest.mark.parametrize("golden", GOLDEN.values(), ids=GOLDEN)
def test_a_story_is_told_in_order(golden: Golden) -> None:
    days = [step.happened_on for step in golden.steps]
    moments = [moment for moment, _ in golden.moments()]
    invoices = [invoice.on for invoice in golden.invoices]

    assert days == sorted(days)
    assert all(golden.started_at < moment for moment in moments)
    assert all(earlier < later for earlier, later in pairwise(moments))
    assert all(earlier < later for earlier, later in pairwise(invoices))


@pytest.mark.parametrize("golden", GOLDEN.values(), ids=GOLDEN)
def test_the_sums_of_a_story_are_those_of_its_lines(golden: Golden) -> None:
    for invoice in golden.invoices:
        assert set(invoice.sections) <= {USAGE, PRORATIONS, SUBSCRIPTION}
        assert sum(invoice.sections.values()) == invoice.total_cents
        for section, cents in invoice.sections.items():
            assert sum(line.cents for line in invoice.lines if line.section == section) == cents
