"""What people are told of invoices and payments, in words that say what becomes of them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from adapters.ids import new_id
from adapters.letters import FORMS
from adapters.tables.accounts import Account
from domain.invoicing import Settlement, settle
from domain.sections import Section
from services import announcements
from services.accounts import AccountNow
from services.notifications import Notice

NOW = datetime(2026, 9, 5, 12, tzinfo=UTC)
FREEZE_ON = date(2026, 10, 3)


def account(*, has_card: bool = True) -> AccountNow:
    row = Account(account_id=new_id(), name="Acme", time_zone="UTC", created_at=NOW)
    if has_card:
        row.payment_method, row.card_brand, row.card_last4 = "pm", "visa", "4242"
    return AccountNow(row, NOW, ZoneInfo("UTC"))


def issued(total: int, settlement: Settlement, *, has_card: bool = True) -> Notice:
    return announcements.invoice_issued(
        account(has_card=has_card),
        number=7,
        on=NOW.date(),
        total=total,
        sections={Section.SUBSCRIPTION: total},
        settlement=settlement,
    )


@pytest.mark.parametrize(
    ("total", "balance", "told"),
    [
        (39_00, 0, "It is charged to the Visa that ends in 4242."),
        (39_00, 10_00, "$29.00 of it is charged to the Visa that ends in 4242."),
        (39_00, -1_00, "With what was owed before, $40.00 is charged to the Visa that ends in 4242."),
        (39_00, 50_00, "It is paid from the account's credit; there is nothing to pay."),
        (
            20,
            0,
            "That is too little to charge and waits on the account's balance; there is nothing to pay now.",
        ),
        (0, 0, "There is nothing to pay."),
        (-30_19, 0, "$30.19 is kept as credit for what comes next; there is nothing to pay."),
    ],
)
def test_an_invoice_says_what_becomes_of_it(total: int, balance: int, told: str) -> None:
    assert issued(total, settle(total, balance)).body.endswith(f". {told}")


def test_an_invoice_without_a_payment_method_asks_for_one() -> None:
    notice = issued(39_00, settle(39_00, 0), has_card=False)

    assert notice.title == "Acme: invoice 7 for $39.00"
    assert notice.body == (
        "Invoice 7 of 5 Sep 2026 comes to $39.00. It is due. No payment method is on file: add one, and it is "
        "charged at once."
    )


def test_an_invoice_shows_its_sections_and_the_credit_applied() -> None:
    assert issued(39_00, settle(39_00, 10_00)).facts == {
        "invoice": "7",
        "date": "5 Sep 2026",
        "subscription": "$39.00",
        "total": "$39.00",
        "credit": "-$10.00",
        "due": "$29.00",
    }


def test_a_failed_payment_says_why_and_what_comes_next() -> None:
    told = announcements.payment_failed(
        account(),
        number=7,
        due=39_00,
        reason="the card has expired.",
        next_attempt=date(2026, 9, 12),
        freeze_on=FREEZE_ON,
    )

    assert told.body == (
        "$39.00 for invoice 7 could not be charged: the card has expired. The next attempt is on 12 Sep 2026; another "
        "payment method is charged at once. If the invoice is still open on 3 Oct 2026, access is frozen."
    )


def test_a_payment_that_is_not_tried_again_asks_for_another_method() -> None:
    told = announcements.payment_failed(
        account(), number=7, due=39_00, reason="the card was stolen.", next_attempt=None, freeze_on=None
    )

    assert told.body == (
        "$39.00 for invoice 7 could not be charged: the card was stolen. It is not tried again by itself: give another "
        "payment method or pay by hand."
    )
    assert "next_attempt" not in told.facts


def test_every_fact_told_has_a_place_in_the_mail() -> None:
    notices = [
        issued(39_00, settle(39_00, 10_00)),
        issued(39_00, settle(39_00, -1_00)),
        announcements.payment_failed(
            account(),
            number=7,
            due=39_00,
            reason="no funds.",
            next_attempt=FREEZE_ON,
            freeze_on=FREEZE_ON,
        ),
        announcements.action_needed(
            account(), number=7, due=39_00, action_url="https://pay.test", freeze_on=FREEZE_ON
        ),
        announcements.frozen(account(), number=7, due=39_00),
        announcements.restored(account()),
    ]

    for notice in notices:
        shown = {name for name, _ in FORMS[notice.kind].rows} | {"action_url"}
        assert set(notice.facts) <= shown, notice.kind
