"""Test clocks: an account that hangs on one lives in its time, which stands still until advanced (section 2)."""

from __future__ import annotations

from datetime import datetime

import strawberry

from adapters.tables import testclocks as tables
from api.context import Info
from api.node_ids import decode_node_id
from api.nodes import Node, as_uuid, node_id
from api.results import mutation
from api.scalars import SafeString
from services import testclocks
from services.accounts import UnknownTestClock
from services.testclocks import AdvanceRunning, ClockGoesForward, ClockOutOfRange, TooFar


@strawberry.type(description="A clock that stands still until it is advanced.")
class TestClock(Node):
    """A test clock."""

    name: str = strawberry.field(description="What it is for.")
    now: datetime = strawberry.field(description="Where it stands.")
    target: datetime | None = strawberry.field(description="Where it is heading while it is being advanced.")


@strawberry.input(description="A clock to make.")
class TestClockCreateInput:
    """Input of testClockCreate."""

    name: SafeString = strawberry.field(description="What it is for.")
    now: datetime = strawberry.field(description="The moment at which it stands.")


@strawberry.type(description="The clock made.")
class TestClockCreatePayload:
    """Payload of testClockCreate."""

    test_clock: TestClock = strawberry.field(description="The clock.")


@strawberry.input(description="Where to advance a clock.")
class TestClockAdvanceInput:
    """Input of testClockAdvance."""

    test_clock_id: strawberry.ID = strawberry.field(description="The clock.")
    to: datetime = strawberry.field(description="The moment to advance to, at most 731 days on.")


@strawberry.type(description="The clock advanced.")
class TestClockAdvancePayload:
    """Payload of testClockAdvance."""

    test_clock: TestClock = strawberry.field(description="The clock, at its target.")


def test_clock(row: tables.TestClock) -> TestClock:
    """Show a test clock."""
    return TestClock(
        id=node_id("TestClock", None, row.id), name=row.name, now=row.now_at, target=row.target_at
    )


@mutation(
    payload=TestClockCreatePayload,
    refusals=(ClockOutOfRange,),
    description="Make a test clock. Needs an operator's key.",
)
async def test_clock_create(info: Info, input: TestClockCreateInput) -> TestClockCreatePayload:
    """Make a test clock."""
    ctx = info.context
    session = await ctx.begin()
    row = await testclocks.create_clock(session, name=input.name, now_at=input.now, wall=ctx.wall)
    return TestClockCreatePayload(test_clock=test_clock(row))


@mutation(
    payload=TestClockAdvancePayload,
    refusals=(UnknownTestClock, ClockOutOfRange, ClockGoesForward, TooFar, AdvanceRunning),
    description=(
        "Advance a test clock and do, in order, all that falls due on the way: periods close, payments are tried, "
        "trials end, accounts freeze. Needs an operator's key."
    ),
)
async def test_clock_advance(info: Info, input: TestClockAdvanceInput) -> TestClockAdvancePayload:
    """Advance a test clock."""
    ctx = info.context
    ref = decode_node_id(input.test_clock_id)
    clock_id = as_uuid(ref.local_id) if ref and ref.type_name == "TestClock" else None
    if clock_id is None:
        raise UnknownTestClock
    await testclocks.begin(await ctx.begin(), clock_id=clock_id, to=input.to)
    # What falls due on the way has transactions of its own.
    await ctx.running.settle(None)
    row = await testclocks.arrive(ctx.sessions, ctx.gateway, clock_id=clock_id, wall=ctx.wall)
    return TestClockAdvancePayload(test_clock=test_clock(row))
