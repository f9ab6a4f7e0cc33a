"""Which action comes next: one of those the rules accept in the account's state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from .account import Account
from .actions import Accept, Action, AddPsp, ChangePlan, Convert, Remove, RemovePsp, Start, Switch
from .books import BASE
from .choices import TEAMMATES, Choose, pick
from .prices import LITE_SEATS
from .subscription import period_start
from .term_actions import (
    AmendContract,
    BuySeats,
    Cancel,
    Committed,
    EndContract,
    Resume,
    ScheduleRenewal,
    SignContract,
    StartEarlyStage,
    StartYearly,
    SwitchToYearly,
    Terms,
)

PLANS = tuple(LITE_SEATS)
# Units whose list price is whole cents.
COMMITMENTS = {
    "BULK_EMAIL": (500, 1_000, 2_000, 10_000),
    "SMS_SEGMENT": (500, 1_000, 4_000),
    "WHATSAPP_SENT": (500, 1_000, 4_000),
    "PHONE_MINUTE": (100, 1_000),
    "FIN_RESOLUTION": (2, 100),
}
MESSAGES = (500, 1_000, 2_000, 10_000)
FREQUENCIES = ((1, (3, 4, 6, 12)), (3, (3, 6, 12)), (12, (12,)))


@dataclass(slots=True)
class Chosen:
    """Dates of the last action of some kinds, to keep apart what the rules leave open."""

    changed_on: date | None = None
    left_on: date | None = None
    cut_on: date | None = None
    paired_on: date | None = None

    def note(self, action: Action, day: date) -> None:
        """Remember the date of an action."""
        if isinstance(action, Remove | Switch | AddPsp | RemovePsp | ChangePlan):
            self.left_on = day
        if isinstance(action, BuySeats | ChangePlan):
            self.paired_on = day
        if isinstance(action, SwitchToYearly | SignContract | StartYearly | Start | StartEarlyStage):
            self.cut_on = day
        self.changed_on = day


@dataclass(frozen=True, slots=True)
class Conversion:
    """What a trial turns into."""

    plan: str

    def convert(self, at: datetime, *, psp: bool) -> Convert:
        """Choose it for the trial's end."""
        return Convert(at, self.plan, psp)


def conversion(choose: Choose, lite: int) -> tuple[Conversion, bool]:
    """Choose what a trial turns into: a plan, and the add-on or not."""
    return Conversion(_plan(choose, lite)), choose(0, 1) == 1


def first_action(choose: Choose, account: Account, at: datetime, day: date) -> Action:
    """Choose how the account begins to pay."""
    kind = choose(0, 9)
    if kind == 0:
        return StartEarlyStage(at)
    if kind <= 2:
        return _sign(choose, account, at, day)
    plan = _plan(choose, len(account.seats.lite))
    if kind <= 5:
        return StartYearly(at, plan, _enough_seats(choose, account), choose(0, 2) == 0)
    return Start(at, plan, choose(0, 1) == 1)


def begin_again(choose: Choose, account: Account, at: datetime, day: date) -> Action:
    """Choose how the account comes back after an end."""
    return first_action(choose, account, at, day)


def action_in(
    choose: Choose, account: Account, at: datetime, day: date, *, chosen: Chosen, ends_on: date
) -> Action:
    """Choose an action that the account's way of paying accepts."""
    phase = account.phase
    assert phase is not None
    action: Action | None = None
    if choose(0, 9) >= 4:
        if phase.kind == "MONTHLY":
            action = _monthly(choose, account, at, day, chosen)
        if phase.kind == "EARLY_STAGE":
            action = _ending(choose, account, at)
        if phase.kind == "YEARLY":
            action = _yearly(choose, account, at, day, chosen)
        if phase.kind == "CONTRACT":
            action = _contract(choose, account, at, day, ends_on)
    return action or seat_action(choose, account, at, lite_room=_lite_room(account))


