"""Alerts, through GraphQL on a test clock: what is in force, what is told to whom, and that nothing is told twice."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tests.application import Api
from tests.scenarios.player import Player, Sent, new_player

Sessions = async_sessionmaker[AsyncSession]

SEPTEMBER = datetime(2026, 9, 1, 9, tzinfo=UTC)
ALERT = """
    metric scope threshold alsoAt50And80 inForce pending priceOfThreshold { amount }
    levels { percent reachedAt status } fired { percent threshold total }
"""
SHOWN = f"""
    query ($id: ID!) {{
      account(id: $id) {{
        alerts {{ {ALERT} }}
        notifications(first: 100) {{ edges {{ node {{ kind scope title body }} }} }}
        workspaces {{
          alerts {{ {ALERT} }}
          notifications(first: 100) {{ edges {{ node {{ kind title }} }} }}
        }}
      }}
    }}"""


async def opened(api: Api, *, psp: bool = False, plan: str = "ESSENTIAL", name: str = "Acme") -> Player:
    """Open an account with a subscription since 1 September."""
    player = await new_player(api, now=SEPTEMBER, name=name)
    await player.do("subscriptionStart", accountId=player.account_id, plan=plan, psp=psp)
    return player


async def set_alert(
    player: Player, threshold: int, *, metric: str = "BULK_EMAIL", also: bool = False, account: bool = False
) -> dict[str, Any]:
    """Set an alert on the workspace, or on the account."""
    result = await player.do(
        "alertSet",
        f"alert {{ {ALERT} }}",
        accountId=player.account_id,
        workspaceId=None if account else player.workspace_id,
        metric=metric,
        threshold=threshold,
        alsoAt50And80=also,
    )
    alert: dict[str, Any] = result["alert"]
    return alert


async def send(player: Player, quantity: int, *, metric: str = "BULK_EMAIL") -> str:
    """Send usage now."""
    event_id = f"event {random.getrandbits(64)}"
    await player.use([Sent(event_id, metric, quantity, player.now)])
    return event_id


async def titles(player: Player) -> list[str]:
    """Give the titles of the account's notices of alerts, oldest first."""
    shown = await player.api.ask(SHOWN, id=player.account_id)
    nodes = [edge["node"] for edge in reversed(shown["account"]["notifications"]["edges"])]
    return [node["title"] for node in nodes if node["kind"] == "ALERT"]


async def mails(sessions: Sessions, player: Player) -> list[tuple[str, str]]:
    """Give the mails of alerts waiting to go out, each with its address, oldest first."""
    query = text("""
        SELECT title, address FROM outbox JOIN notifications n
            ON n.account_id = outbox.account_id AND n.id = outbox.notification_id
        WHERE n.account_id IN (SELECT account_id FROM accounts WHERE name = :name) AND n.kind = 'ALERT'
        ORDER BY n.id, address
    """)
    async with sessions() as session:
        name = (await player.api.ask("query ($id: ID!) { account(id: $id) { name } }", id=player.account_id))[
            "account"
        ]["name"]
        return [(row.title, row.address) for row in await session.execute(query, {"name": name})]


async def test_a_threshold_of_25_tells_at_13_20_and_25_by_mail_and_in_the_product(
    operator: Api, sessions: Sessions
) -> None:
    player = await opened(operator, name="Twenty-five")
    await player.do(
        "billingContactsSet",
        workspaceId=player.workspace_id,
        emails=["founder@example.com", "cfo@outside.test"],
    )
    alert = await set_alert(player, 25, also=True)

    told = {}
    for total in range(1, 31):
        before = len(await titles(player)) if total in {13, 20, 25} else 0
        await send(player, 1)
        if total in {13, 20, 25}:
            told[total] = (await titles(player))[before:]

    assert [level["reachedAt"] for level in alert["levels"]] == [13, 20, 25]
    assert told == {
        13: ["Bulk emails reached 50 % of 25 in Support"],
        20: ["Bulk emails reached 80 % of 25 in Support"],
        25: ["Bulk emails reached 100 % of 25 in Support"],
    }
    assert len(await titles(player)) == 3
    assert await mails(sessions, player) == [
        (title, address)
        for total in told
        for title in told[total]
        for address in ("cfo@outside.test", "founder@example.com")
    ]


async def test_shows_the_price_of_reaching_a_threshold(operator: Api) -> None:
    player = await opened(operator, psp=True)

    messages = await set_alert(player, 3_000, metric="MESSAGES_SENT")
    emails = await set_alert(player, 10_000, account=True)

    assert messages["priceOfThreshold"] == {"amount": "145.00"}
    assert emails["priceOfThreshold"] == {"amount": "254.00"}


