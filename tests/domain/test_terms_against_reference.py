"""Years, contracts, the programme, cuts and ends: the product and an independent calculator bill the same, to the cent."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from tests.domain.builders import Issued
from tests.domain.closing import bill_account
from tests.domain.retell_terms import Retelling
from tests.reference.actions import describe
from tests.reference.calculator import RefInvoice
from tests.reference.term_stories import random_term_story
from tests.reference.terms import horizon, invoices

SEEDS = 700
"""Stories told; a failing one is named in the message and can be told again with `random_term_story(seed)`."""

Comparable = tuple[object, ...]


def test_bills_hundreds_of_random_stories_of_terms_as_the_reference_does() -> None:
    for seed in range(SEEDS):
        assert_agree(seed)


def assert_agree(seed: int) -> None:
    """Bill the whole record, then only the periods that can have moved, and compare both with the reference."""
    story = random_term_story(seed)
    through, zone = horizon(story), ZoneInfo(story.zone)
    entries = Retelling(story).tell()
    expected = [_of_reference(invoice) for invoice in invoices(story, through)]

    whole = [_of_product(invoice) for invoice in bill_account(entries, through=through, zone=zone)]
    cut = [_of_product(invoice) for invoice in bill_account(entries, through=through, zone=zone, cut=True)]

    assert whole == expected, f"random_term_story({seed})\n{describe(story)}"
    assert cut == expected, f"random_term_story({seed}), recomputing recent periods only\n{describe(story)}"


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
