"""The demo as a program: plays the story in an account of its own, then shows what it was billed."""

from __future__ import annotations

import sys
import time
from zoneinfo import ZoneInfo

import click

from workers.demo.client import CallFailedError, Client, connect
from workers.demo.player import Player
from workers.demo.printing import invoice_lines, issued, upcoming
from workers.demo.story import COMPANY, MAIL, STORY, TIME_ZONE

LAST_WORDS = """
{company} was billed {count} times, {seconds:.1f} s from the first call to the last. Its account stays open.

  Account       {account_id}
  Its own key   {key}

That key opens this account alone. Ask with it:

  query {{ viewer {{ account {{ name today subscription {{ plan nextInvoice {{ invoiceOn total {{ amount }} }} }} }} }} }}

The story is workers/demo/story.py: change it, and play it again in another account with

  {python} -m workers.demo --url {url} --key OPERATOR_KEY
"""


@click.command()
@click.option("--url", required=True, help="Where the API is: http://127.0.0.1:8470")
@click.option("--key", required=True, help="An operator's key.")
def main(*, url: str, key: str) -> None:
    """Play eight months of a made-up company through the API, on a test clock, and show its invoices."""
    try:
        with connect(url, key) as api:
            _show(api, url=url)
    except CallFailedError as error:
        raise click.ClickException(str(error)) from error


def play(api: Client) -> Player:
    """Play the story in a new account and give the player as it stands at the end."""
    player = Player(api, ZoneInfo(TIME_ZONE), MAIL, say=click.echo)
    player.open_account(COMPANY, at=STORY[0][0])
    player.play(STORY)
    return player


def _show(api: Client, *, url: str) -> None:
    began = time.monotonic()
    player = play(api)
    account_id = player.account_id
    invoices = issued(api, account_id=account_id)
    for invoice in [*invoices, upcoming(api, account_id=account_id)]:
        for text in invoice_lines(invoice, player.zone):
            click.echo(text)
    made = api.do("apiKeyCreate", "key", accountId=account_id, name=COMPANY)
    click.echo(
        LAST_WORDS.format(
            company=COMPANY,
            count=len(invoices),
            seconds=time.monotonic() - began,
            account_id=account_id,
            key=made["key"],
            url=url,
            python=sys.executable,
        )
    )


if __name__ == "__main__":
    main(prog_name="python -m workers.demo")