async def test_shows_the_price_of_what_goes_beyond_a_commitment(operator: Api) -> None:
    player = await new_player(operator, now=SEPTEMBER)
    terms = {
        "plan": "ADVANCED",
        "months": 12,
        "billingMonths": 1,
        "seats": 3,
        "usage": [{"metric": "MESSAGES_SENT", "units": 2_000}],
        "pspFrom": "2026-09-01",
    }
    await player.do("contractSign", accountId=player.account_id, terms=terms)

    messages = await set_alert(player, 3_000, metric="MESSAGES_SENT")
    seats = await set_alert(player, 5, metric="FULL_SEATS", account=True)

    assert messages["priceOfThreshold"] == {"amount": "50.00"}
    assert seats["priceOfThreshold"] == {"amount": "198.00"}


async def test_set_below_usage_waits_for_the_next_period_and_both_values_are_seen(operator: Api) -> None:
    player = await opened(operator)
    await set_alert(player, 100, also=True)
    await send(player, 60)

    alert = await set_alert(player, 40, also=True)
    await send(player, 20)
    await player.go_to(datetime(2026, 10, 1, tzinfo=UTC))
    (opened_again,) = (await player.api.ask(SHOWN, id=player.account_id))["account"]["workspaces"][0][
        "alerts"
    ]
    await send(player, 40)

    assert (alert["inForce"], alert["pending"], alert["threshold"]) == (100, 40, 40)
    assert (opened_again["inForce"], opened_again["pending"], opened_again["fired"]) == (40, None, [])
    assert await titles(player) == [
        "Bulk emails reached 50 % of 100 in Support",
        "Bulk emails reached 80 % of 100 in Support",
        "Bulk emails reached 100 % of 40 in Support",
    ]


async def test_levels_passed_when_it_is_set_are_skipped_and_turning_off_drops_all(operator: Api) -> None:
    player = await opened(operator)
    await send(player, 60)

    alert = await set_alert(player, 100, also=True)
    await send(player, 10)
    await send(player, 10)
    off = await player.do(
        "alertTurnOff",
        "metric",
        accountId=player.account_id,
        workspaceId=player.workspace_id,
        metric="BULK_EMAIL",
    )
    await send(player, 100)
    again = await player.api.do(
        "alertTurnOff",
        "metric",
        accountId=player.account_id,
        workspaceId=player.workspace_id,
        metric="BULK_EMAIL",
    )

    assert [level["status"] for level in alert["levels"]] == ["SKIPPED", "WAITING", "WAITING"]
    assert off["metric"] == "BULK_EMAIL"
    assert await titles(player) == ["Bulk emails reached 80 % of 100 in Support"]
    assert again["__typename"] == "AlertNotSet"


async def test_usage_taken_back_and_sent_again_is_not_told_twice(operator: Api) -> None:
    player = await opened(operator)
    await set_alert(player, 10)

    sent = await send(player, 10)
    await player.take_back(sent)
    await send(player, 10)

    assert len(await titles(player)) == 1


async def test_only_the_running_period_counts(operator: Api) -> None:
    player = await opened(operator)
    await set_alert(player, 10)
    await player.go_to(datetime(2026, 10, 3, tzinfo=UTC))

    await player.use([Sent("late", "BULK_EMAIL", 50, datetime(2026, 9, 28, tzinfo=UTC))])
    await send(player, 9)
    before = await titles(player)
    await send(player, 1)

    assert before == []
    assert await titles(player) == ["Bulk emails reached 100 % of 10 in Support"]


async def test_a_level_tells_again_in_every_period(operator: Api) -> None:
    player = await opened(operator)
    await set_alert(player, 10)

    for month in (9, 10, 11):
        await player.go_to(datetime(2026, month, 15, tzinfo=UTC))
        await send(player, 10)

    assert len(await titles(player)) == 3


async def test_usage_sent_minutes_before_its_period_is_told_as_the_period_opens(operator: Api) -> None:
    player = await opened(operator)
    await set_alert(player, 10)
    await player.go_to(datetime(2026, 9, 30, 23, 58, tzinfo=UTC))

    await player.use([Sent("early", "BULK_EMAIL", 10, datetime(2026, 10, 1, 0, 1, tzinfo=UTC))])
    before = await titles(player)
    await player._advance(datetime(2026, 10, 1, tzinfo=UTC))

    assert before == []
    assert await titles(player) == ["Bulk emails reached 100 % of 10 in Support"]


