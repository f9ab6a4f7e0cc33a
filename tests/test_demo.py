"""The demo, played in full through a served application: what it tells, and the invoices it caused."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result

from adapters.embedded.ports import free_port
from adapters.settings import Settings
from tests.application import PEPPER, Api
from workers.demo import traffic
from workers.demo.__main__ import main
from workers.demo.client import connect
from workers.demo.printing import issued
from workers.demo.story import STORY

ROOT = Path(__file__).parent.parent
SUBSCRIPTION, PRORATIONS = "Subscription", "Subscription: Prorations"


@pytest.fixture(scope="module")
def url(settings: Settings, operator: Api) -> Iterator[str]:
    """The application in a process of its own, on the module's database."""
    port = free_port()
    served = subprocess.Popen(
        [sys.executable, "-m", "workers", "serve"],
        env=os.environ
        | {
            "DATABASE_URL": settings.database_url,
            "REDIS_URL": settings.redis_url,
            "PRORATA_SANDBOX_URL": settings.sandbox_url,
            "PRORATA_SANDBOX_KEY": settings.sandbox_key,
            "PRORATA_WEBHOOK_SECRET": settings.webhook_secret,
            "PRORATA_KEY_PEPPER": PEPPER,
            "PRORATA_PORT": str(port),
        },
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(address, served)
        yield address
    finally:
        served.terminate()
        served.wait(20)


@pytest.fixture(scope="module")
def played(url: str, operator: Api) -> Result:
    """The demo, run as the command a newcomer runs."""
    return CliRunner().invoke(main, ["--url", url, "--key", operator.key])


@pytest.fixture(scope="module")
def invoices(played: Result, url: str) -> list[Any]:
    """The invoices as the account's own key, which the demo printed, reads them."""
    own = next(line.split()[-1] for line in played.output.splitlines() if "Its own key" in line)
    with connect(url, own) as api:
        account_id = api.ask("{ viewer { account { id } } }")["viewer"]["account"]["id"]
        return issued(api, account_id=account_id)


def wait_for(address: str, served: subprocess.Popen[bytes]) -> None:
    give_up_at = time.monotonic() + 30
    while time.monotonic() < give_up_at and served.poll() is None:
        try:
            if httpx.get(f"{address}/healthz").is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.05)
    raise AssertionError("the application is not served")


def section(invoice: Any, label: str) -> str | None:
    totals = {each["label"]: str(each["total"]["amount"]) for each in invoice["sections"]}
    return totals.get(label)


def adjustments(invoice: Any) -> list[tuple[str, str]]:
    return [
        (line["servicePeriod"]["start"], line["explanation"])
        for each in invoice["sections"]
        for line in each["lines"]
        if "billed before" in line["explanation"]
    ]


def test_the_demo_ends_well(played: Result) -> None:
    assert played.exit_code == 0, played.output
    assert "Lumen Desk was billed 8 times" in played.output
    assert "Next invoice, if nothing more happens, 2026-09-05" in played.output


def test_an_invoice_is_issued_on_the_5th_of_each_month_and_every_one_is_paid(invoices: list[Any]) -> None:
    told = [(invoice["number"], invoice["invoiceOn"], invoice["status"]) for invoice in invoices]

    assert told == [(month, f"2026-{month:02}-05", "PAID") for month in range(1, 9)]


@pytest.mark.parametrize(
    ("number", "seats_ahead", "prorations"),
    [
        (1, "117.00", None),  # 3 x 39
        (2, "195.00", "25.16"),  # 5 x 39; 4 - 3 seats for 17/31 days, 5 - 4 for 3/31
        (3, "234.00", "34.82"),  # 6 x 39; 6 - 5 for 24/28 days, 7 - 6 for 17/28 and back for 16/28
        (4, "495.00", "262.44"),  # 5 x 99; Advanced for 27/31 days, 5 - 6 seats for 16/31
        (5, "495.00", "-56.10"),  # 4 - 5 for 25/30 days, 5 - 4 for 8/30
        (6, "792.00", "233.13"),  # 7 x 99 and the add-on's 99; add-on for 25/31 days, 7 - 5 seats for 24/31
        (7, "792.00", None),
        (8, "495.00", "-76.65"),  # the add-on is over; 6 - 7 for 19/31 days, 5 - 6 for 5/31
    ],
)
def test_seats_and_add_on_come_to_what_can_be_worked_out_by_hand(
    invoices: list[Any], number: int, seats_ahead: str, prorations: str | None
) -> None:
    invoice = invoices[number - 1]

    assert section(invoice, SUBSCRIPTION) == seats_ahead
    assert section(invoice, PRORATIONS) == prorations


