"""Years, contracts, the programme, cuts and ends: the product and an independent calculator bill the same, to the cent."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from hypothesis import given, settings

from tests.domain.builders import Issued
from tests.domain.closing import bill_account
from tests.domain.retell_terms import Retelling
from tests.reference.actions import Story, describe
from tests.reference.calculator import RefInvoice
from tests.reference.term_stories import random_term_story, term_stories
from tests.reference.terms import horizon, invoices

SEEDS = 700
EXAMPLES = 100
"""Stories told; a failing one is named in the message and can be told again with `random_term_story(seed)`."""

Comparable = tuple[object, ...]


def test_bills_hundreds_of_random_stories_of_terms_as_the_reference_does() -> None:
    for seed in range(SEEDS):
        assert_agree(random_term_story(seed), f"random_term_story({seed})")


@settings(max_examples=EXAMPLES, deadline=None)
@given(term_stories())
def test_bills_any_story_of_terms_as_the_reference_does(story: Story) -> None:
    assert_agree(story, "a story")


def assert_agree(story: Story, name: str) -> None:
    """Bill the whole record, then only the periods that can have moved, and compare both with the reference."""
    through, zone = horizon(story), ZoneInfo(story.zone)
    entries = Retelling(story).tell()
    expected = [_of_reference(invoice) for invoice in invoices(story, through)]

    whole = [_of_product(invoice) for invoice in bill_account(entries, through=through, zone=zone)]
    cut = [_of_product(invoice) for invoice in bill_account(entries, through=through, zone=zone, cut=True)]

    assert whole == expected, f"{name}\n{describe(story)}"
    assert cut == expected, f"{name}, recomputing recent periods only\n{describe(story)}"


def _of_product(invoice: Issued) -> Comparable:
    lines = sorted(
        (str(line.section), line.service.start, line.service.end, line.amount) for line in invoice.lines
    )
    settled = invoice.settlement
    return (
        str(invoice.stream),
        invoice.on,
        tuple(lines),
        invoice.total,
        settled.applied,
        settled.due,
        settled.balance,
    )


def _of_reference(invoice: RefInvoice) -> Comparable:
    return (
        invoice.stream,
        invoice.invoice_on,
        invoice.lines,
        invoice.total_cents,
        invoice.credit_applied_cents,
        invoice.due_cents,
        invoice.credit_left_cents,
    )