async def test_the_account_s_alert_watches_the_pool_and_tells_the_contacts_of_every_workspace(
    operator: Api, sessions: Sessions
) -> None:
    player = await opened(operator, name="Pool")
    made = await player.do(
        "workspaceCreate",
        "workspace { id }",
        accountId=player.account_id,
        name="Sales",
        creatorName="Grace",
        creatorEmail="grace@example.com",
    )
    await set_alert(player, 100, account=True)
    await set_alert(player, 60)

    await send(player, 50)
    await player.do(
        "usageRecord",
        workspaceId=made["workspace"]["id"],
        events=[{"eventId": "one", "metric": "BULK_EMAIL", "quantity": 50, "at": player.now.isoformat()}],
    )

    title = "Bulk emails reached 100 % of 100 in Pool"
    assert await titles(player) == [title]
    assert await mails(sessions, player) == [(title, "founder@example.com"), (title, "grace@example.com")]
    shown = (await player.api.ask(SHOWN, id=player.account_id))["account"]
    kinds = [
        [edge["node"]["kind"] for edge in each["notifications"]["edges"]] for each in shown["workspaces"]
    ]
    assert [each.count("ALERT") for each in kinds] == [1, 1]
    assert [alert["scope"] for alert in shown["alerts"]] == ["ACCOUNT"]
    assert [len(each["alerts"]) for each in shown["workspaces"]] == [1, 0]


async def test_seats_tell_on_rising_to_the_number_and_not_because_a_period_opens(operator: Api) -> None:
    player = await opened(operator)
    await set_alert(player, 3, metric="FULL_SEATS", account=True)

    await player.seat("ada")
    before = await titles(player)
    await player.seat("grace")
    risen = await titles(player)
    await player.go_to(datetime(2026, 10, 2, tzinfo=UTC))
    opened_again = await titles(player)
    await player.remove("ada")
    await player.seat("edsger")

    assert before == []
    assert risen == opened_again == ["Full seats reached 100 % of 3 in Acme"]
    assert await titles(player) == risen * 2


async def test_total_spend_is_additional_usage_and_prorations_of_the_next_invoice(operator: Api) -> None:
    player = await opened(operator)
    await set_alert(player, 40, metric="TOTAL_SPEND", account=True, also=True)
    await player.go_to(datetime(2026, 9, 16, tzinfo=UTC))

    await player.seat("ada")  # 2 x 39.00 x 15/30 - 39.00 x 15/30 = 19.50
    await send(player, 12)  # 12 x 0.04 = 0.48
    before = await titles(player)
    await send(player, 1)  # 19.50 + 0.52 = 20.02
    await player.do("planChange", accountId=player.account_id, plan="ADVANCED")

    assert before == []
    assert await titles(player) == [
        "Total spend reached 50 % of $40.00 in Acme",
        "Total spend reached 100 % of $40.00 in Acme",
    ]


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"threshold": 0}, "ThresholdOutOfRange"),
        ({"threshold": -5}, "ThresholdOutOfRange"),
        ({"metric": "TOTAL_SPEND"}, "SpendIsPerAccount"),
        ({"accountId": "bm90aGluZw"}, "UnknownAccount"),
        ({"workspaceId": "bm90aGluZw"}, "UnknownWorkspace"),
    ],
)
async def test_refuses_an_alert_that_cannot_be(operator: Api, given: dict[str, Any], refusal: str) -> None:
    player = await opened(operator)
    usual = {
        "accountId": player.account_id,
        "workspaceId": player.workspace_id,
        "metric": "BULK_EMAIL",
        "threshold": 10,
    }

    result = await player.api.do("alertSet", "alert { metric }", **(usual | given))

    assert result["__typename"] == refusal
    shown = (await player.api.ask(SHOWN, id=player.account_id))["account"]
    assert [shown["alerts"], shown["workspaces"][0]["alerts"]] == [[], []]


async def test_refuses_an_alert_without_a_subscription(operator: Api) -> None:
    player = await new_player(operator, now=SEPTEMBER)

    result = await player.api.do(
        "alertSet",
        "alert { metric }",
        accountId=player.account_id,
        workspaceId=player.workspace_id,
        metric="BULK_EMAIL",
        threshold=10,
    )

    assert result["__typename"] == "NoSubscription"


