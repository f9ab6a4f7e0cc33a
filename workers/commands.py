"""What operators do by hand: proving the books and closing what is due. The work itself is in the services."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from typing import IO, TYPE_CHECKING
from uuid import UUID

import click

from workers.connect import checked_settings, connected, database_url, refusals_told, tools
from workers.progress import progress

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.queries.audit import Head
    from services import auditproof


@click.command()
@database_url
@click.option("--account", type=click.UUID, help="The one account to look at; without it, all of them.")
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Leave out invoices, money moves and usage of the days before.",
)
@click.option(
    "--heads-to",
    type=click.File("w", lazy=True),
    help="Where to write the heads of the audit log, to be kept where nobody who runs this can change them.",
)
@click.option(
    "--expect-heads", type=click.File(), help="Heads written before, which must be in the audit log."
)
def verify(
    *,
    database_url: str,
    account: UUID | None,
    since: datetime | None,
    heads_to: IO[str] | None,
    expect_heads: IO[str] | None,
) -> None:
    """Prove the books: invoices worked out again, ledger, dues, credit and usage compared; and walk the audit log.

    Nothing is written to the database. Each difference is a sentence, and then the exit code is 1.
    """
    from services import auditproof, books

    async def prove(since: date | None) -> list[books.Audit]:
        wall = datetime.now(UTC)
        async with connected(database_url) as sessions:
            wanted = await books.accounts_to_audit(sessions, account_id=account, wall=wall)
            audits = []
            with progress(len(wanted), label="Accounts verified") as advance:
                for done, account_id in enumerate(wanted, start=1):
                    audits.append(await books.audit(sessions, account_id=account_id, since=since, wall=wall))
                    advance(done)
            return audits

    try:
        kept = auditproof.read_heads(expect_heads or ())
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    with refusals_told():
        audits = asyncio.run(prove(since.date() if since else None))
    log = asyncio.run(walk_audit_log(database_url, account=account, kept=kept))
    for found in audits:
        for difference in found.differences:
            click.echo(f"Account {found.account_id}: {difference}")
    invoices, moves, days = (
        sum(getattr(found, name) for found in audits) for name in ("invoices", "moves", "days")
    )
    seen = f"accounts: {len(audits):,}, invoices: {invoices:,}, money moves: {moves:,}, totals of usage: {days:,}"
    told = [
        f"{_of(chain.head.account_id)}: audit log: {difference}"
        for chain in log
        for difference in chain.differences
    ]
    for sentence in told:
        click.echo(sentence)
    if log:
        heads = [chain.head for chain in log]
        click.echo(
            f"Audit entries: {sum(chain.walked for chain in log):,} in {len(log):,} chains; "
            f"digest of their heads: {auditproof.digest(heads)}."
        )
        if heads_to is not None:
            heads_to.write(auditproof.write_heads(heads))
    if wrong := sum(len(found.differences) for found in audits) + len(told):
        click.echo(f"Verified {seen}. Differences: {wrong:,}.")
        raise SystemExit(1)
    click.echo(f"Verified {seen}. All right.")


async def walk_audit_log(
    database_url: str, *, account: UUID | None, kept: Mapping[UUID, Head]
) -> list[auditproof.Chain]:
    """Walk all chains of the audit log, those of kept heads even if they are gone; of one account, its own."""
    from services import auditproof

    async with connected(database_url) as sessions:
        heads = await auditproof.heads(sessions, account_id=account)
        wanted = sorted(
            {head.account_id for head in heads} | {each for each in kept if account in {None, each}}
        )
        if not wanted:
            return []
        found = []
        with progress(sum(head.seq for head in heads), label="Audit entries verified") as advance:
            done = 0
            for each in wanted:
                async for chain in auditproof.walk(sessions, each, kept=kept.get(each)):
                    advance(done + chain.walked)
                done += chain.walked
                found.append(chain)
        return found


@click.command("close-periods")
@click.option("--dry-run", is_flag=True, help="Only count what is due.")
def close_periods(*, dry_run: bool) -> None:
    """Close the periods that are over now, as a worker does; both may run at once.

    What fails is told and stays due, and then the exit code is 1.
    """
    from services import due

    settings = checked_settings()

    async def close() -> tuple[int, int]:
        wall = datetime.now(UTC)
        async with tools(settings) as opened:
            waiting = await due.count(opened.sessions, kind="CLOSE", wall=wall)
            taken = still_due = 0
            if not dry_run:
                with progress(waiting, label="Periods closed") as advance:
                    async for chunk in due.closes(opened.sessions, opened.gateway, wall=wall):
                        taken, still_due = taken + chunk.taken, still_due + chunk.still_due
                        advance(taken)
            return (waiting if dry_run else taken - still_due), still_due

    closed, still_due = asyncio.run(close())
    if dry_run:
        click.echo(f"Periods that are due to be closed: {closed:,}.")
        return
    click.echo(f"Periods closed: {closed:,}.")
    if still_due:
        click.echo(f"Still due, because they failed or somebody else held the account: {still_due:,}.")
        raise SystemExit(1)


def _of(account_id: UUID) -> str:
    return f"Account {account_id}" if account_id.int else "No account"
