"""A query costs a number of SQL statements that does not grow with what it finds."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event

from tests.api.companies import NOW
from tests.application import Api
from tests.scenarios.player import Player, Sent, new_player

FEW, MANY = 8, 24

LINE = "description amount { amount } explanation tiers { units } causes { kind teammate { name } }"
GROUP = f"section total {{ amount }} lines {{ {LINE} }} changes {{ net {{ amount }} }}"
ACCOUNT = f"""
    query ($id: ID!) {{ account(id: $id) {{
      name frozenAt creditBalance {{ amount }} paymentMethod {{ brand }} testClock {{ now }}
      workspaces {{ name billingContacts }}
      subscription {{
        plan psp {{ endsOn }} runRate {{ amount }} fullSeatsHeld liteSeatsHeld
        billing term {{ end }} endsOn purchasedSeats renewal {{ seats plan }} contract {{ seats usage {{ units }} }}
        nextInvoice {{ total {{ amount }} sections {{ {GROUP} }} }}
      }}
      usage {{ metrics {{ metric total cost {{ amount }} series {{ cumulative }} channels {{ units }} }} }}
    }} }}"""
PREVIEW = f"""
    query ($change: ChangeInput!) {{ preview(change: $change) {{ ... on ChangePreview {{ bill {{
      dueNow {{ total {{ amount }} sections {{ {GROUP} }} }}
      nextInvoiceWithout {{ total {{ amount }} sections {{ {GROUP} }} }}
      nextInvoiceWith {{ total {{ amount }} sections {{ {GROUP} }} }}
      addedLines {{ {LINE} }} droppedLines {{ {LINE} }} }} previewToken
    }} }} }}"""
INVOICES = f"""
    query ($id: ID!, $first: Int!) {{ account(id: $id) {{ invoices(first: $first) {{ edges {{ node {{
      number total {{ amount }} collection {{ explanation }} payments {{ status reason }}
      sections {{ {GROUP} }} lines {{ {LINE} }}
    }} }} }} }} }}"""
PAYMENTS = """
    query ($id: ID!, $first: Int!) { account(id: $id) { payments(first: $first) { edges { node {
      status reason refunds { status }
    } } } } }"""
STATEMENT = """
    query ($id: ID!, $first: Int!) { account(id: $id) { balance { amount } statement(first: $first) { edges { node {
      kind amount { amount } balance { amount } invoice { number } entries { account amount { amount } }
    } } } } }"""
TEAMMATES = """
    query ($id: ID!, $first: Int!) { workspace(id: $id) { name billingContacts teammates(first: $first) { edges { node {
      name email seat status seatHistory { seat at on }
    } } } } }"""
ACCOUNTS = """
    query ($first: Int!) { accounts(first: $first) { edges { node {
      name now today testClock { now } creditBalance { amount } workspaces { name billingContacts }
      subscription {
        plan status currentPeriod { end } runRate { amount } fullSeatsHeld liteSeatsHeld
        nextInvoice { total { amount } due { amount } sections { total { amount } } }
      }
      alerts { metric priceOfThreshold { amount } fired { percent } } limits { metric isDisabled }
    } } } }"""


@dataclass(slots=True)
class Statements:
    """The statements sent while watched."""

    sent: list[str] = field(default_factory=list)

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Note every statement of every engine of this process."""

        def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
            # Who calls is remembered for some seconds: that is asked now and then.
            if "FROM api_keys" not in statement:
                self.sent.append(statement)

        event.listen(Engine, "before_cursor_execute", note)
        try:
            yield
        finally:
            event.remove(Engine, "before_cursor_execute", note)


async def sent_for(api: Api, query: str, **variables: Any) -> tuple[list[str], dict[str, Any]]:
    """Give the statements of a query, asked once before so that connections and what is cached are warm."""
    await api.ask(query, **variables)
    statements = Statements()
    with statements.watched():
        found = await api.ask(query, **variables)
    return statements.sent, found


