"""The values of the schema that GraphQL does not know by itself: exact money, whole numbers past 32 bits, days,
moments, and text that is safe to store, print and log.

What comes in is refused in a sentence that says what would be accepted; nothing is silently mended, but for text,
which is brought to Unicode's composed form so that equal-looking names are equal.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final, NewType

import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

from api.errors import ErrorCode

BigInt = NewType("BigInt", int)
SafeString = NewType("SafeString", str)
UnitPrice = NewType("UnitPrice", int)

FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 2200
LONGEST_TEXT: Final = 255
# Past this a JSON reader that keeps numbers as doubles would round.
LARGEST_WHOLE_NUMBER: Final = 2**53 - 1
UNIT_PRICE_PLACES: Final = 8

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?)(Z|[+-]\d{2}:\d{2})?", re.ASCII)
_DECIMAL = re.compile(r"-?\d{1,15}(?:\.\d{1,8})?", re.ASCII)


@strawberry.type(description="An amount of money.")
class Money:
    """Money as the schema shows it; below the API it is whole cents."""

    amount: Decimal = strawberry.field(
        description='The exact amount in the currency\'s major unit: "104.00".'
    )
    currency: str = strawberry.field(description='The ISO 4217 code of the currency: "USD".')


def money(cents: int, *, currency: str = "USD") -> Money:
    """The schema's money for whole cents: 10400 is "104.00"."""
    return Money(amount=Decimal(cents).scaleb(-2), currency=currency)


def whole_cents(dollars: Decimal) -> int:
    """Read dollars as whole cents; anything finer is 0, which no amount of ours can be."""
    cents = dollars.scaleb(2)
    return int(cents) if cents == cents.to_integral_value() else 0


def format_unit_price(units: int) -> str:
    """A price held in 10^-8 dollars as decimal text, with two places at least: 350000 is "0.0035"."""
    sign, whole_units = ("-", -units) if units < 0 else ("", units)
    whole, part = divmod(whole_units, 10**UNIT_PRICE_PLACES)
    places = f"{part:0{UNIT_PRICE_PLACES}d}".rstrip("0").ljust(2, "0")
    return f"{sign}{whole}.{places}"


def safe_text(value: object, *, longest: int = LONGEST_TEXT) -> str:
    """The text in composed form (NFC), or a GraphQLError if it is blank, too long or holds control characters."""
    if not isinstance(value, str):
        raise _refused("Expected a string.")
    # Composing can make text a little longer or shorter, and takes long on long text: look at the length first too.
    if len(value) > longest:
        raise _refused(f"The text has {len(value)} characters; the most allowed is {longest}.")
    text = unicodedata.normalize("NFC", value)
    if len(text) > longest:
        raise _refused(f"The text has {len(text)} characters; the most allowed is {longest}.")
    if any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in text):
        raise _refused("The text holds a control character or half a surrogate pair: send plain text.")
    if not text.strip():
        raise _refused("The text is blank.")
    return text


def parse_day(value: object) -> date:
    """A calendar day from `YYYY-MM-DD`, or a GraphQLError."""
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise _refused('A date is written "2026-03-31".')
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise _refused("There is no such day in the calendar.") from None
    _require_year(day.year)
    return day


def parse_moment(value: object) -> datetime:
    """A moment in UTC from an RFC 3339 text that names its offset, or a GraphQLError."""
    match = _MOMENT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise _refused('A moment is written "2026-03-31T09:30:00Z", with at most six decimals of a second.')
    local, offset = match.groups()
    if offset is None:
        raise _refused("The moment does not say its time zone: add Z for UTC, or an offset such as +02:00.")
    try:
        moment = datetime.fromisoformat(local + offset)
    except ValueError:
        raise _refused("There is no such moment.") from None
    # Before the change to UTC as well: it cannot be made at the ends of the calendar.
    _require_year(moment.year)
    moment = moment.astimezone(UTC)
    _require_year(moment.year)
    return moment


def format_moment(value: datetime) -> str:
    """A moment as RFC 3339 text in UTC. A naive one is a bug: TypeError."""
    if value.tzinfo is None:
        raise TypeError("a moment without a time zone cannot be shown")
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def parse_decimal(value: object) -> Decimal:
    """An exact decimal from its text; numbers are refused, because JSON readers and writers round them."""
    if not isinstance(value, str) or not _DECIMAL.fullmatch(value):
        raise _refused('A decimal is written as a string: "104.00", with at most eight decimals.')
    return Decimal(value)


def parse_whole_number(value: object) -> BigInt:
    """A whole number within what every JSON reader keeps exact, or a GraphQLError."""
    number = int(value) if isinstance(value, float) and value.is_integer() else value
    if not isinstance(number, int) or isinstance(number, bool):
        raise _refused("Expected a whole number.")
    if abs(number) > LARGEST_WHOLE_NUMBER:
        raise _refused(f"The number is beyond {LARGEST_WHOLE_NUMBER}, the largest that stays exact in JSON.")
    return BigInt(number)


def _show_whole_number(value: int) -> int:
    if abs(value) > LARGEST_WHOLE_NUMBER:
        raise OverflowError("a number past 2^53 cannot be shown exactly")
    return value


def _show_decimal(value: Decimal) -> str:
    return format(value, "f")


def _show_day(value: date) -> str:
    return value.isoformat()


def _output_only(_value: object) -> UnitPrice:
    raise _refused("A unit price is only ever given out.")


def _refused(message: str) -> GraphQLError:
    return GraphQLError(message, extensions={"code": ErrorCode.BAD_USER_INPUT.value})


def _require_year(year: int) -> None:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise _refused(f"The year must lie between {FIRST_YEAR} and {LAST_YEAR}.")


def _scalar(
    name: str, description: str, *, show: Callable[..., object], parse: Callable[[object], object]
) -> ScalarDefinition:
    return strawberry.scalar(name=name, description=description, serialize=show, parse_value=parse)


SCALARS: Final[Mapping[object, ScalarDefinition]] = {
    BigInt: _scalar(
        "BigInt",
        "A whole number up to 2^53 - 1 in size, written as a JSON number.",
        show=_show_whole_number,
        parse=parse_whole_number,
    ),
    SafeString: _scalar(
        "SafeString",
        f"Text of 1 to {LONGEST_TEXT} characters without control characters, brought to Unicode's composed form (NFC).",
        show=str,
        parse=safe_text,
    ),
    UnitPrice: _scalar(
        "UnitPrice",
        'The exact price of one unit in dollars, as a string of two to eight decimals: "0.0035".',
        show=format_unit_price,
        parse=_output_only,
    ),
    Decimal: _scalar(
        "Decimal", 'An exact decimal, as a string: "104.00".', show=_show_decimal, parse=parse_decimal
    ),
    date: _scalar(
        "Date",
        f'A calendar day, written "2026-03-31", from {FIRST_YEAR} to {LAST_YEAR}.',
        show=_show_day,
        parse=parse_day,
    ),
    datetime: _scalar(
        "DateTime",
        'A moment, written "2026-03-31T09:30:00Z". Given out in UTC; taken in with Z or any offset, never without.',
        show=format_moment,
        parse=parse_moment,
    ),
}
