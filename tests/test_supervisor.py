"""The supervisor with real children: who ends is started again, later each time; all end in order."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from workers.supervisor import STEADY_SECONDS, Supervisor

ENDS = [sys.executable, "-c", "raise SystemExit(3)"]
LIVES = [sys.executable, "-c", "import time; time.sleep(60)"]
# Writes its name when it is asked to end, a little late, so that an order can be seen.
TELLS = """
import pathlib, signal, sys, time

def end(*_):
    time.sleep(0.1)
    with open(sys.argv[1], "a") as file:
        file.write(sys.argv[2])
    raise SystemExit

signal.signal(signal.SIGTERM, end)
pathlib.Path(sys.argv[1] + sys.argv[2]).touch()
time.sleep(60)
"""


@dataclass
class Clock:
    """A clock that the test sets."""

    now: float = 1000.0

    def __call__(self) -> float:
        """Read it."""
        return self.now


def wait_for(has_happened: Callable[[], object]) -> None:
    give_up_at = time.monotonic() + 10
    while not has_happened():
        assert time.monotonic() < give_up_at
        time.sleep(0.01)


def test_a_child_that_ends_is_started_again_after_a_doubled_delay_each_time() -> None:
    clock, said = Clock(), list[str]()
    with Supervisor(say=said.append, clock=clock) as supervisor:
        supervisor.start("The worker", ENDS, env=os.environ)
        for delay in (1, 2, 4):
            wait_for(supervisor.ended)
            supervisor.tend()  # notices
            clock.now += delay - 0.01
            supervisor.tend()  # too early
            assert supervisor.ended() == ["The worker"]
            clock.now += 0.01
            supervisor.tend()  # starts it

    assert said == [
        f"The worker stopped with exit code 3; starting it again in {delay} s" for delay in (1, 2, 4)
    ]


def test_a_child_that_lived_a_minute_is_started_again_soon() -> None:
    clock, said = Clock(), list[str]()
    with Supervisor(say=said.append, clock=clock) as supervisor:
        supervisor.start("The worker", ENDS, env=os.environ)
        for _ in range(2):
            wait_for(supervisor.ended)
            clock.now += STEADY_SECONDS
            supervisor.tend()
            clock.now += 1
            supervisor.tend()

    assert said == ["The worker stopped with exit code 3; starting it again in 1 s"] * 2


def test_a_killed_child_is_told_by_its_signal() -> None:
    said = list[str]()
    with Supervisor(say=said.append) as supervisor:
        supervisor.start("The API", [*LIVES[:2], "import os; os.kill(os.getpid(), 9)"], env=os.environ)
        wait_for(supervisor.ended)
        supervisor.tend()

    assert said == ["The API stopped with SIGKILL; starting it again in 1 s"]


def test_children_end_in_the_opposite_order_of_their_start(tmp_path: Path) -> None:
    told = tmp_path / "told"
    with Supervisor(say=print) as supervisor:
        for name in "abc":
            supervisor.start(name, [sys.executable, "-c", TELLS, str(told), name], env=os.environ)
        wait_for(lambda: all((tmp_path / f"told{name}").exists() for name in "abc"))
        assert supervisor.ended() == []

    assert told.read_text() == "cba"
