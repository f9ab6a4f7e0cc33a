"""The schema's values: what comes in is exact and safe or refused with a reason, what goes out is exact."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
import strawberry
from graphql import GraphQLError
from strawberry.schema.config import StrawberryConfig

from api.scalars import (
    SCALARS,
    BigInt,
    Money,
    SafeString,
    UnitPrice,
    format_moment,
    format_unit_price,
    money,
    parse_day,
    parse_decimal,
    parse_moment,
    parse_whole_number,
    safe_text,
)


@strawberry.type
class Query:
    @strawberry.field
    def text(self, value: SafeString) -> SafeString:
        return value

    @strawberry.field
    def count(self, value: BigInt) -> BigInt:
        return value

    @strawberry.field
    def day(self, value: date) -> date:
        return value

    @strawberry.field
    def moment(self, value: datetime) -> datetime:
        return value

    @strawberry.field
    def amount(self, value: Decimal) -> Decimal:
        return value

    @strawberry.field
    def total(self, cents: int) -> Money:
        return money(cents)

    @strawberry.field
    def price(self, units: int) -> UnitPrice:
        return UnitPrice(units)

    @strawberry.field
    def naive_moment(self) -> datetime | None:
        return datetime(2026, 3, 31)

    @strawberry.field
    def huge_count(self) -> BigInt | None:
        return BigInt(2**53)


SCHEMA = strawberry.Schema(Query, config=StrawberryConfig(scalar_map=SCALARS))


async def ask(field: str, type_name: str, value: object) -> Any:
    result = await SCHEMA.execute(
        f"query ($value: {type_name}!) {{ {field}(value: $value) }}", variable_values={"value": value}
    )
    assert result.errors is None
    assert result.data
    return result.data[field]


@pytest.mark.parametrize(
    ("cents", "shown"),
    [(10400, "104.00"), (0, "0.00"), (5, "0.05"), (-7, "-0.07"), (10**17, "1000000000000000.00")],
)
async def test_money_is_shown_in_full(cents: int, shown: str) -> None:
    assert str(money(cents).amount) == shown


async def test_money_comes_out_as_a_string_and_a_currency() -> None:
    result = await SCHEMA.execute("{ total(cents: 10400) { amount currency } }")

    assert result.data == {"total": {"amount": "104.00", "currency": "USD"}}


@pytest.mark.parametrize(
    ("units", "shown"),
    [
        (99_000_000, "0.99"),
        (350_000, "0.0035"),
        (1, "0.00000001"),
        (0, "0.00"),
        (2_950_000_000, "29.50"),
        (-1, "-0.00000001"),
    ],
)
async def test_a_unit_price_keeps_every_place_and_two_at_least(units: int, shown: str) -> None:
    assert format_unit_price(units) == shown
    if units < 2**31:
        result = await SCHEMA.execute(f"{{ price(units: {units}) }}")
        assert result.data == {"price": shown}


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("Zoë", "Zoë"),
        ("Zoe\u0308", "Zo\u00eb"),
        (" padded ", " padded "),
        ("北京 🎈", "北京 🎈"),
        ("x" * 255, "x" * 255),
    ],
)
async def test_text_is_kept_in_composed_form(sent: str, kept: str) -> None:
    assert await ask("text", "SafeString", sent) == kept


@pytest.mark.parametrize(
    "text", ["", "  ", "a\0b", "a\nb", "\x1b[31m", "\ud800", "x" * 256, 5, True, None, ["a"]]
)
def test_refuses_text_that_is_blank_too_long_or_unprintable(text: object) -> None:
    with pytest.raises(GraphQLError) as refused:
        safe_text(text)

    assert refused.value.extensions == {"code": "BAD_USER_INPUT"}


@pytest.mark.parametrize("number", [0, -5, 2**31, 2**53 - 1, -(2**53) + 1])
async def test_a_whole_number_stays_exact(number: int) -> None:
    assert await ask("count", "BigInt", number) == number


@pytest.mark.parametrize("number", [2**53, -(2**53), 1.5, 1e300, "5", True, None, [1]])
def test_refuses_a_number_that_is_not_whole_or_not_exact(number: object) -> None:
    with pytest.raises(GraphQLError):
        parse_whole_number(number)


async def test_a_number_too_large_to_show_is_an_error_not_a_wrong_number() -> None:
    result = await SCHEMA.execute("{ hugeCount }")

    assert result.data == {"hugeCount": None}


async def test_a_day_comes_back_as_it_was() -> None:
    assert await ask("day", "Date", "2024-02-29") == "2024-02-29"


@pytest.mark.parametrize(
    "day",
    [
        "2026-02-29",
        "1969-12-31",
        "2201-01-01",
        "0000-01-01",
        "20260331",
        "2026-W10-1",
        "2026-03-31\n",
        "٢٠٢٦-03-31",
        5,
        None,
    ],
)
def test_refuses_what_is_no_day_of_ours(day: object) -> None:
    with pytest.raises(GraphQLError):
        parse_day(day)


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("2026-03-31T09:30:00Z", "2026-03-31T09:30:00Z"),
        ("2026-03-31T09:30:00+02:00", "2026-03-31T07:30:00Z"),
        ("2026-03-31T09:30:00.25Z", "2026-03-31T09:30:00.250000Z"),
        ("1970-01-01T00:00:00-12:00", "1970-01-01T12:00:00Z"),
    ],
)
async def test_a_moment_comes_back_in_utc(sent: str, shown: str) -> None:
    assert await ask("moment", "DateTime", sent) == shown


@pytest.mark.parametrize(
    "moment",
    [
        "2026-03-31",
        "2026-03-31 09:30:00Z",
        "2026-03-31T24:00:00Z",
        "2026-03-31T09:30:60Z",
        "2026-03-31T09:30:00+24:00",
        "2026-03-31T09:30:00.1234567Z",
        "1970-01-01T00:00:00+01:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2201-01-01T00:00:00Z",
        5,
        None,
    ],
)
def test_refuses_what_is_no_moment_of_ours(moment: object) -> None:
    with pytest.raises(GraphQLError):
        parse_moment(moment)


def test_a_moment_without_a_time_zone_is_told_to_add_one() -> None:
    with pytest.raises(GraphQLError, match="add Z"):
        parse_moment("2026-03-31T09:30:00")


def test_shows_a_moment_from_anywhere_in_utc() -> None:
    moment = datetime(2026, 3, 31, 9, 30, tzinfo=timezone(timedelta(hours=2)))

    assert format_moment(moment) == "2026-03-31T07:30:00Z"
    assert parse_moment(format_moment(moment)) == moment.astimezone(UTC)


async def test_a_naive_moment_of_ours_is_an_error() -> None:
    result = await SCHEMA.execute("{ naiveMoment }")

    assert result.errors
    assert isinstance(result.errors[0].original_error, TypeError)


async def test_a_decimal_keeps_its_places() -> None:
    assert await ask("amount", "Decimal", "12.50") == "12.50"


@pytest.mark.parametrize(
    "text", ["1e9", "NaN", "Infinity", "1.123456789", "1" * 16, ".5", "1.", "", 1.5, 1, None]
)
def test_refuses_a_decimal_that_is_not_plain(text: object) -> None:
    with pytest.raises(GraphQLError):
        parse_decimal(text)


@pytest.mark.parametrize(
    ("field", "literal"),
    [
        ("text", '"\\u0000"'),
        ("text", "5"),
        ("count", "9" * 5000),
        ("count", "1.5"),
        ("day", '"yesterday"'),
        ("moment", '"2026-03-31T09:30:00"'),
        ("amount", "1.5"),
    ],
)
async def test_refuses_the_same_values_written_into_the_query(field: str, literal: str) -> None:
    result = await SCHEMA.execute(f"{{ {field}(value: {literal}) }}")

    assert result.data is None
    assert result.errors
    assert result.errors[0].path is None


@pytest.mark.parametrize(
    ("field", "type_name", "value"),
    [
        ("text", "SafeString", "\0"),
        ("count", "BigInt", 2**60),
        ("day", "Date", "x"),
        ("moment", "DateTime", "x"),
    ],
)
async def test_a_refused_variable_says_so_with_its_code(field: str, type_name: str, value: object) -> None:
    result = await SCHEMA.execute(
        f"query ($value: {type_name}!) {{ {field}(value: $value) }}", variable_values={"value": value}
    )

    assert result.errors
    assert result.errors[0].extensions == {"code": "BAD_USER_INPUT"}


def test_every_scalar_says_what_it_is() -> None:
    assert all(scalar.description and len(scalar.description) > 20 for scalar in SCALARS.values())
