"""Rounds of rivals, one after the other: what counts is each round's ratio, for the machine's moods change between rounds.

The first round warms everything up and is thrown away. Absolute rates are shown, and belong to the machine of the day.
CPU times are read from /proc, so they are known on Linux only.
"""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

TICKS = os.sysconf("SC_CLK_TCK")
# Fields of /proc/<pid>/stat after the command's closing parenthesis.
_PARENT, _USER, _SYSTEM = 1, 11, 12


Work = Callable[[], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Rival:
    """Something that does units of work: `prepare` gives the work of a round, which gives the number of units done.

    Only the work is timed. `app` names the processes whose CPU time it costs beside PostgreSQL's.
    """

    name: str
    prepare: Callable[[], Awaitable[Work]]
    app: tuple[int, ...]
    is_limit: bool = False


@dataclass(slots=True)
class Tally:
    """What a rival did, round by round: units a second, and CPU seconds a unit of the app and of PostgreSQL."""

    rates: list[float] = field(default_factory=list)
    app_cpu: list[float] = field(default_factory=list)
    postgres_cpu: list[float] = field(default_factory=list)


async def race(
    rivals: Sequence[Rival], *, rounds: int, postmaster: int, settle: Callable[[], Awaitable[None]]
) -> dict[str, Tally]:
    """Let each rival work once a round, in turn, `settle` going before each; the first round is not counted."""
    tallies = {rival.name: Tally() for rival in rivals}
    for number in range(rounds + 1):
        for rival in rivals:
            work = await rival.prepare()
            await settle()
            before = cpu_seconds(rival.app), cpu_seconds(_family(postmaster))
            started = time.perf_counter()
            units = await work()
            seconds = time.perf_counter() - started
            after = cpu_seconds(rival.app), cpu_seconds(_family(postmaster))
            if number == 0:
                continue
            tally = tallies[rival.name]
            tally.rates.append(units / seconds)
            tally.app_cpu.append((after[0] - before[0]) / units)
            tally.postgres_cpu.append((after[1] - before[1]) / units)
    return tallies


def show(rivals: Sequence[Rival], tallies: Mapping[str, Tally], *, unit: str) -> None:
    """Print each rival's ratio to the best limit of the same round: the median, and from least to most."""
    limits = [tallies[rival.name].rates for rival in rivals if rival.is_limit]
    best = [max(rates) for rates in zip(*limits, strict=True)]
    header = ("", f"{unit}/s", "of the limit", "min-max", "app CPU", "Postgres CPU")
    print("{:<38} {:>10} {:>13} {:>12} {:>11} {:>13}".format(*header))
    for rival in rivals:
        tally = tallies[rival.name]
        ratios = [rate / limit for rate, limit in zip(tally.rates, best, strict=True)]
        print(
            f"{rival.name:<38} {median(tally.rates):>10,.0f} {median(ratios):>13.2f}"
            f" {min(ratios):>7.2f}-{max(ratios):.2f}"
            f" {median(tally.app_cpu) * 1e6:>8,.1f} us {median(tally.postgres_cpu) * 1e6:>10,.1f} us"
        )
    if max(best) > 2 * min(best):
        print("The limit itself changed more than twofold between rounds: too noisy to say.")


def cpu_seconds(pids: Iterable[int]) -> float:
    """Give the CPU time that processes have used; one that is gone has used none."""
    ticks = 0
    for pid in pids:
        fields = _stat(pid)
        if fields:
            ticks += int(fields[_USER]) + int(fields[_SYSTEM])
    return ticks / TICKS


def parent_of(pid: int) -> int:
    """Give a process's parent: a PostgreSQL backend's is its postmaster."""
    fields = _stat(pid)
    return int(fields[_PARENT]) if fields else 0


def _family(parent: int) -> list[int]:
    return [
        pid
        for pid in map(int, filter(str.isdecimal, (path.name for path in Path("/proc").iterdir())))
        if parent_of(pid) == parent
    ]


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
