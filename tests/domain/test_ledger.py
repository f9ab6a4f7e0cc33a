"""Every money move posts entries that add up to zero, and the balance can be derived from them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.invoicing import Settlement, draw, settle
from domain.ledger import Entry, LedgerAccount, balance, credit_applied, issued, paid

CASH, CREDIT = LedgerAccount.CASH, LedgerAccount.CREDIT
RECEIVABLE, REVENUE = LedgerAccount.RECEIVABLE, LedgerAccount.REVENUE
totals = st.integers(-(10**9), 10**9) | st.integers(-60, 60)


def sum_of(entries: list[Entry], account: LedgerAccount) -> int:
    return sum(entry.amount for entry in entries if entry.account is account)


@pytest.mark.parametrize(
    ("total", "settlement", "entries"),
    [
        pytest.param(
            39_00,
            Settlement(applied=0, due=39_00, balance=0),
            [Entry(REVENUE, -39_00), Entry(RECEIVABLE, 39_00)],
            id="all due",
        ),
        pytest.param(
            39_00,
            Settlement(applied=10_00, due=29_00, balance=0),
            [
                Entry(REVENUE, -39_00),
                Entry(RECEIVABLE, 39_00),
                Entry(CREDIT, 10_00),
                Entry(RECEIVABLE, -10_00),
            ],
            id="credit used",
        ),
        pytest.param(
            -300_68,
            Settlement(applied=0, due=0, balance=300_68),
            [Entry(REVENUE, 300_68), Entry(CREDIT, -300_68)],
            id="a negative total becomes credit",
        ),
        pytest.param(
            39_00,
            Settlement(applied=-49, due=39_49, balance=0),
            [Entry(REVENUE, -39_00), Entry(RECEIVABLE, 39_00), Entry(CREDIT, -49), Entry(RECEIVABLE, 49)],
            id="an old debt added",
        ),
        pytest.param(0, Settlement(applied=0, due=0, balance=0), [], id="nothing"),
    ],
)
def test_posts_an_issued_invoice(total: int, settlement: Settlement, entries: list[Entry]) -> None:
    assert list(issued(total, settlement)) == entries


def test_posts_a_payment() -> None:
    assert paid(39_00) == (Entry(CASH, 39_00), Entry(RECEIVABLE, -39_00))


def test_posts_credit_used_by_an_open_invoice() -> None:
    assert credit_applied(5_00) == (Entry(CREDIT, 5_00), Entry(RECEIVABLE, -5_00))
    assert credit_applied(-20) == (Entry(CREDIT, -20), Entry(RECEIVABLE, 20))
    assert credit_applied(0) == ()


@given(st.lists(totals, max_size=12))
def test_the_balance_what_is_owed_and_what_was_earned_are_those_of_the_entries(invoices: list[int]) -> None:
    posted: list[Entry] = []
    left = owed = 0
    for total in invoices:
        settlement = settle(total, left)
        entries = issued(total, settlement)
        left = settlement.balance
        owed += settlement.due
        posted += entries

        assert sum(entry.amount for entry in entries) == 0
        assert all(entry.amount for entry in entries)
    assert balance(sum_of(posted, CREDIT)) == left
    assert sum_of(posted, RECEIVABLE) == owed
    assert sum_of(posted, REVENUE) == -sum(invoices)


@given(st.integers(50, 10**9), st.integers(-49, 10**9))
def test_drawing_and_paying_settles_what_is_owed(owed: int, credit: int) -> None:
    drawn = draw(owed, credit)

    posted = [*credit_applied(drawn.applied), *paid(drawn.due)]

    assert sum(entry.amount for entry in posted) == 0
    assert sum_of(posted, RECEIVABLE) == -owed
    assert sum_of(posted, CREDIT) == credit - drawn.balance
    assert sum_of(posted, CASH) == drawn.due
