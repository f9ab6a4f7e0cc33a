"""`prorata keys`: API keys made, listed, replaced and revoked by hand."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import click

from domain.permissions import Permission
from workers.connect import database_url, refusals_told, transaction


@click.group()
def keys() -> None:
    """Make, list, rotate and revoke API keys."""


@keys.command("create")
@database_url
@click.option("--pepper", envvar="PRORATA_KEY_PEPPER", required=True, show_envvar=True)
@click.option("--name", required=True, help="Who will use the key.")
@click.option("--account", type=click.UUID, help="The one account the key opens; without it, all of them.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice([each.value for each in Permission]),
    help="What it may do; all unless told.",
)
@click.option("--days", type=click.IntRange(1, 3650), help="When it ends by itself; never unless told.")
def create_key(
    *,
    database_url: str,
    pepper: str,
    name: str,
    account: UUID | None,
    scopes: tuple[str, ...],
    days: int | None,
) -> None:
    """Make a key and print its secret, which is shown this once."""
    from services import apikeys, audit

    async def create() -> str:
        now = datetime.now(UTC)
        async with transaction(database_url) as session:
            audit.keep(session, audit.by_command("apiKeyCreate", name=name, accountId=account, scopes=scopes))
            return await apikeys.create_key(
                session,
                name=name,
                account_id=account,
                now=now,
                pepper=pepper,
                scopes=list(map(Permission, scopes)) or None,
                expires_at=now + timedelta(days=days) if days else None,
            )

    click.echo(asyncio.run(create()))


@keys.command("list")
@database_url
def list_keys(*, database_url: str) -> None:
    """List all keys, oldest first: public id, account, dates, scopes (`all` for all it could have) and name."""
    from services import apikeys

    async def rows() -> list[tuple[str, ...]]:
        async with transaction(database_url) as session:
            return [
                (
                    key.id,
                    str(key.account_id or "all"),
                    *map(_told, (key.created_at, key.expires_at, key.last_used_at, key.revoked_at)),
                    "all"
                    if set(key.scopes) == apikeys.usual_scopes(key.account_id)
                    else ",".join(key.scopes),
                    key.name,
                )
                for key in await apikeys.list_keys(session)
            ]

    for public_id, account, *dates, scopes, name in [
        ("PUBLIC ID", "ACCOUNT", "CREATED", "EXPIRES", "LAST USED", "REVOKED", "SCOPES", "NAME"),
        *asyncio.run(rows()),
    ]:
        # A name is what somebody sent: nothing in it may steer the terminal.
        shown = "".join(letter if letter.isprintable() else "?" for letter in name)
        told = "  ".join(f"{date:20}" for date in dates)
        click.echo(f"{public_id:12}  {account:36}  {told}  {scopes:12}  {shown}")


@keys.command("rotate")
@database_url
@click.option("--pepper", envvar="PRORATA_KEY_PEPPER", required=True, show_envvar=True)
@click.option(
    "--overlap-hours",
    type=click.IntRange(0, 720),
    default=24,
    help="For how many hours more the old key is good.",
)
@click.argument("public_id")
def rotate_key(*, database_url: str, pepper: str, overlap_hours: int, public_id: str) -> None:
    """Replace a key by another that may do the same, and print it, which is shown this once."""
    from services import apikeys, audit

    async def rotate() -> str:
        async with transaction(database_url) as session:
            audit.keep(
                session, audit.by_command("apiKeyRotate", publicId=public_id, overlapHours=overlap_hours)
            )
            key, _, _ = await apikeys.rotate_key(
                session,
                public_id=public_id,
                overlap=timedelta(hours=overlap_hours),
                now=datetime.now(UTC),
                pepper=pepper,
            )
            return key

    with refusals_told():
        click.echo(asyncio.run(rotate()))


@keys.command("revoke")
@database_url
@click.argument("public_id")
def revoke_key(*, database_url: str, public_id: str) -> None:
    """Revoke the key whose public id this is."""
    from services import apikeys, audit

    async def revoke() -> None:
        async with transaction(database_url) as session:
            audit.keep(session, audit.by_command("apiKeyRevoke", publicId=public_id))
            await apikeys.revoke_key(session, public_id=public_id, now=datetime.now(UTC))

    with refusals_told():
        asyncio.run(revoke())


def _told(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if moment else "-"
