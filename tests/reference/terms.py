"""The invoices any account should get: by the month, the year, the programme or a contract.

The account is lived day by day. Whenever an invoice falls due, every charge since the
start is computed anew from what is known; nothing is remembered but what was billed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from .account import Account
from .actions import Action, Story, date_of, in_order, recorded_at
from .calculator import RefInvoice, RefLine, settle
from .phases import Call, Phase
from .term_actions import Migrate
from .term_charges import (
    Charge,
    Key,
    contract,
    extra_seats,
    overage,
    paid_by_month,
    paid_by_year,
)
from .term_usage import usage

LONGEST_WAIT = timedelta(days=800)


@dataclass(slots=True)
class Ledger:
    """The invoices made so far, what was billed for each charge, and the credit left."""

    made: list[RefInvoice] = field(default_factory=list)
    billed: dict[Key, RefLine] = field(default_factory=dict)
    balance: int = 0

    def issue(self, account: Account, call: Call, *, on: date) -> None:
        """Make the invoice called for, unless it has no lines (section 5)."""
        due = charges_of(account, call, on=on)
        # What was billed and is due no more (a change on the day of a later cut) is taken back.
        for key, (section, start, end, _) in self.billed.items():
            if key not in due and _is_wanted(account.phases[key[0]], key, section, call):
                due[key] = (section, start, end, 0)
        lines: list[RefLine] = []
        for key, (section, start, end, amount) in due.items():
            owed = amount - (self.billed[key][3] if key in self.billed else 0)
            if owed != 0:
                lines.append((section, start, end, owed))
                self.billed[key] = (section, start, end, amount)
        if not lines:
            return
        total = sum(amount for *_, amount in lines)
        settled = settle(total, balance=self.balance)
        self.balance = settled.credit_left
        self.made.append(
            RefInvoice(
                number=len(self.made) + 1,
                invoice_on=on,
                lines=tuple(sorted(lines)),
                total_cents=total,
                credit_applied_cents=settled.credit_applied,
                due_cents=settled.due,
                credit_left_cents=settled.credit_left,
                stream=call.stream,
            )
        )


def invoices(story: Story, through: date) -> list[RefInvoice]:
    """All invoices dated up to and including `through`, in the order of their numbers."""
    ledger = Ledger()
    account = Account(zone=story.zone, next_book_on=story.next_book_on)
    for day, calls in live(account, story, through):
        for call in calls:
            ledger.issue(account, call, on=day)
    return ledger.made


def live(account: Account, story: Story, through: date) -> Iterator[tuple[date, list[Call]]]:
    """Live a story day by day; give the calls of each moment right after it."""
    waiting = in_order(story.actions)
    day = date_of(recorded_at(waiting[0]), zone=story.zone)
    while day <= through:
        book = _migration_scheduled(waiting, story, day)
        yield day, account.open_day(day, migrate_to=book)
        while waiting and date_of(recorded_at(waiting[0]), zone=story.zone) == day:
            action = waiting.pop(0)
            yield day, account.apply(action)
        day += timedelta(days=1)


def horizon(story: Story) -> date:
    """First date by which all of the story is known and would be billed.

    The next month's opening; on a contract, the next billing period's.
    """
    last = max(date_of(recorded_at(action), zone=story.zone) for action in story.actions)
    account = Account(zone=story.zone, next_book_on=story.next_book_on)
    for _ in live(account, story, last):
        pass
    day = last + timedelta(days=1)
    while day < last + LONGEST_WAIT:
        account.open_day(day)
        if not account.phases and account.trial_ends_on is None:
            return day
        if account.phases:
            phase = account.phase or account.phases[-1]
            is_contract = account.phase is not None and phase.kind == "CONTRACT"
            if phase.is_billing_start(day) if is_contract else phase.is_month_start(day):
                return day
        day += timedelta(days=1)
    return day


def charges_of(account: Account, call: Call, *, on: date) -> dict[Key, RefLine]:
    """Every charge due by an invoice of this date that the call wants."""
    # A change invoiced at once is dated on the day itself, all else before it.
    before = on + timedelta(days=1) if call.dated_on is not None else on
    return {
        key: line
        for phase in account.phases
        for key, line in _charges(account, phase, before)
        if _is_wanted(phase, key, line[0], call)
    }


def _charges(account: Account, phase: Phase, before: date) -> Iterator[Charge]:
    yield from usage(account, phase, before)
    if phase.kind in {"MONTHLY", "EARLY_STAGE"}:
        yield from paid_by_month(phase, before)
    if phase.kind == "YEARLY":
        yield from paid_by_year(phase, before)
        yield from overage(phase, before)
    if phase.kind == "CONTRACT":
        yield from contract(phase, before)
        yield from extra_seats(phase, before)


def _is_wanted(phase: Phase, key: Key, section: str, call: Call) -> bool:
    number, name, dated_on = key
    return (
        phase.subscription == call.subscription
        and (call.sections is None or section in call.sections)
        and (call.phases is None or number in call.phases)
        and (call.names is None or name in call.names)
        and (call.dated_on is None or dated_on == call.dated_on)
    )


def _migration_scheduled(waiting: list[Action], story: Story, day: date) -> str | None:
    """Take the migration dated on this day's opening out of what waits."""
    opening = datetime.combine(day, time(), ZoneInfo(story.zone))
    for position, action in enumerate(waiting):
        if isinstance(action, Migrate) and action.at == opening:
            del waiting[position]
            return action.book
    return None
