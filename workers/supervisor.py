"""Keeps the processes of a development start alive: who ends is started again, later each time."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from adapters.embedded import processes

FIRST_DELAY_SECONDS = 1.0
LONGEST_DELAY_SECONDS = 30.0
STEADY_SECONDS = 60.0
"""Who lived this long is taken to be well, and is started again without delay."""
STOP_SECONDS = 10


@dataclass(slots=True)
class Child:
    """One process, and what it takes to start it again."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    delay: float = FIRST_DELAY_SECONDS


class Supervisor:
    """Children in the order of their start; stopped in the opposite order."""

    def __init__(self, *, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._say = say
        self._clock = clock
        self._children: list[Child] = []

    def start(self, name: str, command: Sequence[str], *, env: Mapping[str, str]) -> None:
        """Start a child and keep it from now on."""
        child = Child(name, command, env)
        self._children.append(child)
        self._launch(child)

    def ended(self) -> list[str]:
        """The names of the children that are not running."""
        return [
            child.name for child in self._children if not child.process or child.process.poll() is not None
        ]

    def tend(self) -> None:
        """Notice who ended, start again who has waited long enough. Call it a few times a second."""
        for child in self._children:
            if child.process is None:
                if self._clock() >= child.started_at:
                    self._launch(child)
            elif (code := child.process.poll()) is not None:
                self._put_off(child, code)

    def stop(self) -> None:
        """End all children, the last started first, each before the next."""
        for child in reversed(self._children):
            if child.process:
                processes.stop(child.process, by=signal.SIGTERM, within_seconds=STOP_SECONDS)
        self._children.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _launch(self, child: Child) -> None:
        child.process = processes.spawn(child.command, on_orphaned=signal.SIGTERM, env=child.env)
        child.started_at = self._clock()

    def _put_off(self, child: Child, code: int) -> None:
        if self._clock() - child.started_at >= STEADY_SECONDS:
            child.delay = FIRST_DELAY_SECONDS
        self._say(f"{child.name} stopped with {_ending(code)}; starting it again in {child.delay:.0f} s")
        child.process = None
        child.started_at = self._clock() + child.delay
        child.delay = min(child.delay * 2, LONGEST_DELAY_SECONDS)


def _ending(code: int) -> str:
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name
