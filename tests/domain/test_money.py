"""Money is whole cents, rounded half away from zero once, and written so that a person can check it."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.money import PRICE_PER_CENT, PRICE_SCALE, cents, price, round_half_up, show_cents, show_price


@pytest.mark.parametrize(
    ("numerator", "denominator", "rounded"),
    [
        (0, 7, 0),
        (1, 2, 1),
        (-1, 2, -1),
        (3, 2, 2),
        (5, 2, 3),
        (-5, 2, -3),
        (49, 100, 0),
        (-49, 100, 0),
        (1, 3, 0),
        (2, 3, 1),
        (-2, 3, -1),
        (7, 1, 7),
        (-7, 1, -7),
        (10**30 + 1, 2, (10**30 + 2) // 2),
    ],
)
def test_rounds_halves_away_from_zero(numerator: int, denominator: int, rounded: int) -> None:
    assert round_half_up(numerator, denominator) == rounded


@given(st.integers(), st.integers(1, 10**12))
def test_is_never_further_than_a_half_from_the_exact_ratio(numerator: int, denominator: int) -> None:
    exact, rounded = Fraction(numerator, denominator), round_half_up(numerator, denominator)

    assert abs(rounded - exact) <= Fraction(1, 2)
    assert rounded == -round_half_up(-numerator, denominator)


@pytest.mark.parametrize(
    ("dollars", "part", "whole", "amount"),
    [
        ("39", 1, 1, 39_00),
        ("39", 16, 30, 20_80),
        ("99", 27, 31, 86_23),
        ("0.005", 1, 1, 1),
        ("0.00499999", 1, 1, 0),
        ("0.015", 1, 3, 1),
        ("0.0175", 1, 1, 2),
        ("0.07", 1, 1, 7),
    ],
)
def test_gives_the_cents_of_a_part_of_an_amount(dollars: str, part: int, whole: int, amount: int) -> None:
    assert cents(price(dollars), part=part, whole=whole) == amount
    assert cents(-price(dollars), part=part, whole=whole) == -amount


def test_rounds_the_whole_product_not_the_unit() -> None:
    assert cents(2 * price("0.005")) == 1


@pytest.mark.parametrize(
    ("dollars", "units"),
    [
        ("0", 0),
        ("39", 39 * PRICE_SCALE),
        ("0.0175", 1_750_000),
        ("0.00000001", 1),
        ("1e2", 100 * PRICE_SCALE),
        ("0.070000000", 7_000_000),
    ],
)
def test_reads_a_unit_price(dollars: str, units: int) -> None:
    assert price(dollars) == units


@pytest.mark.parametrize("dollars", ["0.000000001", "-0.01", "-39", "NaN"])
def test_refuses_a_price_that_is_finer_than_prices_are_or_below_zero(dollars: str) -> None:
    with pytest.raises(ValueError, match="is not a price"):
        price(dollars)


@pytest.mark.parametrize("dollars", ["", "ten", "$39", "Infinity", "1,000"])
def test_refuses_a_price_that_is_no_number(dollars: str) -> None:
    with pytest.raises((ArithmeticError, ValueError)):
        price(dollars)


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (0, "$0.00"),
        (5, "$0.05"),
        (-5, "-$0.05"),
        (104_00, "$104.00"),
        (-30_19, "-$30.19"),
        (99_999, "$999.99"),
        (1_234_567_89, "$1,234,567.89"),
        (-1_000_00, "-$1,000.00"),
    ],
)
def test_shows_cents_as_dollars(amount: int, shown: str) -> None:
    assert show_cents(amount) == shown


@pytest.mark.parametrize(
    ("dollars", "shown"),
    [
        ("39", "$39.00"),
        ("0", "$0.00"),
        ("0.07", "$0.07"),
        ("0.0175", "$0.0175"),
        ("0.0300", "$0.03"),
        ("0.5", "$0.50"),
        ("1020", "$1,020.00"),
        ("0.00000001", "$0.00000001"),
    ],
)
def test_shows_a_unit_price_without_idle_zeros(dollars: str, shown: str) -> None:
    assert show_price(price(dollars)) == shown


def test_a_cent_is_a_whole_number_of_price_units() -> None:
    assert PRICE_PER_CENT * 100 == PRICE_SCALE
