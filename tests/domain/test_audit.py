"""The chain of the audit log: hashes that anybody can work out again, and what a walk sees of what was done to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from domain.audit import BEGINNING, Entry, Sealed, Walk, canonical, seal

AT = datetime(2026, 9, 1, 10, tzinfo=UTC)
ENTRY = Entry(
    account="018f0000-0000-7000-8000-000000000001",
    actor_kind="KEY",
    actor_id="0123456789ab",
    actor_name='Bo "the pen" \u00e9\U0001f600\x01',
    permissions=["staff"],
    action="creditNoteCreate",
    subject="Invoice:7",
    input={"reason": "Sorry", "amount": "1.00", "count": 3, "is_on": True, "nothing": None},
    changes=[
        {"subject": "Invoice:7", "kind": "CHANGED", "fields": [{"name": "due", "before": "9", "after": None}]}
    ],
    reason="Sorry",
)

WRITTEN = (
    '{"account":"018f0000-0000-7000-8000-000000000001","action":"creditNoteCreate","actor":{"id":"0123456789ab",'
    '"kind":"KEY","name":"Bo \\"the pen\\" \u00e9\U0001f600\\u0001"},"at":"2026-09-01T10:00:00.000000Z",'
    '"changes":[{"fields":[{"after":null,"before":"9","name":"due"}],"kind":"CHANGED","subject":"Invoice:7"}],'
    '"input":{"amount":"1.00","count":3,"is_on":true,"nothing":null,"reason":"Sorry"},"left_out":0,'
    '"permissions":["staff"],"reason":"Sorry","request_id":null,"seq":1,"subject":"Invoice:7"}'
)
"""Written by hand, as RFC 8785 has it."""


def chain(length: int) -> list[Sealed]:
    """Make a sound chain."""
    made: list[Sealed] = []
    for seq in range(1, length + 1):
        previous, at = made[-1].hash if made else BEGINNING, AT + timedelta(seconds=seq)
        made.append(Sealed(ENTRY, seq, at, previous, seal(ENTRY, seq=seq, at=at, previous=previous)))
    return made


def walked(kept: Sequence[Sealed], head: Sealed) -> list[str]:
    """Walk what is kept up to a head."""
    walk = Walk()
    for sealed in kept:
        walk.step(sealed)
    walk.end(seq=head.seq, head=head.hash)
    return walk.differences


def rewritten(kept: Sequence[Sealed], seq: int) -> list[Sealed]:
    """Change the action of an entry, and write all from there on anew, so that it is sound in itself."""
    made = list(kept[: seq - 1])
    for old in kept[seq - 1 :]:
        entry = replace(old.entry, action="accountCreate") if old.seq == seq else old.entry
        previous = made[-1].hash if made else BEGINNING
        made.append(
            Sealed(entry, old.seq, old.at, previous, seal(entry, seq=old.seq, at=old.at, previous=previous))
        )
    return made


def test_an_entry_is_written_as_the_standard_has_it() -> None:
    assert canonical(ENTRY, seq=1, at=AT).decode() == WRITTEN


def test_the_hash_is_of_the_hash_before_and_the_entry() -> None:
    assert seal(ENTRY, seq=1, at=AT, previous=BEGINNING) == sha256(b"\0" * 32 + WRITTEN.encode()).digest()


def test_another_zone_is_the_same_moment() -> None:
    there = AT.astimezone(tz=datetime.fromisoformat("2026-01-01T00:00:00+05:30").tzinfo)

    assert seal(ENTRY, seq=1, at=there, previous=BEGINNING) == seal(ENTRY, seq=1, at=AT, previous=BEGINNING)


@pytest.mark.parametrize("length", [0, 1, 7])
def test_a_sound_chain_has_nothing_wrong(length: int) -> None:
    kept = chain(length)
    walk = Walk()
    for sealed in kept:
        walk.step(sealed)

    walk.end(seq=length, head=kept[-1].hash if kept else BEGINNING)

    assert walk.differences == []


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda kept: kept[:2] + kept[3:], ["Entry 3 is missing."]),
        (lambda kept: kept[3:], ["Entries 1 to 3 are missing."]),
        (lambda kept: kept[:-1], ["Entry 5 is missing: the head is at 5."]),
        (lambda kept: kept[:2], ["Entries 3 to 5 are missing: the head is at 5."]),
        (
            lambda kept: [*kept[:2], replace(kept[2], entry=replace(ENTRY, action="x")), *kept[3:]],
            ["Entry 3 is not what it was: its hash is another."],
        ),
        (
            lambda kept: [*kept[:2], replace(kept[2], previous=bytes(32)), *kept[3:]],
            [
                "Entry 3 does not follow on the entry before it.",
                "Entry 3 is not what it was: its hash is another.",
            ],
        ),
        (
            lambda kept: [*rewritten(kept[:3], 2), *kept[3:]],
            ["Entry 4 does not follow on the entry before it."],
        ),
        (lambda kept: rewritten(kept, 2), ["The head is not the hash of entry 5, the last."]),
        (
            lambda kept: [*kept, replace(kept[-1], seq=6, previous=kept[-1].hash)],
            [
                "Entry 6 is not what it was: its hash is another.",
                "The chain goes on to entry 6, its head is at 5.",
            ],
        ),
    ],
)
def test_what_was_done_to_a_chain_is_told(
    spoil: Callable[[list[Sealed]], list[Sealed]], told: list[str]
) -> None:
    kept = chain(5)

    assert walked(spoil(kept), kept[-1]) == told


def test_swapped_entries_are_told() -> None:
    kept = chain(4)
    swapped = [kept[0], replace(kept[2], seq=2), replace(kept[1], seq=3), kept[3]]

    told = walked(swapped, kept[-1])

    assert "Entry 2 does not follow on the entry before it." in told
    assert "Entry 3 is not what it was: its hash is another." in told


def test_a_chain_written_anew_with_its_head_is_sound_in_itself() -> None:
    anew = rewritten(chain(5), 2)

    assert walked(anew, anew[-1]) == []


def test_a_hundred_differences_are_told_and_the_others_counted() -> None:
    walk = Walk()

    for sealed in chain(300):
        walk.step(replace(sealed, entry=replace(ENTRY, action="x")))

    assert (len(walk.differences), walk.wrong) == (100, 300)
