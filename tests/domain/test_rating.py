"""Usage is graduated: each unit costs the price of its tier, bounds inclusive, and the whole is rounded once."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.money import PRICE_PER_CENT, price, round_half_up
from domain.pricebook import Metric
from domain.rating import (
    RateCard,
    Tier,
    TierPart,
    cost,
    exact_cost,
    rate_card,
    show_parts,
    tier_parts,
    tiers_between,
)
from tests.domain.builders import BOOK
from tests.reference.prices import rated_cents

metrics = st.sampled_from(list(Metric))
quantities = st.integers(0, 10**9) | st.integers(0, 1_100)


def card_of(metric: Metric) -> RateCard:
    return BOOK.metrics[metric].card


@pytest.mark.parametrize(
    ("metric", "quantity", "cents"),
    [
        *((Metric.MESSAGES_SENT, quantity, 0) for quantity in (0, 1, 400, 500)),
        (Metric.MESSAGES_SENT, 501, 7),
        (Metric.MESSAGES_SENT, 1_000, 35_00),
        (Metric.MESSAGES_SENT, 1_001, 35_06),
        (Metric.MESSAGES_SENT, 2_000, 95_00),
        (Metric.MESSAGES_SENT, 2_001, 95_05),
        (Metric.MESSAGES_SENT, 3_000, 145_00),
        (Metric.MESSAGES_SENT, 3_001, 145_04),
        (Metric.MESSAGES_SENT, 4_000, 185_00),
        (Metric.MESSAGES_SENT, 5_000, 225_00),
        (Metric.MESSAGES_SENT, 5_001, 225_03),
        (Metric.MESSAGES_SENT, 10_000, 375_00),
        (Metric.MESSAGES_SENT, 10_001, 375_03),
        (Metric.MESSAGES_SENT, 10_002, 375_05),
        (Metric.MESSAGES_SENT, 100_000, 2_625_00),
        (Metric.MESSAGES_SENT, 100_001, 2_625_02),
        (Metric.MESSAGES_SENT, 250_000, 5_625_00),
        (Metric.MESSAGES_SENT, 250_001, 5_625_02),
        (Metric.MESSAGES_SENT, 300_000, 6_500_00),
        (Metric.BULK_EMAIL, 0, 0),
        (Metric.BULK_EMAIL, 1, 4),
        (Metric.BULK_EMAIL, 300, 12_00),
        (Metric.BULK_EMAIL, 500, 20_00),
        (Metric.BULK_EMAIL, 501, 20_03),
        (Metric.BULK_EMAIL, 1_000, 35_00),
        (Metric.BULK_EMAIL, 1_001, 35_03),
        (Metric.BULK_EMAIL, 4_000, 119_00),
        (Metric.BULK_EMAIL, 7_000, 194_00),
        (Metric.BULK_EMAIL, 10_000, 254_00),
        (Metric.BULK_EMAIL, 10_001, 254_02),
        (Metric.BULK_EMAIL, 100_000, 1_604_00),
        (Metric.BULK_EMAIL, 100_001, 1_604_01),
        (Metric.SMS_SEGMENT, 1, 6),
        (Metric.SMS_SEGMENT, 501, 30_03),
        (Metric.SMS_SEGMENT, 4_000, 120_00),
        (Metric.SMS_SEGMENT, 7_000, 180_00),
        (Metric.SMS_SEGMENT, 7_001, 180_02),
        (Metric.SMS_SEGMENT, 10_000, 232_50),
        (Metric.SMS_SEGMENT, 100_000, 1_582_50),
        (Metric.SMS_SEGMENT, 100_001, 1_582_51),
        (Metric.WHATSAPP_SENT, 1, 10),
        (Metric.WHATSAPP_SENT, 501, 50_10),
        (Metric.WHATSAPP_SENT, 502, 50_19),
        (Metric.WHATSAPP_SENT, 4_000, 367_50),
        (Metric.WHATSAPP_SENT, 10_000, 862_50),
        (Metric.WHATSAPP_SENT, 10_001, 862_57),
        (Metric.WHATSAPP_SENT, 1_000_000, 70_162_50),
        (Metric.PHONE_MINUTE, 0, 0),
        (Metric.PHONE_MINUTE, 1, 3),
        (Metric.PHONE_MINUTE, 4, 12),
        (Metric.FIN_RESOLUTION, 1, 99),
        (Metric.FIN_RESOLUTION, 100, 99_00),
    ],
)
def test_rates_each_unit_at_the_price_of_its_tier(metric: Metric, quantity: int, cents: int) -> None:
    assert cost(card_of(metric), quantity) == cents
    assert rated_cents(metric, quantity) == cents


@given(metrics, quantities)
def test_the_cost_is_the_sum_over_the_tiers(metric: Metric, quantity: int) -> None:
    card = card_of(metric)

    parts = tier_parts(card, quantity)

    assert sum(part.units for part in parts) == quantity
    assert sum(part.units * part.price for part in parts) == exact_cost(card, quantity)


@pytest.mark.parametrize("metric", Metric)
def test_the_cost_is_the_sum_of_the_units_one_by_one(metric: Metric) -> None:
    card = card_of(metric)
    by_units = Fraction(0)

    for quantity in range(1, 10_050):
        tier = next(tier for tier in card.tiers if tier.last is None or quantity <= tier.last)
        by_units += Fraction(tier.price)
        assert exact_cost(card, quantity) == by_units


@given(metrics, quantities, st.integers(0, 10**6))
def test_more_usage_never_costs_less(metric: Metric, quantity: int, more: int) -> None:
    card = card_of(metric)

    assert cost(card, quantity + more) >= cost(card, quantity)


@given(metrics, quantities)
def test_the_cost_is_rounded_once_from_the_exact_amount(metric: Metric, quantity: int) -> None:
    card = card_of(metric)

    exact = Fraction(exact_cost(card, quantity), PRICE_PER_CENT)

    assert cost(card, quantity) == round_half_up(exact.numerator, exact.denominator)
    assert cost(card, quantity) == rated_cents(metric, quantity)


def test_a_half_cent_is_rounded_up() -> None:
    card = rate_card([Tier(None, price("0.005"))])

    assert [cost(card, quantity) for quantity in (1, 2, 3)] == [1, 1, 2]


def test_splits_a_quantity_over_the_tiers_it_reaches() -> None:
    assert tier_parts(card_of(Metric.MESSAGES_SENT), 1_001) == (
        TierPart(1, 500, 500, 0),
        TierPart(501, 1_000, 500, price("0.07")),
        TierPart(1_001, 2_000, 1, price("0.06")),
    )
    assert tier_parts(card_of(Metric.PHONE_MINUTE), 4) == (TierPart(1, None, 4, price("0.03")),)


@pytest.mark.parametrize(
    ("metric", "quantity", "shown"),
    [
        (Metric.MESSAGES_SENT, 0, "0"),
        (Metric.MESSAGES_SENT, 500, "500 x $0.00"),
        (Metric.MESSAGES_SENT, 501, "500 x $0.00 + 1 x $0.07"),
        (
            Metric.SMS_SEGMENT,
            7_001,
            "500 x $0.06 + 500 x $0.03 + 3,000 x $0.025 + 3,000 x $0.02 + 1 x $0.0175",
        ),
    ],
)
def test_shows_the_arithmetic(metric: Metric, quantity: int, shown: str) -> None:
    assert show_parts(tier_parts(card_of(metric), quantity)) == shown


@pytest.mark.parametrize(
    ("tiers", "free"),
    [
        ([Tier(500, 0), Tier(None, 1)], 500),
        ([Tier(500, 1), Tier(None, 0)], 0),
        ([Tier(None, 1)], 0),
        ([Tier(None, 0)], 0),
    ],
)
def test_the_units_included_are_those_of_a_free_first_tier(tiers: list[Tier], free: int) -> None:
    assert rate_card(tiers).free_units == free


@pytest.mark.parametrize(
    "tiers",
    [
        [],
        [Tier(10, 1)],
        [Tier(None, 1), Tier(None, 1)],
        [Tier(10, 1), Tier(10, 1), Tier(None, 1)],
        [Tier(10, 1), Tier(9, 1), Tier(None, 1)],
        [Tier(0, 1), Tier(None, 1)],
        [Tier(None, 1), Tier(10, 1)],
    ],
)
def test_refuses_tiers_that_do_not_rise_to_an_open_end(tiers: list[Tier]) -> None:
    with pytest.raises(ValueError, match="tier"):
        rate_card(tiers)


@pytest.mark.parametrize(
    ("quantity", "exact"),
    [(0, 0), (1, 5), (10, 50), (11, 53), (20, 80), (21, 82), (100, 240), (1_000, 2_040)],
)
def test_a_card_made_of_tiers_charges_each_unit_at_its_tier(quantity: int, exact: int) -> None:
    card = rate_card([Tier(10, 5), Tier(20, 3), Tier(None, 2)])

    assert exact_cost(card, quantity) == exact
    assert sum(part.units * part.price for part in tier_parts(card, quantity)) == exact
    assert (card.bounds, card.starts, card.prices) == ((10, 20), (0, 10, 20), (5, 3, 2))


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 0, []),
        (5, 5, []),
        (0, 3, [(1, 10, 3, 5)]),
        (8, 10, [(1, 10, 2, 5)]),
        (8, 12, [(1, 10, 2, 5), (11, 20, 2, 3)]),
        (10, 21, [(11, 20, 10, 3), (21, None, 1, 2)]),
        (25, 30, [(21, None, 5, 2)]),
    ],
)
def test_units_above_others_fall_in_the_tiers_that_are_left(
    low: int, high: int, expected: list[tuple[int, int | None, int, int]]
) -> None:
    card = rate_card([Tier(10, 5), Tier(20, 3), Tier(None, 2)])

    assert tiers_between(card, low, high) == tuple(TierPart(*part) for part in expected)


@given(metrics, st.integers(0, 300_000), st.integers(0, 300_000))
def test_tiers_between_cost_the_difference(metric: Metric, low: int, more: int) -> None:
    card = card_of(metric)

    between = sum(part.units * part.price for part in tiers_between(card, low, low + more))

    assert between == exact_cost(card, low + more) - exact_cost(card, low)
