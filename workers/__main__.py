"""The `prorata` command. Each subcommand imports only what it needs, so that all of them start fast."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from adapters import logs
from workers.apikeys import keys
from workers.commands import close_periods, verify
from workers.connect import checked_settings, database_url, owner_url, refuse_role, transaction
from workers.tokens import issuer, token

if TYPE_CHECKING:
    from arq.typing import WorkerSettingsType

GRACE_SECONDS = 5


@click.group(context_settings={"show_default": True, "help_option_names": ["-h", "--help"]})
def main() -> None:
    """Prorata, a billing API for seats and usage."""


@main.command()
@click.option("--data", type=click.Path(path_type=Path), default=".data", help="Where the data is kept.")
@click.option("--port", envvar="PRORATA_PORT", default=8470, show_envvar=True)
@click.option("--sandbox-port", envvar="PRORATA_SANDBOX_PORT", default=8471, show_envvar=True)
@click.option("--postgres-port", envvar="PRORATA_POSTGRES_PORT", default=54870, show_envvar=True)
@click.option("--valkey-port", envvar="PRORATA_VALKEY_PORT", default=63870, show_envvar=True)
@click.option("--mailbox-port", envvar="PRORATA_MAILBOX_PORT", default=8472, show_envvar=True)
@click.option("--mailbox-smtp-port", envvar="PRORATA_MAILBOX_SMTP_PORT", default=8473, show_envvar=True)
@click.option("--issuer-port", envvar="PRORATA_ISSUER_PORT", default=8474, show_envvar=True)
@click.option("--demo/--no-demo", default=True, help="Load a demo company at the first start.")
def dev(
    *,
    data: Path,
    port: int,
    sandbox_port: int,
    postgres_port: int,
    valkey_port: int,
    mailbox_port: int,
    mailbox_smtp_port: int,
    issuer_port: int,
    demo: bool,
) -> None:
    """Start everything on this machine: servers, schema, sandbox provider, mailbox, issuer of tokens, API, worker.

    DATABASE_URL and REDIS_URL, where set, take the place of the private servers, PRORATA_SMTP_URL that of the mailbox.
    """
    from workers.dev import run
    from workers.devports import Ports

    ports = Ports(
        api=port,
        sandbox=sandbox_port,
        postgres=postgres_port,
        valkey=valkey_port,
        mailbox=mailbox_port,
        smtp=mailbox_smtp_port,
        issuer=issuer_port,
    )
    run(data, ports=ports, with_demo=demo)


@main.command()
def serve() -> None:
    """Serve the API."""
    import uvicorn

    settings = checked_settings()
    logs.configure(settings.log_format, secrets=settings.secrets)
    refuse_role(settings)
    uvicorn.run(
        "api.app:create_app",
        factory=True,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        lifespan="on",
        ws_max_size=settings.live_message_bytes,
        ws_ping_interval=settings.live_ping_seconds,
        ws_ping_timeout=settings.live_ping_seconds,
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


@main.command()
def work() -> None:
    """Run the jobs: closes, payments, mail, webhooks."""
    import uvloop
    from arq.worker import run_worker

    settings = checked_settings()
    logs.configure(settings.log_format, secrets=settings.secrets)
    refuse_role(settings)
    from workers.main import WorkerSettings  # after the check: it reads the settings as it is imported

    asyncio.set_event_loop(uvloop.new_event_loop())  # arq takes the loop it finds
    run_worker(cast("WorkerSettingsType", WorkerSettings))


@main.command()
@database_url
@owner_url
def migrate(*, database_url: str, owner_url: str | None) -> None:
    """Bring the schema to its newest revision, and put the price book shipped with this release in the store.

    The owner's role does it, makes the role of DATABASE_URL where there is none, and grants it what `serve` and `work` need.
    """
    from adapters import pricebooks
    from adapters.database import AWAY
    from adapters.roles import RoleError, prepare_application, wrong_role
    from adapters.upgrade import UpgradeError, upgrade
    from services import audit

    owner = owner_url or database_url

    async def finish() -> str | None:
        if owner_url:
            await prepare_application(owner_url, database_url)
        async with transaction(owner) as session:
            audit.keep(session, audit.by_command("priceBookPublish"), always=False)
            await pricebooks.publish_shipped(session, now=datetime.now(UTC))
        try:
            async with transaction(database_url) as session:
                return await wrong_role(await session.connection())
        except AWAY as error:
            return f"DATABASE_URL does not open the database: {getattr(error, 'orig', error)}"

    try:
        upgrade(owner)
        wrong = asyncio.run(finish())
    except (UpgradeError, RoleError) as error:
        raise click.ClickException(str(error)) from error
    if wrong:
        click.echo(
            f"The schema is up to date, but `serve` and `work` will refuse to start: {wrong}", err=True
        )


@main.command(context_settings={"ignore_unknown_options": True}, add_help_option=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def sandbox(*, arguments: tuple[str, ...]) -> None:
    """Run the sandbox payment provider; `prorata sandbox --help` tells its options."""
    from adapters.gateway import sandbox_server

    sandbox_server.main(arguments)


@main.command()
@click.option(
    "--folder", type=click.Path(path_type=Path), default=".data/mailbox", help="Where mail is kept."
)
@click.option("--port", envvar="PRORATA_MAILBOX_PORT", default=8472, show_envvar=True)
@click.option("--smtp-port", envvar="PRORATA_MAILBOX_SMTP_PORT", default=8473, show_envvar=True)
def mailbox(*, folder: Path, port: int, smtp_port: int) -> None:
    """Run a mailbox for this machine: it takes every mail, delivers none and shows them on a page."""
    from adapters.mailbox import server

    server.main(folder, port=port, smtp_port=smtp_port)


main.add_command(keys)
main.add_command(issuer)
main.add_command(token)
main.add_command(verify)
main.add_command(close_periods)

if __name__ == "__main__":
    main(prog_name="prorata")