def can_be_cut(account: Account, chosen: Chosen, day: date) -> bool:
    """Tell whether a cut on this date leaves no doubt: nothing else happened on it."""
    return day not in {chosen.changed_on, chosen.cut_on} and not (account.is_ending or account.is_psp_leaving)


def seat_action(choose: Choose, account: Account, at: datetime, *, lite_room: int) -> Action:
    """Let a teammate come, go or change seats; lite seats only where there is room."""
    active = sorted(account.seats.full | account.seats.lite)
    away = [teammate for teammate in TEAMMATES if teammate not in active]
    kind = choose(0, 5)
    if active and (kind == 0 or not away):
        return Remove(at, pick(choose, active))
    if active and kind == 1:
        teammate = pick(choose, active)
        if teammate in account.seats.lite:
            return Switch(at, teammate, "FULL")
        if len(account.seats.lite) < lite_room:
            return Switch(at, teammate, "LITE")
    # Mostly the first one away, so that people who left come back, also on the same day.
    teammate = away[0] if kind < 4 else pick(choose, away)
    is_lite = len(account.seats.lite) < lite_room and choose(0, 3) == 3
    return Accept(at, teammate, "LITE" if is_lite else "FULL")


def _monthly(choose: Choose, account: Account, at: datetime, day: date, chosen: Chosen) -> Action | None:
    kind = choose(0, 9)
    action: Action | None = None
    may_switch = not account.is_psp_leaving and day not in {chosen.left_on, chosen.cut_on}
    if account.is_ending or kind == 9:
        action = _ending(choose, account, at)
    elif kind <= 2:
        is_staying = account.has_psp and not account.is_psp_leaving
        action = RemovePsp(at) if is_staying else AddPsp(at)
    elif kind <= 4:
        plan = _plan(choose, len(account.seats.lite))
        action = ChangePlan(at, plan) if plan != account.plan else None
    elif kind <= 6 and may_switch:
        plan = _plan(choose, len(account.seats.lite))
        action = SwitchToYearly(at, plan, _enough_seats(choose, account), choose(0, 2) == 0)
    elif kind == 7 and can_be_cut(account, chosen, day):
        action = _sign(choose, account, at, day)
    return action


def _yearly(choose: Choose, account: Account, at: datetime, day: date, chosen: Chosen) -> Action | None:
    kind = choose(0, 10)
    action: Action | None = None
    # A change invoiced at once is the first of its date.
    now = choose(0, 2) == 0 and chosen.paired_on != day
    if kind <= 2:
        action = BuySeats(at, account.purchased + choose(1, 3), now)
    elif kind == 3:
        price = BASE.year_cents
        dearer = [plan for plan in PLANS if price[plan] > price[account.plan]]
        action = ChangePlan(at, pick(choose, dearer), now) if dearer else None
    elif kind == 4 and not account.has_psp:
        action = AddPsp(at, choose(0, 2) == 0)
    elif kind <= 7 and not account.is_ending:
        action = _schedule(choose, account, at)
    elif kind == 8 and choose(0, 1) == 0 and can_be_cut(account, chosen, day):
        action = _sign(choose, account, at, day)
    elif kind >= 9:
        action = _ending(choose, account, at)
    return action


def _schedule(choose: Choose, account: Account, at: datetime) -> Action:
    if account.schedule is not None and choose(0, 3) == 0:
        return ScheduleRenewal(at)
    price, lite = BASE.year_cents, len(account.seats.lite)
    cheaper = [plan for plan in PLANS if price[plan] < price[account.plan] and LITE_SEATS[plan] >= lite]
    monthly = choose(0, 2) == 0
    seats = None if monthly or choose(0, 2) == 0 else choose(1, account.purchased + 2)
    return ScheduleRenewal(
        at,
        seats=seats,
        plan=pick(choose, cheaper) if cheaper and choose(0, 1) == 0 else None,
        psp=False if account.has_psp and choose(0, 2) == 0 else None,
        monthly=monthly,
    )