async def test_sixteen_batches_at_once_that_cross_every_level_tell_each_once(
    operator: Api, sessions: Sessions
) -> None:
    player = await opened(operator, name="Sixteen")
    await set_alert(player, 1_600, also=True)
    await set_alert(player, 1_600, also=True, account=True)
    await player.go_to(datetime(2026, 9, 20, tzinfo=UTC))

    await asyncio.gather(
        *(
            player.use([Sent(f"batch {day}", "BULK_EMAIL", 100, SEPTEMBER.replace(day=day))])
            for day in range(2, 18)
        )
    )

    counts = Counter(await titles(player))
    assert counts == {
        f"Bulk emails reached {level} % of 1,600 in {place}": 1
        for level in (50, 80, 100)
        for place in ("Support", "Sixteen")
    }
    assert len(await mails(sessions, player)) == 6


@pytest.mark.parametrize("attempt", range(3))
async def test_alerts_set_while_usage_arrives_miss_nothing_and_repeat_nothing(
    operator: Api, attempt: int
) -> None:
    player = await opened(operator, name=f"Race {attempt}")

    await asyncio.gather(
        *(send(player, 10) for _ in range(8)),
        set_alert(player, 80, also=True),
        *(send(player, 10) for _ in range(8)),
    )

    (alert,) = (await player.api.ask(SHOWN, id=player.account_id))["account"]["workspaces"][0]["alerts"]
    told = Counter(await titles(player))
    assert all(count == 1 for count in told.values())
    if alert["pending"] is None:
        assert all(level["status"] in {"FIRED", "SKIPPED", "COVERED"} for level in alert["levels"])
        assert told["Bulk emails reached 100 % of 80 in Support"] == 1
    else:
        assert told == {}


@pytest.mark.parametrize("seed", range(4))
async def test_random_usage_and_settings_tell_what_a_plain_retelling_tells(operator: Api, seed: int) -> None:
    player = await opened(operator, name=f"Random {seed}")
    chance = random.Random(seed)
    plain = Retelling()
    standing: list[tuple[str, int]] = []
    period = date(2026, 9, 1)

    for _ in range(40):
        kind = chance.choice(["send", "send", "send", "back", "set", "off", "next"])
        if kind == "send":
            quantity = chance.randint(1, 40)
            standing.append((await send(player, quantity), quantity))
            plain.use(quantity)
        elif kind == "back" and standing:
            event_id, quantity = standing.pop(chance.randrange(len(standing)))
            await player.take_back(event_id)
            plain.use(-quantity)
        elif kind == "set":
            threshold, also = chance.randint(1, 150), chance.random() < 0.5
            await set_alert(player, threshold, also=also)
            plain.set(threshold, also=also)
        elif kind == "off" and plain.is_on:
            await player.do(
                "alertTurnOff",
                accountId=player.account_id,
                workspaceId=player.workspace_id,
                metric="BULK_EMAIL",
            )
            plain.off()
        elif kind == "next" and chance.random() < 0.5:
            period = (period + timedelta(days=32)).replace(day=1)
            await player._advance(datetime(period.year, period.month, 1, 12, tzinfo=UTC))
            standing.clear()
            plain.next_period()

    assert await titles(player) == plain.told


class Retelling:
    """An alert as a person would keep it on paper."""

    def __init__(self) -> None:
        self.used, self.also = 0, False
        self.value: int | None = None
        self.pending: int | None = None
        self.over: set[int] = set()
        self.told: list[str] = []

    @property
    def is_on(self) -> bool:
        """Whether there is anything to turn off."""
        return self.value is not None or self.pending is not None

    def passed(self, *, also: bool) -> list[int]:
        """Levels that usage stands at or above."""
        if self.value is None:
            return []
        return [
            level for level in ((50, 80, 100) if also else (100,)) if self.used * 100 >= level * self.value
        ]

    def use(self, units: int) -> None:
        """Use units, or take them back."""
        self.used += units
        fresh = [level for level in self.passed(also=self.also) if level not in self.over]
        self.over |= set(fresh)
        if fresh:
            self.told.append(f"Bulk emails reached {fresh[-1]} % of {self.value} in Support")

    def set(self, value: int, *, also: bool) -> None:
        """Set the threshold and the option."""
        had, self.also = self.also, also
        if value == self.value:
            self.pending = None
        elif value > self.used:
            self.value, self.pending = value, None
            self.over = set(self.passed(also=True)) - (set() if also else {50, 80})
            return
        else:
            self.pending = value
        if also and not had:
            self.over |= set(self.passed(also=True)) - {100}

    def off(self) -> None:
        """Turn it off."""
        self.value = self.pending = None

    def next_period(self) -> None:
        """Begin another usage period."""
        self.used, self.over = 0, set()
        self.value, self.pending = self.pending or self.value, None
