"""The audit log's arithmetic: every entry of a chain holds a hash of itself and of the entry before it.

Anybody can work a hash out again, in any language: SHA-256 over the 32 bytes of the previous hash (zeros before the
first entry) followed by the entry as JSON in the canonical form of RFC 8785, in UTF-8. That is: names sorted, no blanks
between, nothing escaped that need not be, and here no number but whole ones below 2^53. The names are `account`,
`action`, `actor` (`id`, `kind`, `name`), `at` (`2026-09-01T10:00:00.000000Z`), `changes` (each `fields` by `after`,
`before` and `name`, `kind` and `subject`), `input`, `left_out`, `permissions`, `reason`, `request_id`, `seq` and
`subject`; what there is none of is null.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final

MOST_TOLD: Final = 100

BEGINNING: Final = bytes(32)
"""What the first entry of a chain follows on."""

OF_NO_ACCOUNT: Final = "00000000-0000-0000-0000-000000000000"
"""The chain of what belongs to no account: test clocks, keys of operators, price books."""


class ChangeKind(StrEnum):
    """What became of a row."""

    CREATED = "CREATED"
    CHANGED = "CHANGED"
    REMOVED = "REMOVED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Something that was done to an account: by whom, by which permission, asked how, and what it changed.

    `account` is a UUID as text. `changes` name rows by their kind and id, with their fields before and after as texts;
    `left_out` counts the rows beyond the most that an entry names.
    """

    account: str
    actor_kind: str
    actor_id: str
    actor_name: str
    permissions: Sequence[str]
    action: str
    subject: str | None
    input: Mapping[str, Any]
    changes: Sequence[Mapping[str, Any]]
    left_out: int = 0
    reason: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Sealed:
    """An entry as it is kept: its place in the chain, when it was written, the hash it follows on, and its own."""

    entry: Entry
    seq: int
    at: datetime
    previous: bytes
    hash: bytes


@dataclass(slots=True)
class Walk:
    """A walk along a chain, entry by entry: what is wrong is told in sentences, and the walk goes on behind it.

    Beyond the first hundred `wrong` only counts.
    """

    seq: int = 0
    hash: bytes = BEGINNING
    differences: list[str] = field(default_factory=list)
    wrong: int = 0

    def step(self, sealed: Sealed) -> None:
        """Take the next entry that is kept."""
        expected = self.seq + 1
        if sealed.seq != expected:
            missing = (
                f"Entry {expected} is"
                if sealed.seq == expected + 1
                else f"Entries {expected} to {sealed.seq - 1} are"
            )
            self.tell(f"{missing} missing.")
        elif sealed.previous != self.hash:
            self.tell(f"Entry {sealed.seq} does not follow on the entry before it.")
        if seal(sealed.entry, seq=sealed.seq, at=sealed.at, previous=sealed.previous) != sealed.hash:
            self.tell(f"Entry {sealed.seq} is not what it was: its hash is another.")
        self.seq, self.hash = sealed.seq, sealed.hash

    def tell(self, difference: str) -> None:
        """Note something wrong."""
        self.wrong += 1
        if self.wrong <= MOST_TOLD:
            self.differences.append(difference)

    def end(self, *, seq: int, head: bytes) -> None:
        """Compare where the walk came to with the head that is kept."""
        if seq > self.seq:
            gone = f"Entry {seq} is" if seq == self.seq + 1 else f"Entries {self.seq + 1} to {seq} are"
            self.tell(f"{gone} missing: the head is at {seq}.")
        elif seq < self.seq:
            self.tell(f"The chain goes on to entry {self.seq}, its head is at {seq}.")
        elif head != self.hash:
            self.tell(f"The head is not the hash of entry {seq}, the last.")


def seal(entry: Entry, *, seq: int, at: datetime, previous: bytes) -> bytes:
    """Give the hash of an entry at its place in a chain."""
    return sha256(previous + canonical(entry, seq=seq, at=at)).digest()


def canonical(entry: Entry, *, seq: int, at: datetime) -> bytes:
    """Write an entry in the form that is hashed."""
    shown = {
        "account": entry.account,
        "action": entry.action,
        "actor": {"id": entry.actor_id, "kind": entry.actor_kind, "name": entry.actor_name},
        "at": moment(at),
        "changes": list(entry.changes),
        "input": dict(entry.input),
        "left_out": entry.left_out,
        "permissions": list(entry.permissions),
        "reason": entry.reason,
        "request_id": entry.request_id,
        "seq": seq,
        "subject": entry.subject,
    }
    return json.dumps(
        shown, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
    ).encode()


def moment(at: datetime) -> str:
    """Write a moment as entries tell it, to the microsecond: `2026-09-01T10:00:00.000000Z`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