async def company(api: Api, size: int) -> Player:
    """Open an account in which as many things happened as `size` says."""
    player = await new_player(api, now=NOW, name=f"Company of {size}")
    await player.do("subscriptionStart", accountId=player.account_id, plan="ADVANCED", psp=True)
    for number in range(size):
        await player.go_to(NOW + timedelta(hours=number))
        await player.seat(f"mate-{number}", seat="LITE" if number % 3 == 0 and number < 20 else "FULL")
        await player.use(
            Sent(f"event-{number}-{metric}", metric, 700, player.now)
            for metric in ("MESSAGES_SENT", "BULK_EMAIL", "SMS_SEGMENT")
        )
    return player


@pytest.fixture(scope="module")
async def small(operator: Api) -> Player:
    """An account with a few of everything."""
    return await company(operator, FEW)


@pytest.fixture(scope="module")
async def large(operator: Api) -> Player:
    """An account with three times as many of everything."""
    return await company(operator, MANY)


@pytest.fixture(scope="module")
async def old(operator: Api) -> tuple[Player, Player]:
    """Accounts with a few invoices and with three times as many: usage, changes and a failed payment in each month."""
    found = []
    for months in (FEW, MANY):
        player = await new_player(operator, now=NOW, token="tok_flaky", name=f"{months} months")
        await player.do("subscriptionStart", accountId=player.account_id, plan="ADVANCED")
        for month in range(months - 1):
            name = f"mate-{month}"
            await player.seat(name)
            await player.use([Sent(f"event-{month}", "BULK_EMAIL", 5_000, player.now)])
            await player.do("testClockAdvance", testClockId=player.clock_id, to=at(player, days=8))
            await player.remove(name)
            await player.do("testClockAdvance", testClockId=player.clock_id, to=at(player, days=23))
        found.append(player)
    return found[0], found[1]


def at(player: Player, *, days: int) -> str:
    """Move the player's idea of now on."""
    player.now += timedelta(days=days)
    return player.now.isoformat()


async def test_an_account_page_with_subscription_next_invoice_and_usage(
    operator: Api, small: Player, large: Player
) -> None:
    few, _ = await sent_for(operator, ACCOUNT, id=small.account_id)
    many, page = await sent_for(operator, ACCOUNT, id=large.account_id)

    assert_no_more(few, many)
    lines = [
        line
        for group in page["account"]["subscription"]["nextInvoice"]["sections"]
        for line in group["lines"]
    ]
    assert sum(len(line["causes"]) for line in lines) > FEW


@pytest.mark.parametrize(
    "change",
    [
        {"planChange": {"plan": "EXPERT"}},
        {"yearlyStart": {"plan": "EXPERT", "seats": 2 * MANY}},
        {"contractSign": {"terms": {"plan": "EXPERT", "months": 12, "billingMonths": 1, "seats": 1}}},
        {"subscriptionCancel": {}},
    ],
    ids=lambda change: next(iter(change)),
)
async def test_the_preview_of_a_change(
    operator: Api, small: Player, large: Player, change: dict[str, Any]
) -> None:
    ((mutation, given),) = change.items()
    for player in (small, large):
        await player.go_to(max(player.now, NOW + timedelta(days=3)))

    few, _ = await sent_for(operator, PREVIEW, change={mutation: {**given, "accountId": small.account_id}})
    many, shown = await sent_for(
        operator, PREVIEW, change={mutation: {**given, "accountId": large.account_id}}
    )

    assert_no_more(few, many, most=70)
    assert shown["preview"]["previewToken"]


@pytest.mark.parametrize("seats", [MANY, 1], ids=["within the commitment", "above the commitment"])
async def test_an_account_page_with_a_contract(operator: Api, seats: int) -> None:
    sent = []
    for size in (FEW, MANY):
        player = await company(operator, size)
        terms = {"plan": "ADVANCED", "months": 12, "billingMonths": 3, "seats": seats}
        usage = [{"metric": "MESSAGES_SENT", "units": 1_000}, {"metric": "BULK_EMAIL", "units": 1_000}]
        signed = {**terms, "usage": usage, "pspFrom": player.now.date().isoformat()}
        await player.do("contractSign", accountId=player.account_id, terms=signed)
        statements, page = await sent_for(operator, ACCOUNT, id=player.account_id)
        sent.append(statements)
        assert page["account"]["subscription"]["contract"]["seats"] == seats

    assert_no_more(*sent)


