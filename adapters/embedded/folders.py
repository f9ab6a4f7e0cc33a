"""Where a server keeps its data and its programs, so that its account can reach both and nothing else changes.

A checkout below a closed home (mode 0700) is out of reach of an unprivileged account. Then the data and a copy of the
programs live under /var/lib/prorata, and a link in the project shows where; no folder of the user's is opened up.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from adapters.embedded.account import Account

ROOT_HOME = Path("/var/lib/prorata")
TEMPORARY_PREFIX = "prorata-test-"
_UNLOCKED_PREFIX = "prorata-new-"
_LOCK = "in-use"


@dataclass(eq=False)
class FolderClosedError(Exception):
    """The data was made under another user, root for example."""

    folder: Path

    def __str__(self) -> str:
        """Say which folder and what to do."""
        return f"{self.folder} belongs to another user. Run as that user, or remove it to start afresh."


def data_folder(path: Path, *, account: Account | None) -> Path:
    """The real folder behind `path`, made when missing, owned by the account and closed to others.

    Raises:
        FolderClosedError: it is there and not ours.
    """
    path = path.absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    if not os.path.lexists(path) and account and not account.may_enter(path.parent):
        path.symlink_to(_open_folder("data") / str(path).strip("/").replace("/", "-"))
    folder = path.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise FolderClosedError(folder)
    _give(folder, account)
    return folder


def temporary_folder(*, account: Account | None) -> tuple[Path, IO[bytes]]:
    """A new folder, and the open lock that tells others it is in use; first clears away what killed runs left."""
    for left in Path(tempfile.gettempdir()).glob(f"{TEMPORARY_PREFIX}*"):
        _remove_unless_in_use(left)
    new = Path(tempfile.mkdtemp(prefix=_UNLOCKED_PREFIX))
    lock = (new / _LOCK).open("wb")
    fcntl.flock(lock, fcntl.LOCK_EX)
    # Only now does it get a name that others clear away: whoever finds it finds it locked.
    folder = new.rename(new.with_name(TEMPORARY_PREFIX + new.name.removeprefix(_UNLOCKED_PREFIX)))
    _give(folder, account)
    return folder, lock


def reachable_programs(trees: list[Path], *, name: str, account: Account | None) -> Path:
    """The folder that holds `trees`: where they are, or a copy under `name` when the account cannot enter there."""
    if account is None or account.may_enter(trees[0]):
        return trees[0].parent
    home = _open_folder("bin")
    copy = home / name
    if not copy.exists():
        unfinished = Path(tempfile.mkdtemp(dir=home))
        for tree in trees:
            shutil.copytree(tree, unfinished / tree.name, symlinks=True)
        _open_to_all(unfinished)
        try:
            unfinished.rename(copy)
        except OSError:  # another process was faster
            shutil.rmtree(unfinished)
    return copy


def _open_folder(name: str) -> Path:
    folder = ROOT_HOME / name
    folder.mkdir(parents=True, exist_ok=True)
    for each in (ROOT_HOME, folder):
        each.chmod(0o755)  # whatever the umask
    return folder


def _open_to_all(tree: Path) -> None:
    """Let everybody read our copy: the original may have been installed under a umask that closes it."""
    for path in [tree, *tree.rglob("*")]:
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | (0o055 if mode & stat.S_IXUSR else 0o044))


def _give(folder: Path, account: Account | None) -> None:
    if account:
        os.chown(folder, account.uid, account.gid)
    folder.chmod(0o700)


def _remove_unless_in_use(folder: Path) -> None:
    try:
        with (folder / _LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
    except OSError:  # in use, another user's, or gone already
        return
