"""Lists are given a page at a time, and a cursor says where the next page starts: after the last row's own key.

A cursor holds the sort key of a row, not its position, so that rows inserted or removed meanwhile never make a
reader see a row twice or miss one.
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final, Generic, TypeAlias, TypeVar, overload
from uuid import UUID

import orjson
import strawberry

from api.errors import ApiError, bad_user_input

DEFAULT_PAGE_SIZE: Final = 20
MAX_PAGE_SIZE: Final = 100
_LONGEST_CURSOR: Final = 2048

KeyPart: TypeAlias = str | int | date | datetime | UUID

First: TypeAlias = Annotated[
    int | None,
    strawberry.argument(
        description=f"How many entries to give: {DEFAULT_PAGE_SIZE} unless told, {MAX_PAGE_SIZE} at most."
    ),
]
After: TypeAlias = Annotated[
    str | None,
    strawberry.argument(
        description="The `endCursor` of the page before; from the beginning of the list unless told."
    ),
]

Node = TypeVar("Node")
Row = TypeVar("Row")
A = TypeVar("A", bound=KeyPart)
B = TypeVar("B", bound=KeyPart)
C = TypeVar("C", bound=KeyPart)


@strawberry.type(description="Where a page lies in its list.")
class PageInfo:
    """Relay's PageInfo."""

    has_next_page: bool = strawberry.field(description="Whether there are more entries after this page.")
    has_previous_page: bool = strawberry.field(description="Whether the page was asked for with `after`.")
    start_cursor: str | None = strawberry.field(description="The cursor of the first entry, if there is one.")
    end_cursor: str | None = strawberry.field(
        description="The cursor of the last entry: give it as `after` to get the next page."
    )


@strawberry.type(description="One entry of a page.")
class Edge(Generic[Node]):
    """Relay's edge; the schema names it after its node: `InvoiceEdge`."""

    node: Node = strawberry.field(description="The entry itself.")
    cursor: str = strawberry.field(description="The entry's place in the list.")


@strawberry.type(description="One page of a list.")
class Connection(Generic[Node]):
    """Relay's connection; the schema names it after its node: `InvoiceConnection`."""

    edges: list[Edge[Node]] = strawberry.field(
        description="The entries of this page, in the order of the list."
    )
    page_info: PageInfo = strawberry.field(description="Where the page lies in the list.")


def page_size(first: int | None) -> int:
    """How many entries to give: 20 unless told, 100 at most.

    Raises:
        ApiError: BAD_USER_INPUT if `first` is zero or less.
    """
    if first is None:
        return DEFAULT_PAGE_SIZE
    if first < 1:
        raise bad_user_input("`first` must be at least 1.", argument="first")
    return min(first, MAX_PAGE_SIZE)


def encode_cursor(key: tuple[KeyPart, ...]) -> str:
    """The text that stands for a row's sort key. A moment must be aware."""
    return _encode([_plain(part) for part in key])


@overload
def decode_cursor(cursor: str, a: type[A], /) -> tuple[A]: ...
@overload
def decode_cursor(cursor: str, a: type[A], b: type[B], /) -> tuple[A, B]: ...
@overload
def decode_cursor(cursor: str, a: type[A], b: type[B], c: type[C], /) -> tuple[A, B, C]: ...
def decode_cursor(cursor: str, /, *kinds: type[Any]) -> tuple[Any, ...]:
    """The sort key a cursor stands for, each part of the kind it is asked to be.

    Raises:
        ApiError: BAD_USER_INPUT if the text is not a cursor of such a list.
    """
    if len(cursor) > _LONGEST_CURSOR:
        raise _not_a_cursor()
    try:
        parts = orjson.loads(
            base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        )
        # One key has one cursor: text that merely decodes to the same bytes is not ours.
        if not isinstance(parts, list) or len(parts) != len(kinds) or _encode(parts) != cursor:
            raise _not_a_cursor()
        return tuple(_typed(part, kind) for part, kind in zip(parts, kinds, strict=True))
    except (ValueError, OverflowError, binascii.Error):
        raise _not_a_cursor() from None


def connection_from_rows(
    rows: Sequence[Row],
    *,
    size: int,
    key: Callable[[Row], tuple[KeyPart, ...]],
    node: Callable[[Row], Node],
    after: str | None = None,
) -> Connection[Node]:
    """One page out of up to `size + 1` rows: the one too many only tells that there is a next page."""
    edges = [Edge(node=node(row), cursor=encode_cursor(key(row))) for row in rows[:size]]
    return Connection(
        edges=edges,
        page_info=PageInfo(
            has_next_page=len(rows) > size,
            has_previous_page=after is not None,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        ),
    )


def _encode(parts: list[str | int]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(parts)).rstrip(b"=").decode("ascii")


def _plain(part: KeyPart) -> str | int:
    if isinstance(part, datetime):
        return part.astimezone(UTC).isoformat()
    if isinstance(part, date):
        return part.isoformat()
    if isinstance(part, UUID):
        return str(part)
    return part


def _typed(part: object, kind: type[KeyPart]) -> KeyPart:
    if kind is int:
        if type(part) is int and -(2**63) <= part < 2**63:
            return part
        raise _not_a_cursor()
    if not isinstance(part, str) or "\0" in part:
        raise _not_a_cursor()
    if kind is str:
        return part
    if kind is UUID:
        return UUID(part)
    if kind is date:
        return date.fromisoformat(part)
    moment = datetime.fromisoformat(part)
    if moment.tzinfo is None:
        raise _not_a_cursor()
    return moment.astimezone(UTC)


def _not_a_cursor() -> ApiError:
    return bad_user_input(
        "That is not a cursor of this list: give an `endCursor` you got from it.", argument="after"
    )