async def test_an_account_page_with_a_year(operator: Api) -> None:
    sent = []
    for size in (FEW, MANY):
        player = await company(operator, size)
        await player.do("yearlyStart", accountId=player.account_id, plan="ADVANCED", seats=MANY + 1, psp=True)
        await player.do("renewalSet", accountId=player.account_id, seats=1, plan="EXPERT")
        for seats in range(MANY + 2, MANY + 2 + size):
            await player.do("seatsBuy", accountId=player.account_id, seats=seats)
        statements, page = await sent_for(operator, ACCOUNT, id=player.account_id)
        sent.append(statements)
        assert page["account"]["subscription"]["purchasedSeats"] == MANY + 1 + size

    assert_no_more(*sent)


async def test_a_statement_with_its_invoices(operator: Api, old: tuple[Player, Player]) -> None:
    shorter, longer = old

    few, _ = await sent_for(operator, STATEMENT, id=shorter.account_id, first=100)
    many, found = await sent_for(operator, STATEMENT, id=longer.account_id, first=100)

    assert_no_more(few, many)
    edges = found["account"]["statement"]["edges"]
    assert len(edges) > MANY
    assert edges[0]["node"]["balance"] == found["account"]["balance"]


async def test_invoices_with_sections_lines_causes_and_payments(
    operator: Api, old: tuple[Player, Player]
) -> None:
    shorter, longer = old

    few, found = await sent_for(operator, INVOICES, id=shorter.account_id, first=50)
    many, all_found = await sent_for(operator, INVOICES, id=longer.account_id, first=50)

    assert_no_more(few, many)
    assert len(found["account"]["invoices"]["edges"]) >= FEW - 1
    assert len(all_found["account"]["invoices"]["edges"]) >= MANY - 2


async def test_payments_of_an_account(operator: Api, old: tuple[Player, Player]) -> None:
    shorter, longer = old

    few, _ = await sent_for(operator, PAYMENTS, id=shorter.account_id, first=100)
    many, found = await sent_for(operator, PAYMENTS, id=longer.account_id, first=100)

    assert_no_more(few, many)
    assert len(found["account"]["payments"]["edges"]) >= MANY - 2


async def test_teammates_with_their_seat_history(operator: Api, small: Player, large: Player) -> None:
    few, _ = await sent_for(operator, TEAMMATES, id=small.workspace_id, first=100)
    many, found = await sent_for(operator, TEAMMATES, id=large.workspace_id, first=100)

    assert_no_more(few, many)
    teammates = [edge["node"] for edge in found["workspace"]["teammates"]["edges"]]
    assert len(teammates) == MANY + 1
    assert all(teammate["seatHistory"] for teammate in teammates)


async def test_accounts_with_their_subscriptions(operator: Api) -> None:
    for number in range(MANY):
        player = await new_player(operator, now=NOW, token=None, name=f"Account {number}")
        await player.do("subscriptionStart", accountId=player.account_id, plan="ESSENTIAL")
        emails = {"accountId": player.account_id, "metric": "BULK_EMAIL"}
        await player.do("alertSet", **emails, threshold=1)
        await player.do("limitSet", **emails, limit=1)
        await player.use([Sent("one", "BULK_EMAIL", 1, player.now)])

    few, _ = await sent_for(operator, ACCOUNTS, first=FEW)
    many, found = await sent_for(operator, ACCOUNTS, first=MANY)

    assert_no_more(few, many)
    accounts = [edge["node"] for edge in found["accounts"]["edges"]]
    assert len(accounts) == MANY
    assert all(account["subscription"]["nextInvoice"] for account in accounts)
    assert all(account["alerts"][0]["fired"] for account in accounts)
    assert all(account["limits"][0]["isDisabled"] for account in accounts)


def assert_no_more(few: list[str], many: list[str], *, most: int = 30) -> None:
    """Check that more rows took no more statements; say which came in addition if they did."""
    extra = list(many)
    for statement in few:
        if statement in extra:
            extra.remove(statement)
    assert len(many) <= len(few), "\n".join(extra)
    assert 0 < len(many) <= most
