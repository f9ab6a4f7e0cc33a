"""The unprivileged account that the servers run under when we are root: PostgreSQL refuses to be root."""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Account:
    """A user and a group of this machine, by number."""

    uid: int
    gid: int

    def may_enter(self, folder: Path) -> bool:
        """Tell whether this account can walk down to `folder`; asked of the system, which knows every rule."""
        asked = subprocess.run(
            ["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)],
            user=self.uid,
            group=self.gid,
            extra_groups=[],
            cwd="/",
            capture_output=True,
            check=False,
        )
        return asked.returncode == 0


def server_account(folder: Path | None) -> Account | None:
    """None for an ordinary user; for root the owner of the data that is there already, or else `nobody`."""
    if os.geteuid() != 0:
        return None
    if folder is not None and folder.exists() and (owner := folder.stat()).st_uid != 0:
        return Account(uid=owner.st_uid, gid=owner.st_gid)
    nobody = pwd.getpwnam("nobody")
    return Account(uid=nobody.pw_uid, gid=nobody.pw_gid)
