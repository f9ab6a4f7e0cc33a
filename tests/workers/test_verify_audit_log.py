"""`prorata verify` on the audit log: what somebody with all rights to the database did to it, and what keeps a head."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from domain.audit import BEGINNING, Entry, seal
from services import audit, auditproof
from services.audit import Deed
from services.callers import Caller, CallerKind
from workers.__main__ import main

Sessions = async_sessionmaker[AsyncSession]
BO = Caller(kind=CallerKind.KEY, id="0123456789ab", name="Bo")
REWRITE = (
    "INSERT INTO audit_entries (account_id, seq, at, actor_kind, actor_id, actor_name, permissions, action, input, changes, "
    "previous, hash) VALUES (:a, :seq, :at, 'KEY', 'x', 'Forger', '{}', 'accountCreate', '{}', '[]', :previous, :hash)"
)


async def logged(sessions: Sessions, number: int = 5) -> UUID:
    """Write a chain of some entries for an account of its own."""
    account_id = uuid4()
    for each in range(number):
        async with sessions.begin() as session:
            given = {"number": each, "name": f"é{each}"}
            audit.keep(session, Deed(action="alertSet", by=BO, accounts=frozenset({account_id}), input=given))
    return account_id


async def spoil(owner: AsyncEngine, account_id: UUID, *statements: str, **values: object) -> None:
    """Change the log with the triggers switched off, as the owner of the database can."""
    async with owner.begin() as connection:
        await connection.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in statements:
            await connection.execute(text(statement), {"a": account_id, **values})


async def verify(database_url: str, *arguments: str) -> Result:
    """Run the command as an operator does."""
    runner = CliRunner(env={"DATABASE_URL": database_url})
    return await asyncio.to_thread(runner.invoke, main, ["verify", *arguments])


def forged(account_id: UUID, *, seq: int, previous: bytes) -> dict[str, object]:
    """Give an entry that never was, with a hash that is right."""
    at = datetime(2026, 9, 1, tzinfo=UTC)
    entry = Entry(
        account=str(account_id),
        actor_kind="KEY",
        actor_id="x",
        actor_name="Forger",
        permissions=[],
        action="accountCreate",
        subject=None,
        input={},
        changes=[],
    )
    return {
        "seq": seq,
        "at": at,
        "previous": previous,
        "hash": seal(entry, seq=seq, at=at, previous=previous),
    }


async def test_sound_chains_are_told_in_one_line(sessions: Sessions, database_url: str) -> None:
    await logged(sessions, 700)
    async with sessions() as session:
        counted = "SELECT count(*), count(DISTINCT account_id) FROM audit_entries"
        entries, chains = (await session.execute(text(counted))).one()
    digest = auditproof.digest(await auditproof.heads(sessions))

    told = await verify(database_url)

    assert told.exit_code == 0, told.output
    assert (
        f"Audit entries: {entries:,} in {chains:,} chains; digest of their heads: {digest}.\n" in told.stdout
    )
    assert f"Audit entries verified: {entries:,} of {entries:,}\n" in told.stderr


@pytest.mark.parametrize(
    ("statements", "seen"),
    [
        (
            ["UPDATE audit_entries SET actor_name = 'Ida' WHERE account_id = :a AND seq = 2"],
            ["Entry 2 is not what it was: its hash is another."],
        ),
        (
            ["UPDATE audit_entries SET at = at + interval '1 microsecond' WHERE account_id = :a AND seq = 5"],
            ["Entry 5 is not what it was: its hash is another."],
        ),
        (
            [
                """UPDATE audit_entries SET input = input || '{"number": 9}' WHERE account_id = :a AND seq = 1"""
            ],
            ["Entry 1 is not what it was: its hash is another."],
        ),
        (["DELETE FROM audit_entries WHERE account_id = :a AND seq = 3"], ["Entry 3 is missing."]),
        (
            ["DELETE FROM audit_entries WHERE account_id = :a AND seq = 5"],
            ["Entry 5 is missing: the head is at 5."],
        ),
        (
            ["DELETE FROM audit_entries WHERE account_id = :a"],
            ["Entries 1 to 5 are missing: the head is at 5."],
        ),
        (
            [
                "UPDATE audit_entries SET seq = -2 WHERE account_id = :a AND seq = 2",
                "UPDATE audit_entries SET seq = 2 WHERE account_id = :a AND seq = 3",
                "UPDATE audit_entries SET seq = 3 WHERE account_id = :a AND seq = -2",
            ],
            ["Entry 2 does not follow on the entry before it.", "Entry 3 is not what it was"],
        ),
        (
            ["DELETE FROM audit_heads WHERE account_id = :a"],
            ["The chain goes on to entry 5, its head is at 0."],
        ),
        (
            ["UPDATE audit_heads SET hash = sha256('x') WHERE account_id = :a"],
            ["The head is not the hash of entry 5, the last."],
        ),
    ],
)
async def test_what_the_owner_of_the_database_did_is_told(
    sessions: Sessions, owner: AsyncEngine, database_url: str, statements: Sequence[str], seen: Sequence[str]
) -> None:
    account_id = await logged(sessions)
    drop = "ALTER TABLE audit_entries DROP CONSTRAINT IF EXISTS ck_audit_entries_seq"
    await spoil(owner, account_id, drop, *statements)

    told = await verify(database_url)

    assert told.exit_code == 1, told.output
    for sentence in seen:
        assert f"Account {account_id}: audit log: {sentence}" in told.stdout


async def test_an_entry_put_in_behind_the_last_is_told(
    sessions: Sessions, owner: AsyncEngine, database_url: str
) -> None:
    account_id = await logged(sessions)
    head = (await auditproof.heads(sessions, account_id=account_id))[0]
    await spoil(owner, account_id, REWRITE, **forged(account_id, seq=6, previous=head.hash))

    told = await verify(database_url)

    assert f"Account {account_id}: audit log: The chain goes on to entry 6, its head is at 5." in told.stdout


async def test_a_chain_written_anew_is_told_by_a_head_that_was_kept(
    sessions: Sessions, owner: AsyncEngine, database_url: str, tmp_path: Path
) -> None:
    account_id, kept = await logged(sessions, 1), tmp_path / "heads"
    await verify(database_url, "--heads-to", str(kept))
    await logged_on(sessions, account_id)
    grown = await verify(database_url, "--expect-heads", str(kept))
    entry = forged(account_id, seq=1, previous=BEGINNING)
    empty = "DELETE FROM audit_entries WHERE account_id = :a"
    head = "UPDATE audit_heads SET seq = 1, hash = :hash WHERE account_id = :a"
    await spoil(owner, account_id, empty, REWRITE, head, **entry)

    alone = await verify(database_url)
    compared = await verify(database_url, "--expect-heads", str(kept))

    mine = f"Account {account_id}: "
    assert mine not in grown.stdout
    assert mine not in alone.stdout
    assert compared.exit_code == 1
    assert f"{mine}audit log: The head that was kept, entry 1 with hash" in compared.stdout


async def logged_on(sessions: Sessions, account_id: UUID) -> None:
    """Write one entry more."""
    async with sessions.begin() as session:
        audit.keep(session, Deed(action="alertSet", by=BO, accounts=frozenset({account_id})))


async def test_a_chain_that_is_gone_is_told_by_a_head_that_was_kept(
    sessions: Sessions, owner: AsyncEngine, database_url: str, tmp_path: Path
) -> None:
    account_id, kept = await logged(sessions), tmp_path / "heads"
    await verify(database_url, "--heads-to", str(kept))
    of_account = "WHERE account_id = :a"
    await spoil(
        owner,
        account_id,
        f"DELETE FROM audit_entries {of_account}",
        f"DELETE FROM audit_heads {of_account}",
    )

    told = await verify(database_url, "--expect-heads", str(kept))

    assert f"Account {account_id}: audit log: The head that was kept, entry 5 with hash" in told.stdout


async def test_heads_that_cannot_be_read_end_the_command_with_a_sentence(
    database_url: str, tmp_path: Path
) -> None:
    kept = tmp_path / "heads"
    kept.write_text("nonsense\n")

    told = await verify(database_url, "--expect-heads", str(kept))

    assert told.exit_code == 1
    assert told.stderr.startswith("Error: Line 1 of the kept heads is not an account")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entries SET actor_name = 'Ida' WHERE account_id = :a",
        "DELETE FROM audit_entries WHERE account_id = :a",
        "TRUNCATE audit_entries",
        "TRUNCATE audit_heads",
        "DELETE FROM audit_heads WHERE account_id = :a",
        "UPDATE audit_heads SET seq = seq + 2 WHERE account_id = :a",
        "UPDATE audit_heads SET seq = seq - 1 WHERE account_id = :a",
        "UPDATE audit_heads SET hash = sha256('x') WHERE account_id = :a",
    ],
)
async def test_the_log_cannot_be_changed(sessions: Sessions, owner: AsyncEngine, statement: str) -> None:
    account_id = await logged(sessions, 2)
    values = {"a": account_id} if ":a" in statement else {}

    with pytest.raises(DBAPIError, match="append-only"):
        async with owner.begin() as connection:
            await connection.execute(text(statement), values)
    with pytest.raises(DBAPIError, match=r"append-only|permission denied"):
        async with sessions.begin() as session:
            await session.execute(text(statement), values)
