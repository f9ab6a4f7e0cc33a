"""`prorata issuer` and `prorata token`: people for development, on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click
import httpx

LOCAL: Final = "http://127.0.0.1:"
TIMEOUT_SECONDS: Final = 5

port_option = click.option(
    "--port", envvar="PRORATA_ISSUER_PORT", default=8474, show_envvar=True, help="Where the issuer listens."
)


@click.command()
@click.option(
    "--folder", type=click.Path(path_type=Path), default=".data/issuer", help="Where its key is kept."
)
@port_option
@click.option("--app-url", default="http://127.0.0.1:8470", help="Where the API is, for links to it.")
@click.option(
    "--person",
    "people",
    type=(str, str, str),
    multiple=True,
    metavar="ADDRESS NAME ABOUT",
    help="Somebody whom its page offers.",
)
def issuer(*, folder: Path, port: int, app_url: str, people: tuple[tuple[str, str, str], ...]) -> None:
    """Run an OpenID Connect issuer for development: it gives anybody's token, to this machine only."""
    from adapters.issuer import server
    from adapters.issuer.pages import Suggested

    server.main(folder, port=port, people=[Suggested(*each) for each in people], app_url=app_url)


@click.command()
@port_option
@click.option("--minutes", type=click.IntRange(min=1), default=480, help="How long the token is good.")
@click.argument("email")
def token(*, port: int, minutes: int, email: str) -> None:
    """Print a person's bearer token, from the issuer that `prorata dev` runs on this machine."""
    try:
        answer = httpx.post(
            f"{LOCAL}{port}/token",
            json={"email": email, "minutes": minutes},
            timeout=TIMEOUT_SECONDS,
            trust_env=False,
        )
        said = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise click.ClickException(
            f"No issuer answers on port {port} of this machine. `make run` starts one, or `prorata issuer`; "
            "tokens of an installation's own issuer come from signing in there."
        ) from error
    if "token" not in said:
        raise click.ClickException(str(said.get("error", "The issuer gave no token.")))
    click.echo(said["token"])
