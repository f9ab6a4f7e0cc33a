"""Child processes that end with their parent, however the parent ends."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from adapters.embedded.account import Account

PR_SET_PDEATHSIG = 1

# Loaded before any fork: a child that gave up root may no longer be able to read the library.
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def spawn(
    command: Sequence[str],
    *,
    on_orphaned: signal.Signals,
    env: Mapping[str, str] | None = None,
    folder: Path | None = None,
    account: Account | None = None,
    stdin: IO[bytes] | int | None = subprocess.DEVNULL,
    output: IO[bytes] | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own, so that a Ctrl-C in the terminal reaches only us.

    On Linux the child gets the signal `on_orphaned` when the thread that called this ends, so call it from the
    main thread. Elsewhere a killed parent leaves its children behind.
    """
    return subprocess.Popen(
        command,
        env=env,
        cwd=folder,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        stdin=stdin,
        stdout=output,
        stderr=output,
        start_new_session=True,
        preexec_fn=_die_with_parent(on_orphaned),  # noqa: PLW1509 - one system call, no lock can be held
    )


def stop(process: subprocess.Popen[bytes], *, by: signal.Signals, within_seconds: int) -> None:
    """Ask the process to end; after `within_seconds` kill it and all it started."""
    if process.poll() is not None:
        return
    process.send_signal(by)
    try:
        process.wait(within_seconds)
    except subprocess.TimeoutExpired:
        # The session's leader gave its number to the group.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def is_alive(pid: int) -> bool:
    """Tell whether a process has this number, ours or not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _die_with_parent(signum: signal.Signals) -> Callable[[], None] | None:
    libc, parent = _LIBC, os.getpid()
    if libc is None:
        return None

    def in_the_child() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signum)
        if os.getppid() != parent:  # it died between the fork and the line above
            os._exit(1)

    return in_the_child
