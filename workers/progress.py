"""How far long work has come: a bar on a terminal, and a line now and then where nobody looks on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

TOLD = 10
"""Lines told of a whole, about."""

Advance = Callable[[int], None]


@contextmanager
def progress(total: int, *, label: str) -> Iterator[Advance]:
    """Give a function to call with the number done so far; more than `total` makes the whole larger.

    Everything goes to the standard error, so that the result can be kept apart.
    """
    stream = sys.stderr
    if not stream.isatty():
        yield _lines(total, label=label)
        return
    with click.progressbar(length=total, label=label, file=stream, show_pos=True) as bar:

        def advance(done: int) -> None:
            bar.length = max(total, done)
            bar.update(done - bar.pos)

        yield advance


def _lines(total: int, *, label: str) -> Advance:
    step, told = max(total // TOLD, 1), 0

    def advance(done: int) -> None:
        nonlocal told
        if done - told >= step or (done == total and done != told):
            told = done
            click.echo(f"{label}: {done:,} of {max(total, done):,}", err=True)

    return advance