def _ending(choose: Choose, account: Account, at: datetime) -> Action | None:
    if account.is_ending:
        return Resume(at) if choose(0, 2) > 0 else None
    return Cancel(at) if choose(0, 1) == 0 else None


def _contract(choose: Choose, account: Account, at: datetime, day: date, ends_on: date) -> Action | None:
    phase, old = account.phase, account.terms
    assert phase is not None
    assert old is not None
    month = phase.month_of(day)
    renews_on = period_start(phase.anchor, (month.number // phase.term_months + 1) * phase.term_months)
    has_own_end = old.psp_until is not None
    if not account.is_ending and (choose(0, 5) == 0 or (has_own_end and renews_on < ends_on)):
        return EndContract(at)
    if choose(0, 1) == 0:
        return None
    has_messages = any(each.metric == "MESSAGES_SENT" for each in old.usage)
    plan = _plan(choose, len(account.seats.lite)) if choose(0, 3) == 0 else old.plan
    psp_from, psp_until = _psp_dates(choose, old, day)
    terms = Terms(
        plan=plan,
        seats=choose(1, 8),
        unit_cents=pick(choose, (None, old.unit_cents, 80_00, 91_50)),
        usage=_committed(choose, with_messages=has_messages) if choose(0, 1) == 0 else old.usage,
        psp_from=psp_from,
        psp_until=psp_until,
    )
    return AmendContract(at, terms) if terms != old else None


def _psp_dates(choose: Choose, old: Terms, day: date) -> tuple[date | None, date | None]:
    """Leave the add-on's dates as they are, or let it begin or end from this day on."""
    kind = choose(0, 5)
    if kind == 0 and old.psp_from is None:
        return day + timedelta(days=choose(0, 60)), None
    if kind == 1 and old.psp_from is not None and old.psp_until is None:
        return old.psp_from, max(old.psp_from, day) + timedelta(days=choose(1, 90))
    return old.psp_from, old.psp_until


def _sign(choose: Choose, account: Account, at: datetime, day: date) -> Action:
    every, lengths = pick(choose, FREQUENCIES)
    months = pick(choose, lengths)
    psp_from, psp_until = None, None
    kind = choose(0, 4)
    if kind <= 1:
        psp_from = day
    if kind == 2 and months == 12:
        psp_from = day + timedelta(days=choose(0, 200))
        psp_until = psp_from + timedelta(days=choose(1, 150))
    # Over a running subscription there may be extra seats at once; else not.
    held = len(account.seats.full)
    least = 1 if account.phase is not None else max(1, held)
    terms = Terms(
        plan=_plan(choose, len(account.seats.lite)),
        seats=choose(least, max(least, held) + 2),
        unit_cents=pick(choose, (None, None, 80_00, 31_25)),
        usage=_committed(choose, with_messages=kind <= 1),
        psp_from=psp_from,
        psp_until=psp_until,
    )
    return SignContract(at, terms, months, every)


def _committed(choose: Choose, *, with_messages: bool) -> tuple[Committed, ...]:
    chosen: list[Committed] = []
    if with_messages and choose(0, 1) == 0:
        chosen.append(Committed("MESSAGES_SENT", pick(choose, MESSAGES)))
    for metric, units in COMMITMENTS.items():
        if choose(0, 3) == 0:
            chosen.append(Committed(metric, pick(choose, units), pick(choose, (None, None, 17_25))))
    return tuple(chosen)


def _plan(choose: Choose, lite: int) -> str:
    return pick(choose, [plan for plan in PLANS if LITE_SEATS[plan] >= lite])


def _enough_seats(choose: Choose, account: Account) -> int:
    return max(1, len(account.seats.full)) + choose(0, 3)


def _lite_room(account: Account) -> int:
    coming = account.schedule.plan if account.schedule is not None else None
    return min(LITE_SEATS[account.plan], LITE_SEATS[coming or account.plan])