def test_the_empty_card_fails_twice_and_the_next_one_pays(invoices: list[Any]) -> None:
    made = [(payment["status"], payment["createdAt"]) for payment in invoices[3]["payments"]]

    assert made == [
        ("DECLINED", "2026-04-04T22:00:00Z"),  # 5 April opens in Warsaw
        ("DECLINED", "2026-04-11T22:00:00Z"),
        ("SUCCEEDED", "2026-04-14T09:00:00Z"),
    ]


def test_late_calls_and_the_resolution_taken_back_adjust_may_in_july(invoices: list[Any]) -> None:
    calls, resolution = adjustments(invoices[6])

    assert calls[0] == resolution[0] == "2026-05-05"
    assert resolution[1] == "599 x $0.99 = $593.01; billed before $594.00; difference -$0.99"
    assert [adjustments(invoice) for invoice in invoices if invoice["number"] != 7] == [[]] * 7


def test_what_is_sent_twice_counts_once_and_a_message_without_the_add_on_does_not(played: Result) -> None:
    assert "by POST /usage: 330 accepted, 330 duplicate" in played.output
    assert "by GraphQL: 3 rejected (not_entitled)" in played.output


def test_a_second_play_bills_another_account_the_same(invoices: list[Any], url: str, operator: Api) -> None:
    again = CliRunner().invoke(main, ["--url", url, "--key", operator.key])

    assert again.exit_code == 0
    with connect(url, operator.key) as api:
        accounts = api.ask("{ accounts { edges { node { id } } } }")["accounts"]["edges"]
        billed = [issued(api, account_id=edge["node"]["id"]) for edge in accounts]
    assert [[told(invoice) for invoice in each] for each in billed] == [
        [told(invoice) for invoice in invoices]
    ] * 2


def test_the_tour_of_the_readme_shows_what_the_demo_answers(played: Result, url: str, operator: Api) -> None:
    steps = re.findall(
        r"```graphql\n(.*?)```\s*```json\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL
    )
    with connect(url, operator.key) as api:
        account = api.ask(steps[0][0])["accounts"]["edges"][0]["node"]
        workspace, other = account["workspaces"]
        ids = {
            "ACCOUNT": account["id"],
            "CLOCK": account["testClock"]["id"],
            "WORKSPACE": workspace["id"],
            "OTHER": other["id"],
        }
        for document, answer in steps:
            assert api.ask(with_ids(document, ids)) == json.loads(with_ids(answer, ids))

    assert len(steps) == 6


def with_ids(text: str, ids: dict[str, str]) -> str:
    """Put ids where their placeholders stand."""
    return re.sub(r'"([A-Z]+)"', lambda found: f'"{ids.get(found[1], found[1])}"', text)


def told(invoice: Any) -> Any:
    return invoice["total"], invoice["sections"], [payment["status"] for payment in invoice["payments"]]


def test_a_wrong_key_is_told_in_a_sentence(url: str) -> None:
    refused = CliRunner().invoke(main, ["--url", url, "--key", "pr_nobody"])

    assert refused.exit_code == 1
    assert "The key is not one of ours" in refused.output
    assert "Traceback" not in refused.output


def test_an_address_where_nobody_answers_is_named() -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"

    refused = CliRunner().invoke(main, ["--url", nowhere, "--key", "any"])

    assert refused.exit_code == 1
    assert nowhere in refused.output


def test_the_story_is_told_in_the_order_of_time() -> None:
    moments = [at for at, _ in STORY]

    assert moments == sorted(moments)


def test_made_up_usage_is_the_same_every_time() -> None:
    since, until = (datetime(2026, 5, day, tzinfo=UTC) for day in (1, 31))
    first, second = (
        list(traffic.events(dict.fromkeys(traffic.SIZES, 5), name="may", since=since, until=until))
        for _ in range(2)
    )

    assert first == second
    assert len({event["eventId"] for event in first}) == 5 * len(traffic.SIZES)
    assert all(since.isoformat() <= event["at"] < until.isoformat() for event in first)


def test_the_demo_is_a_client_and_imports_nothing_else_of_ours() -> None:
    ours = {"adapters", "api", "domain", "services", "workers"}
    imported = {
        node.module or ""
        for path in (ROOT / "workers" / "demo").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom)
    }

    assert [
        name for name in imported if name.partition(".")[0] in ours and not name.startswith("workers.demo")
    ] == []
