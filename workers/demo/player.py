"""Plays a story: moves the test clock to each moment, then does through the API what happens there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from workers.demo import traffic
from workers.demo.actions import (
    Accept,
    Action,
    AddPsp,
    Card,
    ChangePlan,
    Contacts,
    Invite,
    Leave,
    OpenWorkspace,
    RemovePsp,
    Start,
    Switch,
    TakeBack,
    Use,
    Wait,
)
from workers.demo.client import Client
from workers.demo.people import address

BATCH = 1_000
"""Usage events in one call, the most the API takes."""


@dataclass(slots=True)
class Player:
    """A company in the middle of its story; ids by name, as the API gave them."""

    api: Client
    zone: ZoneInfo
    mail: str
    say: Callable[[str], None]
    clock_id: str = ""
    account_id: str = ""
    workspaces: dict[str, str] = field(default_factory=dict)
    people: dict[str, str] = field(default_factory=dict)

    def open_account(self, name: str, *, at: str) -> None:
        """Make a test clock that stands at a local time, and an account that lives by it."""
        made = self.api.do("testClockCreate", "testClock { id }", name=name, now=self._moment(at).isoformat())
        self.clock_id = made["testClock"]["id"]
        opened = self.api.do(
            "accountCreate",
            "account { id }",
            name=name,
            timeZone=self.zone.key,
            testClockId=self.clock_id,
        )
        self.account_id = opened["account"]["id"]

    def play(self, story: Iterable[tuple[str, Action]]) -> None:
        """Do everything that happens, in its order and at its time."""
        for at, action in story:
            self.api.do(
                "testClockAdvance",
                "testClock { id }",
                testClockId=self.clock_id,
                to=self._moment(at).isoformat(),
            )
            self.say(f"{at}  {self._do(action, now=at)}")

    def _do(self, action: Action, *, now: str) -> str:  # noqa: C901, PLR0911, PLR0912  one case for each action
        match action:
            case OpenWorkspace():
                return self._open_workspace(action)
            case Contacts():
                workspace_id = self.workspaces[action.workspace]
                self.api.do("billingContactsSet", SAME, workspaceId=workspace_id, emails=action.emails)
                return f"{action.workspace}'s invoices go to {_listed(action.emails)}"
            case Invite():
                return self._invite(action)
            case Accept():
                for person in action.people:
                    self.api.do("seatAccept", SAME, teammateId=self.people[person])
                return f"{_listed(action.people)} accept" + "s" * (len(action.people) == 1)
            case Switch():
                self.api.do("seatSwitch", SAME, teammateId=self.people[action.person], seat=action.seat)
                return f"{action.person} switches to a {action.seat.lower()} seat"
            case Leave():
                self.api.do("teammateRemove", SAME, teammateId=self.people[action.person])
                return f"{action.person} leaves"
            case Start():
                self.api.do("subscriptionStart", SAME, accountId=self.account_id, plan=action.plan)
                return f"the subscription starts: {action.plan.title()}"
            case ChangePlan():
                self.api.do("planChange", SAME, accountId=self.account_id, plan=action.plan)
                return f"the plan changes to {action.plan.title()}"
            case AddPsp():
                self.api.do("pspAdd", SAME, accountId=self.account_id)
                return "Proactive Support Plus is added"
            case RemovePsp():
                self.api.do("pspRemove", SAME, accountId=self.account_id)
                return "Proactive Support Plus is removed; it lasts to the period's end"
            case Card():
                self.api.do("paymentMethodSet", SAME, accountId=self.account_id, token=action.token)
                return f"the payment method is {action.token}"
            case Use():
                return self._use(action, now=now)
            case TakeBack():
                workspace_id = self.workspaces[action.workspace]
                given = {"workspaceId": workspace_id, "eventId": action.event_id, "reason": action.reason}
                self.api.do("usageTakeBack", SAME, **given)
                return f"usage event {action.event_id} is taken back"
            case Wait():
                return "and so it stands"

    def _open_workspace(self, action: OpenWorkspace) -> str:
        made = self.api.do(
            "workspaceCreate",
            "workspace { id teammates(first: 1) { edges { node { id } } } }",
            accountId=self.account_id,
            name=action.name,
            creatorName=action.by,
            creatorEmail=self._address(action.by),
        )["workspace"]
        self.workspaces[action.name] = made["id"]
        self.people[action.by] = made["teammates"]["edges"][0]["node"]["id"]
        return f"{action.by} opens the workspace {action.name}"

    def _invite(self, action: Invite) -> str:
        for person in action.people:
            invited = self.api.do(
                "teammateInvite",
                "teammate { id }",
                workspaceId=self.workspaces[action.workspace],
                name=person,
                email=self._address(person),
                seat=action.seat,
                role=action.role,
            )
            self.people[person] = invited["teammate"]["id"]
        kind = "lite seats" if action.seat == "LITE" else "full seats"
        told = "" if action.role == "MEMBER" else f", as {action.role.lower()}"
        return f"{_listed(action.people)}: invited to {action.workspace}, {kind}{told}"

    def _use(self, action: Use, *, now: str) -> str:
        made = traffic.events(
            action.events,
            name=action.since,
            since=self._moment(action.since),
            until=self._moment(action.until or now),
        )
        events = list(made)
        became: Counter[str] = Counter()
        for _ in range(2 if action.is_sent_twice else 1):
            for first in range(0, len(events), BATCH):
                became.update(self._send(action, events[first : first + BATCH]))
        told = ", ".join(f"{count:,} {what.lower()}" for what, count in sorted(became.items()))
        return f"{action.workspace} sends {len(events):,} usage events by {action.door}: {told}"

    def _send(self, action: Use, events: list[dict[str, Any]]) -> Iterable[str]:
        workspace_id = self.workspaces[action.workspace]
        if action.door == "POST /usage":
            outcomes = self.api.post_usage(workspace_id, events)
        else:
            outcomes = self.api.do(
                "usageRecord", "outcomes { status reason }", workspaceId=workspace_id, events=events
            )["outcomes"]
        return (
            f"{outcome['status']} ({outcome['reason']})" if outcome.get("reason") else outcome["status"]
            for outcome in outcomes
        )

    def _address(self, person: str) -> str:
        return address(person, self.mail)

    def _moment(self, local: str) -> datetime:
        return datetime.fromisoformat(local).replace(tzinfo=self.zone).astimezone(UTC)


SAME = "__typename"
"""The fields to ask of a payload when nothing of it is needed."""


def _listed(things: Iterable[str]) -> str:
    *others, last = things
    return f"{', '.join(others)} and {last}" if others else last
