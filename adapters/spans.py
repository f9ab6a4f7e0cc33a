"""Spans: what a process does and how long each part takes. Where nobody collects them, one costs a look at a variable.

The names and facts of spans are ours, and numbers, words of a closed set or UUIDs: nobody's name, address, key, text or
amount. What sends them is `telemetry.py`; it is imported by `tracing.py` and only where a collector is set.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractContextManager
from enum import StrEnum
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, ParamSpec, Protocol, Self, TypeAlias, TypeVar
from uuid import UUID

if TYPE_CHECKING:  # the log imports this module, and commands start fast without SQLAlchemy
    from sqlalchemy.ext.asyncio import AsyncEngine

P = ParamSpec("P")
T = TypeVar("T")
Fact: TypeAlias = str | int | UUID | list[str]

NO_FACTS: Final[Mapping[str, Fact]] = {}


class Kind(StrEnum):
    """Which side of a call a span is: work of our own, a request that came in, or one that went out."""

    INTERNAL = "INTERNAL"
    SERVER = "SERVER"
    CLIENT = "CLIENT"


class Span(Protocol):
    """A span that has begun."""

    def rename(self, name: str) -> None:
        """Give it the name that is known only now."""

    def note(self, facts: Mapping[str, Fact] = NO_FACTS, /, **own: Fact) -> None:
        """Add facts: by the names of the semantic conventions, and our own, which get `prorata.` in front."""

    def fail(self, reason: str) -> None:
        """Mark it as failed, by a word such as a class of errors."""


class Tracing(Protocol):
    """What makes spans and sends them."""

    def begin(
        self, name: str, *, kind: Kind, parent: str | None, facts: Mapping[str, Fact]
    ) -> AbstractContextManager[Span]:
        """Make a span that is the current one within the block."""

    def current(self) -> Span:
        """Give the current span."""

    def trace_id(self) -> str | None:
        """Give the id of the current trace, 32 hexadecimal digits."""

    def watch(self, engine: AsyncEngine) -> None:
        """Make a span of each statement of an engine that is part of a trace."""

    async def aclose(self) -> None:
        """Send what is left, for a few seconds at most, and make no more spans."""


class _Nothing:
    """Stands for tracing, and for each of its spans, where there is none."""

    __slots__ = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def rename(self, name: str) -> None:
        """See `Span.rename`."""

    def note(self, facts: Mapping[str, Fact] = NO_FACTS, /, **own: Fact) -> None:
        """See `Span.note`."""

    def fail(self, reason: str) -> None:
        """See `Span.fail`."""

    def begin(self, name: str, **_: object) -> _Nothing:  # noqa: ARG002  the signature is Tracing's
        """See `Tracing.begin`."""
        return self

    def current(self) -> _Nothing:
        """See `Tracing.current`."""
        return self

    def trace_id(self) -> None:
        """See `Tracing.trace_id`."""

    def watch(self, engine: AsyncEngine) -> None:
        """See `Tracing.watch`."""

    async def aclose(self) -> None:
        """See `Tracing.aclose`."""


NOTHING: Final = _Nothing()


class _Process:
    """How this process traces."""

    tracing: Tracing = NOTHING


def use(tracing: Tracing | None) -> None:
    """Make all spans of this process from now on by what is given, or by nothing."""
    _Process.tracing = tracing or NOTHING


def is_tracing() -> bool:
    """Tell whether spans are collected."""
    return _Process.tracing is not NOTHING


def span(
    name: str,
    facts: Mapping[str, Fact] = NO_FACTS,
    /,
    *,
    kind: Kind = Kind.INTERNAL,
    parent: str | None = None,
    **own: Fact,
) -> AbstractContextManager[Span]:
    """Make a span of a block: the child of the one around it or, with a W3C `traceparent`, of a caller's.

    An exception is told by its class, a refusal as no failure.
    """
    tracing = _Process.tracing
    if tracing is NOTHING:
        return NOTHING
    return tracing.begin(name, kind=kind, parent=parent, facts=told(facts, own))


def traced(work: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Make a span, named like `invoices.close`, of each call of a function; it tells the argument `account_id`."""
    name = f"{work.__module__.rpartition('.')[2]}.{work.__name__}"

    async def follow(*args: P.args, **kwargs: P.kwargs) -> T:
        account_id = kwargs.get("account_id")
        with span(name, {"prorata.account_id": account_id} if isinstance(account_id, UUID) else NO_FACTS):
            return await work(*args, **kwargs)

    @wraps(work)
    def do(*args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, T]:
        return (work if _Process.tracing is NOTHING else follow)(*args, **kwargs)

    return do


def current() -> Span:
    """Give the span of the block around."""
    return _Process.tracing.current()


def trace_id() -> str | None:
    """Give the id of the current trace, 32 hexadecimal digits, if there is one."""
    return _Process.tracing.trace_id()


def told(facts: Mapping[str, Fact], own: Mapping[str, Fact]) -> dict[str, Fact]:
    """Put facts together under the names they are told by."""
    return {**facts, **{f"prorata.{name}": value for name, value in own.items()}}
