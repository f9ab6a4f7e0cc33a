"""The product and an independent calculator bill the same stories alike, line by line, to the cent."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from hypothesis import given, note, settings

from tests.domain.builders import Issued, bill
from tests.domain.retell import entries_of
from tests.reference.actions import Story, describe
from tests.reference.calculator import RefInvoice, horizon, invoices
from tests.reference.stories import random_story, stories

SEEDS = 2_000
"""Stories told by seed; a failing one is named in the message and can be told again with `random_story(seed)`."""

EXAMPLES = 300
"""Stories drawn by hypothesis, which shrinks the first that fails."""

Comparable = tuple[object, ...]


def test_bills_thousands_of_random_stories_as_the_reference_does() -> None:
    for seed in range(SEEDS):
        story = random_story(seed)

        assert_agree(story, name=f"random_story({seed})")


@settings(max_examples=EXAMPLES, deadline=None)
@given(stories())
def test_bills_any_story_as_the_reference_does(story: Story) -> None:
    note(describe(story))

    assert_agree(story, name="a drawn story")


def assert_agree(story: Story, *, name: str) -> None:
    """Bill the whole record, then only the periods that can have moved, and compare both with the reference."""
    through, zone = horizon(story), ZoneInfo(story.zone)
    entries = entries_of(story)
    expected = [_of_reference(invoice) for invoice in invoices(story, through)]

    whole = [_of_product(invoice) for invoice in bill(entries, through=through, zone=zone)]
    cut = [_of_product(invoice) for invoice in bill(entries, through=through, zone=zone, cut=True)]

    assert whole == expected, f"{name}\n{describe(story)}"
    assert cut == expected, f"{name}, recomputing recent periods only\n{describe(story)}"


def _of_product(invoice: Issued) -> Comparable:
    lines = sorted(
        (str(line.section), line.service.start, line.service.end, line.amount) for line in invoice.lines
    )
    settled = invoice.settlement
    return invoice.on, tuple(lines), invoice.total, settled.applied, settled.due, settled.balance


def _of_reference(invoice: RefInvoice) -> Comparable:
    return (
        invoice.invoice_on,
        invoice.lines,
        invoice.total_cents,
        invoice.credit_applied_cents,
        invoice.due_cents,
        invoice.credit_left_cents,
    )
