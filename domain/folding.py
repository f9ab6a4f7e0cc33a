"""A subscription's facts folded, in any order, into its phases (sections 6 to 8 and 10)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from domain.calendar import (
    Stamp,
    local_day,
    opening_stamp,
    scheduled_stamp,
)
from domain.facts import (
    BookMigrated,
    Cancelled,
    Change,
    ContractAmended,
    ContractEnded,
    ContractSigned,
    ContractTerms,
    EarlyStageStarted,
    Ended,
    Fact,
    Opening,
    PlanChanged,
    PspAdded,
    PspRemoved,
    RenewalSet,
    Resumed,
    SeatsPurchased,
    Started,
    TrialExtended,
    TrialStarted,
    YearlyStarted,
    in_order,
    is_invoiced_now,
)
from domain.phases import Parting, Phase, PhaseKind, PspSpan, last_before
from domain.pricebook import PriceBook


def phases(facts: Iterable[Fact], zone: ZoneInfo, books: Mapping[int, PriceBook]) -> tuple[Phase, ...]:
    """Fold the facts of one subscription, in any order, into its phases."""
    found: list[Phase] = []
    due: RenewalSet | None = None
    for fact in in_order(facts):
        if due and _renews_at(found[-1], due, zone) <= _stamp(fact):
            found = _renewed(found, due, zone)
            due = None
        if isinstance(fact, RenewalSet):
            due = fact
        elif isinstance(fact, Opening):
            if found:
                parting = Parting.OVER if found[-1].kind is PhaseKind.TRIAL else Parting.CUT
                found[-1] = _closed(found[-1], fact, zone, parting)
            found.append(_opened(fact, zone, books[fact.book_version]))
        elif isinstance(fact, BookMigrated):
            if _is_set_anew(found, fact, zone):
                found[-1] = replace(found[-1], book=books[fact.book_version])
            elif not _is_overtaken(found[-1], fact, zone):
                found += _migrated(found.pop(), fact, zone, books[fact.book_version])
        else:
            found[-1] = _changed(found[-1], fact, zone)
    if due:
        found = _renewed(found, due, zone)
    return tuple(found)


def _stamp(fact: Fact) -> Stamp:
    return fact.at, fact.order


def _opened(fact: Opening, zone: ZoneInfo, book: PriceBook) -> Phase:
    start, stamp = local_day(fact.at, zone), _stamp(fact)
    add_on = (PspSpan(stamp, None, fact.order),)
    match fact:
        case TrialStarted():
            end = start + timedelta(days=book.trial_days)
            return Phase(PhaseKind.TRIAL, start, start, end, stamp, book, ((stamp, fact.plan),), add_on)
        case Started():
            opened = opening_stamp(start, zone) if fact.as_day_opens else stamp
            paid_from_start = (PspSpan(opened, None, fact.order),) if fact.is_psp else ()
            plans = ((stamp, fact.plan),)
            return Phase(PhaseKind.MONTHLY, start, start, None, opened, book, plans, paid_from_start)
        case YearlyStarted():
            spans = add_on if fact.is_psp else ()
            bought = ((stamp, fact.seats),)
            plans = ((stamp, fact.plan),)
            return Phase(PhaseKind.YEARLY, start, start, None, stamp, book, plans, spans, bought)
        case EarlyStageStarted():
            plans = ((stamp, book.early_stage.plan),)
            return Phase(PhaseKind.EARLY_STAGE, start, start, None, stamp, book, plans, add_on)
        case ContractSigned():
            plans, terms = ((stamp, fact.terms.plan),), ((stamp, fact.terms),)
            agreed = _contract_psp(fact.terms, stamp, fact.order, zone)
            return Phase(PhaseKind.CONTRACT, start, start, None, stamp, book, plans, agreed, terms=terms)


def _contract_psp(terms: ContractTerms, stamp: Stamp, order: int, zone: ZoneInfo) -> tuple[PspSpan, ...]:
    if terms.psp_from is None:
        return ()
    added = max(stamp, opening_stamp(terms.psp_from, zone))
    return (PspSpan(added, terms.psp_until, order),)


def _closed(phase: Phase, fact: Opening | BookMigrated, zone: ZoneInfo, parting: Parting) -> Phase:
    """End a phase where the next begins; the date belongs to the next, access until the moment to this one."""
    stamp = _stamp(fact)
    if isinstance(fact, Started | BookMigrated) and fact.as_day_opens:
        stamp = opening_stamp(local_day(fact.at, zone), zone)
    return replace(phase, end=local_day(fact.at, zone), closed=stamp, parting=parting)


def _is_overtaken(phase: Phase, fact: BookMigrated, zone: ZoneInfo) -> bool:
    """Tell whether a scheduled migration came to nothing: another agreement was made since, or it ends before."""
    is_agreed_since = phase.opened[0] < fact.at and fact.order < phase.opened[1]
    return is_agreed_since or (phase.end is not None and phase.end <= local_day(fact.at, zone))


def _is_set_anew(found: list[Phase], fact: BookMigrated, zone: ZoneInfo) -> bool:
    """Tell whether a migration takes the place of one that was scheduled for the same day."""
    day = local_day(fact.at, zone)
    is_scheduled = fact.as_day_opens and found[-1].opened == opening_stamp(day, zone)
    return is_scheduled and len(found) > 1 and found[-2].kind is found[-1].kind and found[-2].end == day


def _migrated(phase: Phase, fact: BookMigrated, zone: ZoneInfo, book: PriceBook) -> tuple[Phase, Phase]:
    """Go on under another price book: a monthly subscription is cut and billed apart, others change as they renew."""
    is_cut = phase.kind in {PhaseKind.MONTHLY, PhaseKind.EARLY_STAGE}
    old = _closed(phase, fact, zone, Parting.CUT_APART if is_cut else Parting.OVER)
    opened = old.closed or _stamp(fact)
    start = local_day(fact.at, zone)
    spans = tuple(
        replace(span, added=opened) for span in phase.psp if span.until is None or span.until > start
    )
    new = replace(
        phase,
        start=start,
        opened=opened,
        book=book,
        plans=((opened, phase.plan_before(opened)[1]),),
        psp=spans,
        purchases=_carried(phase.purchases, opened),
        pairs_at_once=frozenset(),
        psp_at_once=frozenset(),
    )
    return old, new


def _carried(entries: tuple[tuple[Stamp, int], ...], stamp: Stamp) -> tuple[tuple[Stamp, int], ...]:
    return ((stamp, last_before(entries, stamp)[1]),) if entries else ()


def _changed(phase: Phase, fact: Change, zone: ZoneInfo) -> Phase:
    """Give the phase as it is after a fact recorded in it."""
    stamp, day = _stamp(fact), local_day(fact.at, zone)
    if is_invoiced_now(fact) and isinstance(fact, PspAdded):
        phase = replace(phase, psp_at_once=phase.psp_at_once | {day})
    elif is_invoiced_now(fact):
        phase = replace(phase, pairs_at_once=phase.pairs_at_once | {day})
    match fact:
        case PlanChanged():
            return replace(phase, plans=(*phase.plans, (stamp, fact.plan)))
        case SeatsPurchased():
            return replace(phase, purchases=(*phase.purchases, (stamp, fact.seats)))
        case PspAdded():
            return replace(phase, psp=_add_psp(phase, fact, zone))
        case PspRemoved():
            return replace(phase, psp=_remove_psp(phase, fact, zone))
        case ContractAmended():
            agreed = _contract_psp(fact.terms, phase.opened, fact.order, zone)
            plans, terms = (*phase.plans, (stamp, fact.terms.plan)), (*phase.terms, (stamp, fact.terms))
            return replace(phase, plans=plans, terms=terms, psp=agreed)
    return replace(phase, end=_end(phase, fact, day))


def _end(phase: Phase, fact: Change, day: date) -> date | None:
    """Give the end of a phase after a fact: a cancelled one ends with what is paid or signed for (section 10)."""
    match fact:
        case TrialExtended():
            return (phase.end or phase.start) + timedelta(days=phase.book.trial_extension_days)
        case Cancelled() | ContractEnded():
            return phase.term_of(day).end
        case Resumed():
            return None
        case Ended():
            return day
    return phase.end


def _renews_at(phase: Phase, fact: RenewalSet, zone: ZoneInfo) -> Stamp:
    return opening_stamp(phase.term_of(local_day(fact.at, zone)).end, zone)


def _renewed(found: list[Phase], due: RenewalSet, zone: ZoneInfo) -> list[Phase]:
    """Let what was set for the renewal take effect as the next term opens (section 7)."""
    phase = found[-1]
    if phase.kind is not PhaseKind.YEARLY or phase.end is not None:
        return found
    renewal = phase.term_of(local_day(due.at, zone)).end
    stamp = opening_stamp(renewal, zone)
    plan = due.plan or phase.plan_before(stamp)[1]
    keeps_psp = due.is_psp is not False
    if due.is_monthly:
        ended = replace(phase, end=renewal, closed=stamp)
        spans = tuple(replace(span, added=stamp) for span in phase.psp if span.until is None and keeps_psp)
        plans = ((stamp, plan),)
        monthly = Phase(PhaseKind.MONTHLY, phase.anchor, renewal, None, stamp, phase.book, plans, spans)
        return [*found[:-1], ended, monthly]
    changed = phase
    before = scheduled_stamp(renewal, zone)
    if due.plan:
        changed = replace(changed, plans=(*changed.plans, (before, plan)))
    if due.seats is not None:
        changed = replace(changed, purchases=(*changed.purchases, (before, due.seats)))
    if not keeps_psp:
        spans = tuple(replace(span, until=span.until or renewal) for span in changed.psp)
        changed = replace(changed, psp=spans)
    return [*found[:-1], changed]


def _add_psp(phase: Phase, fact: PspAdded, zone: ZoneInfo) -> tuple[PspSpan, ...]:
    """Begin a span, or lift the end of the one that still runs (section 6)."""
    if phase.psp and phase.psp[-1].covers(fact.at, zone):
        return (*phase.psp[:-1], replace(phase.psp[-1], until=None))
    return (*phase.psp, PspSpan(_stamp(fact), None, fact.order))


def _remove_psp(phase: Phase, fact: PspRemoved, zone: ZoneInfo) -> tuple[PspSpan, ...]:
    """End the running span with the period the removal falls in (section 6)."""
    if not phase.psp or not phase.psp[-1].covers(fact.at, zone):
        return phase.psp
    until = phase.month_of(local_day(fact.at, zone)).end
    return (*phase.psp[:-1], replace(phase.psp[-1], until=until))
