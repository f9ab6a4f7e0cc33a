"""Which contract terms fit together, and how an amended add-on is billed (section 8)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from domain.commitments import LONGEST_TERM, check_terms
from domain.facts import Commitment, ContractAmended, ContractSigned, ContractTerms
from domain.money import price
from domain.pricebook import Metric, Plan
from domain.sections import Section
from domain.subscriptions import BadContractTerms
from tests.domain.builders import UTC_ZONE, at, on, record
from tests.domain.closing import bill_account

TERMS = ContractTerms(Plan.ADVANCED, 12, 12, 3)
EMAILS = Commitment(Metric.BULK_EMAIL, 500)
START = on("2026-01-01")


@pytest.mark.parametrize(
    "terms",
    [
        TERMS,
        replace(TERMS, seats=0),
        replace(TERMS, seat_price=0),
        replace(TERMS, months=1, billing_months=1),
        replace(TERMS, months=9, billing_months=3),
        replace(TERMS, months=LONGEST_TERM),
        replace(TERMS, usage=(EMAILS, Commitment(Metric.SMS_SEGMENT, 1, price=0))),
        replace(TERMS, psp_from=START),
        replace(TERMS, psp_from=on("2026-12-31")),
        replace(TERMS, psp_from=START, psp_until=on("2026-01-02")),
    ],
)
def test_accepts_terms_that_fit_together(terms: ContractTerms) -> None:
    check_terms(terms, start=START)


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        (replace(TERMS, billing_months=2), "every month, every quarter or every year"),
        (replace(TERMS, billing_months=0), "every month, every quarter or every year"),
        (replace(TERMS, months=0, billing_months=1), "whole number of billing periods"),
        (replace(TERMS, months=-12), "whole number of billing periods"),
        (replace(TERMS, months=12 * 10**6, psp_from=START), "at most 120 months"),
        (replace(TERMS, months=18), "whole number of billing periods"),
        (replace(TERMS, months=4, billing_months=3), "whole number of billing periods"),
        (replace(TERMS, months=LONGEST_TERM + 12), "at most 120 months"),
        (replace(TERMS, seats=-1), "counted from 0"),
        (replace(TERMS, seat_price=-1), "price is not negative"),
        (replace(TERMS, usage=(replace(EMAILS, units=0),)), "at least 1 unit"),
        (replace(TERMS, usage=(replace(EMAILS, price=-1),)), "price is not negative"),
        (replace(TERMS, usage=(EMAILS, replace(EMAILS, units=9))), "committed to once"),
        (replace(TERMS, psp_until=on("2026-06-01")), "needs a start"),
        (replace(TERMS, psp_from=on("2025-12-31")), "inside the term"),
        (replace(TERMS, psp_from=on("2027-01-01")), "inside the term"),
        (replace(TERMS, psp_from=START, psp_until=START), "before it ends"),
    ],
)
def test_refuses_terms_that_do_not_fit_together(terms: ContractTerms, reason: str) -> None:
    with pytest.raises(BadContractTerms) as refused:
        check_terms(terms, start=START)

    assert reason in refused.value.message


@pytest.mark.parametrize(
    ("signed", "amended", "lines"),
    [
        # From 10 Feb on: 19/28 of February, and March.
        (TERMS, replace(TERMS, psp_from=on("2026-02-10")), [(on("2026-02-10"), on("2026-04-01"), 166_18)]),
        (
            replace(TERMS, psp_from=START),
            replace(TERMS, psp_from=START, psp_until=on("2026-03-01")),
            [(on("2026-02-10"), on("2026-03-01"), 67_18), (on("2026-02-10"), on("2026-04-01"), -166_18)],
        ),
        (replace(TERMS, psp_from=START), TERMS, [(on("2026-02-10"), on("2026-04-01"), -166_18)]),
        (replace(TERMS, psp_from=START), replace(TERMS, psp_from=START, psp_until=on("2026-06-01")), []),
    ],
)
def test_an_amended_add_on_is_a_pair_on_the_next_subscription_invoice(
    signed: ContractTerms, amended: ContractTerms, lines: list[tuple[date, date, int]]
) -> None:
    quarterly, changed = (replace(terms, billing_months=3) for terms in (signed, amended))
    entries = record(
        ContractSigned(at("2026-01-01"), quarterly, 1), ContractAmended(at("2026-02-10"), changed)
    )

    made = bill_account(entries, through=on("2026-04-01"), zone=UTC_ZONE)

    assert [invoice.on for invoice in made] == [START, on("2026-04-01")]
    assert [
        (line.service.start, line.service.end, line.amount)
        for line in made[1].lines
        if line.section is Section.PRORATIONS
    ] == lines


def test_two_amendments_of_one_date_are_one_pair() -> None:
    quarterly = replace(TERMS, billing_months=3)
    entries = record(
        ContractSigned(at("2026-01-01"), quarterly, 1),
        ContractAmended(at("2026-02-10"), replace(quarterly, seats=9)),
        ContractAmended(at("2026-02-10"), replace(quarterly, seats=4)),
    )

    made = bill_account(entries, through=on("2026-04-01"), zone=UTC_ZONE)

    pair = [line for line in made[1].lines if line.section is Section.PRORATIONS]
    assert [(line.quantity, line.causes) for line in pair] == [(4, (2, 3)), (-3, (2, 3))]
    assert len({line.change for line in pair}) == 1


def test_the_lines_of_an_amendment_say_what_changed_and_how_it_was_worked_out() -> None:
    signed = replace(TERMS, billing_months=3, psp_from=START, usage=(EMAILS,))
    amended = replace(
        TERMS,
        billing_months=3,
        seats=5,
        seat_price=price("80"),
        usage=(replace(EMAILS, units=900, price=price("40")),),
    )
    entries = record(ContractSigned(at("2026-01-01"), signed, 1), ContractAmended(at("2026-02-10"), amended))

    made = bill_account(entries, through=on("2026-04-01"), zone=UTC_ZONE)

    found = [line for line in made[1].lines if line.section is Section.PRORATIONS]
    assert [(line.description, line.quantity, line.explanation) for line in found] == [
        (
            "Remaining time on Advanced, committed: 5 seats from 10 Feb 2026",
            5,
            "5 seats x $240.00 x 50/90 days = $666.67",
        ),
        ("Unused time on 3 seats from 10 Feb 2026", -3, "-3 seats x $297.00 x 50/90 days = -$495.00"),
        ("Unused time on Proactive Support Plus", -1, "-$99.00 x (1 month + 19/28 month) = -$166.18"),
        (
            "Remaining time on Bulk emails: 900 a month committed from 1 Mar 2026",
            900,
            "$40.00 x 3 months x 31/90 days = $41.33",
        ),
        (
            "Unused time on Bulk emails: 500 a month committed from 1 Mar 2026",
            -500,
            "-$20.00 x 3 months x 31/90 days = -$20.67",
        ),
    ]
    assert {line.causes for line in found} == {(2,)}
    assert len({line.key for line in found}) == len(found)
    assert [line.change for line in found] == [
        "committed-change:2026-02-10",
        "committed-change:2026-02-10",
        "committed-psp-change:2026-02-10",
        "committed-BULK_EMAIL-change:2026-03-01",
        "committed-BULK_EMAIL-change:2026-03-01",
    ]
