"""The price book of the rule book is read as printed, and a document that is not a price book is refused with a reason."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from domain.money import price
from domain.pricebook import InvalidPriceBook, Metric, Plan, read_price_book
from tests.domain.builders import BOOK, DOCUMENT, on
from tests.reference.prices import LITE_SEATS, PSP_CENTS, SEAT_CENTS, TIERS

Document = dict[str, Any]


@pytest.mark.parametrize(
    ("plan", "monthly", "yearly_per_month", "yearly", "lite"),
    [
        (Plan.ESSENTIAL, "39", "29", "348", 0),
        (Plan.ADVANCED, "99", "85", "1020", 20),
        (Plan.EXPERT, "139", "132", "1584", 50),
    ],
)
def test_a_plan_costs_what_the_rule_book_says(
    plan: Plan, monthly: str, yearly_per_month: str, yearly: str, lite: int
) -> None:
    prices = BOOK.plans[plan]

    assert prices.monthly == price(monthly)
    assert (prices.yearly_per_month, prices.yearly) == (price(yearly_per_month), price(yearly))
    assert prices.yearly_per_month * 12 == prices.yearly
    assert prices.lite_seats_included == lite


def test_the_add_on_costs_the_same_paid_monthly_or_yearly() -> None:
    assert (BOOK.psp_monthly, BOOK.psp_yearly) == (price("99"), price("1188"))
    assert BOOK.psp_monthly * 12 == BOOK.psp_yearly


@pytest.mark.parametrize(
    ("metric", "included", "trial_cap", "needs_psp"),
    [
        (Metric.MESSAGES_SENT, 500, 500, True),
        (Metric.BULK_EMAIL, 0, 500, False),
        (Metric.SMS_SEGMENT, 0, 100, False),
        (Metric.WHATSAPP_SENT, 0, 100, False),
        (Metric.PHONE_MINUTE, 0, 60, False),
        (Metric.FIN_RESOLUTION, 0, None, False),
    ],
)
def test_a_metric_includes_and_needs_what_the_rule_book_says(
    metric: Metric,
    included: int,
    trial_cap: int | None,
    needs_psp: bool,
) -> None:
    prices = BOOK.metrics[metric]

    assert (prices.included, prices.trial_cap, prices.needs_psp) == (included, trial_cap, needs_psp)
    assert prices.label
    assert prices.unit
    assert prices.meaning


@pytest.mark.parametrize("metric", Metric)
def test_the_tiers_are_those_of_the_rule_book(metric: Metric) -> None:
    tiers = BOOK.metrics[metric].card.tiers

    assert [(tier.last, tier.price) for tier in tiers] == [
        (last, price(cost)) for last, cost in TIERS[metric]
    ]


def test_the_book_agrees_with_the_prices_typed_in_a_second_time() -> None:
    assert {plan: prices.monthly for plan, prices in BOOK.plans.items()} == {
        plan: cents * 10**6 for plan, cents in SEAT_CENTS.items()
    }
    assert {plan: prices.lite_seats_included for plan, prices in BOOK.plans.items()} == LITE_SEATS
    assert BOOK.psp_monthly == PSP_CENTS * 10**6


def test_the_first_version_is_in_force_and_trials_last_fourteen_days_and_seven_more() -> None:
    assert (BOOK.version, BOOK.effective_on) == (1, on("2020-01-01"))
    assert (BOOK.trial_days, BOOK.trial_extension_days) == (14, 7)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda book: book.pop("version"), "'version' is missing"),
        (lambda book: book.pop("effectiveOn"), "'effectiveOn' is missing"),
        (lambda book: book.pop("plans"), "'plans' is missing"),
        (lambda book: book.pop("psp"), "'psp' is missing"),
        (lambda book: book.pop("metrics"), "'metrics' is missing"),
        (lambda book: book.pop("trial"), "'trial' is missing"),
        (lambda book: book["plans"].pop("EXPERT"), "EXPERT"),
        (lambda book: book["plans"]["EXPERT"].pop("monthly"), "'monthly' is missing"),
        (lambda book: book["plans"]["EXPERT"].pop("yearly"), "'yearly' is missing"),
        (lambda book: book["plans"]["EXPERT"].pop("yearlyPerMonth"), "'yearlyPerMonth' is missing"),
        (lambda book: book["plans"]["EXPERT"].pop("liteSeatsIncluded"), "'liteSeatsIncluded' is missing"),
        (lambda book: book["psp"].pop("yearly"), "'yearly' is missing"),
        (lambda book: book["trial"].pop("extensionDays"), "'extensionDays' is missing"),
        (lambda book: book["metrics"].pop("SMS_SEGMENT"), "SMS_SEGMENT"),
        (lambda book: book["metrics"]["SMS_SEGMENT"].pop("label"), "'label' is missing"),
        (lambda book: book["metrics"]["SMS_SEGMENT"].pop("needsPsp"), "'needsPsp' is missing"),
        (lambda book: book["metrics"]["SMS_SEGMENT"].pop("trialCap"), "'trialCap' is missing"),
        (lambda book: book["metrics"]["SMS_SEGMENT"].pop("tiers"), "'tiers' is missing"),
        (lambda book: book["metrics"]["SMS_SEGMENT"]["tiers"][0].pop("upTo"), "'upTo' is missing"),
        (lambda book: book["metrics"]["SMS_SEGMENT"]["tiers"][0].pop("price"), "'price' is missing"),
        (lambda book: book.update(version="first"), "first"),
        (lambda book: book.update(effectiveOn="yesterday"), "yesterday"),
        (lambda book: book.update(effectiveOn=2020), "."),
        (lambda book: book.update(plans=[]), "."),
        (lambda book: book.update(metrics=None), "."),
        (lambda book: book["plans"]["ESSENTIAL"].update(monthly="-39"), "'-39' is not a price"),
        (lambda book: book["plans"]["ESSENTIAL"].update(monthly="0.000000001"), "is not a price"),
        (lambda book: book["plans"]["ESSENTIAL"].update(monthly="NaN"), "'NaN' is not a price"),
        (lambda book: book["plans"]["ESSENTIAL"].update(monthly="Infinity"), "."),
        (lambda book: book["plans"]["ESSENTIAL"].update(monthly="many"), "'many' is not a price"),
        (
            lambda book: book["plans"]["ESSENTIAL"].update(liteSeatsIncluded=-5),
            "-5 is not a whole number from 0",
        ),
        (lambda book: book["metrics"]["SMS_SEGMENT"].update(trialCap="lots"), "'lots' is not a whole number"),
        (lambda book: book["metrics"]["SMS_SEGMENT"].update(trialCap=-1), "-1 is not a whole number"),
        (lambda book: book["metrics"]["SMS_SEGMENT"].update(needsPsp="false"), "'false' is neither true nor"),
        (lambda book: book["metrics"]["SMS_SEGMENT"].update(label=None), "None is not a text"),
        (lambda book: book["trial"].update(days=0), "0 is not a whole number from 1"),
        (lambda book: book.update(version=1.5), "1.5 is not a whole number"),
        (lambda book: book["plans"]["ESSENTIAL"].update(monthly=None), "."),
        (lambda book: book["plans"]["ESSENTIAL"].update(liteSeatsIncluded="some"), "some"),
        (lambda book: book["metrics"]["PHONE_MINUTE"].update(tiers=[]), "exactly the last tier"),
        (
            lambda book: book["metrics"]["PHONE_MINUTE"].update(tiers=[{"upTo": 10, "price": "1"}]),
            "exactly the last tier",
        ),
        (lambda book: book["metrics"]["SMS_SEGMENT"]["tiers"][2].update(upTo=None), "exactly the last tier"),
        (lambda book: book["metrics"]["SMS_SEGMENT"]["tiers"][1].update(upTo=500), "must rise"),
        (lambda book: book["metrics"]["SMS_SEGMENT"]["tiers"][0].update(upTo=0), "must rise"),
        (lambda book: book["metrics"]["SMS_SEGMENT"]["tiers"][0].update(upTo=-1), "must rise"),
        (lambda book: book["metrics"]["SMS_SEGMENT"]["tiers"][0].update(upTo="500"), "."),
    ],
)
def test_refuses_a_document_that_is_no_price_book(spoil: Callable[[Document], object], reason: str) -> None:
    document = deepcopy(dict(DOCUMENT))
    spoil(document)

    with pytest.raises(InvalidPriceBook, match=reason) as refused:
        read_price_book(document)

    assert refused.value.message.startswith("The price book cannot be used: ")
    assert refused.value.reason


def test_execution_are_printed_by_name() -> None:
    assert [plan.label for plan in Plan] == ["Essential", "Advanced", "Expert"]
