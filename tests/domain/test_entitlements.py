"""Entitlements: whether a channel may be used now, and the first reason why not."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from domain.entitlements import Barrier, Entitlement, Standing, entitlements
from domain.facts import (
    ConversionChosen,
    Ended,
    Fact,
    PspAdded,
    PspRemoved,
    Started,
    TrialStarted,
)
from domain.folding import phases
from domain.limits import FIN_HANDOVER, Limit
from domain.pricebook import Metric, Plan
from tests.domain.builders import BOOK, BOOKS, UTC_ZONE, at, on

SEPTEMBER, OCTOBER = on("2026-09-01"), on("2026-10-01")
NOW = at("2026-09-15")
PAID = Started(at("2026-09-01"), Plan.ESSENTIAL, False, BOOK.version, order=1)
WITH_PSP = replace(PAID, is_psp=True)
TRIAL = TrialStarted(at("2026-09-10"), Plan.EXPERT, BOOK.version, order=1)


def standing(*facts: Fact, now: datetime = NOW) -> Standing:
    """Say where an account stands."""
    return Standing(phases(facts, UTC_ZONE, BOOKS), now, UTC_ZONE)


def of(metric: Metric, given: Standing) -> Entitlement:
    """Give the answer for one metric."""
    return {each.metric: each for each in entitlements(given)}[metric]


def barrier(metric: Metric, given: Standing) -> Barrier | None:
    """Give why not."""
    return of(metric, given).barrier


def test_a_paid_subscription_with_the_add_on_may_use_everything() -> None:
    answers = entitlements(standing(WITH_PSP))

    assert [answer.metric for answer in answers] == list(Metric)
    assert all(answer.is_allowed and answer.message is None for answer in answers)


@pytest.mark.parametrize(
    ("facts", "now", "message", "email"),
    [
        ((), NOW, Barrier.NO_SUBSCRIPTION, Barrier.NO_SUBSCRIPTION),
        ((PAID,), NOW, Barrier.NEEDS_PSP, None),
        ((PAID, PspAdded(at("2026-09-15", "11:59"), order=2)), NOW, None, None),
        ((PAID, PspAdded(at("2026-09-15", "12:01"), order=2)), NOW, Barrier.NEEDS_PSP, None),
        ((WITH_PSP, PspRemoved(at("2026-09-05"), order=2)), NOW, None, None),
        ((WITH_PSP, PspRemoved(at("2026-09-05"), order=2)), at("2026-10-01"), Barrier.NEEDS_PSP, None),
        ((TRIAL,), NOW, None, None),
        ((TRIAL,), at("2026-09-24", "00:00"), Barrier.SUBSCRIPTION_ENDED, Barrier.SUBSCRIPTION_ENDED),
        (
            (TRIAL, ConversionChosen(NOW, Plan.ESSENTIAL, False, order=2)),
            at("2026-09-23", "23:59"),
            None,
            None,
        ),
        (
            (WITH_PSP, Ended(at("2026-09-12"), order=2)),
            NOW,
            Barrier.SUBSCRIPTION_ENDED,
            Barrier.SUBSCRIPTION_ENDED,
        ),
    ],
)
def test_the_subscription_and_its_add_on_open_the_channels(
    facts: tuple[Fact, ...], now: datetime, message: Barrier | None, email: Barrier | None
) -> None:
    given = standing(*facts, now=now)

    assert barrier(Metric.MESSAGES_SENT, given) is message
    assert barrier(Metric.BULK_EMAIL, given) is email
    assert barrier(Metric.FIN_RESOLUTION, given) is email


def test_a_frozen_account_may_use_nothing() -> None:
    given = replace(standing(WITH_PSP), is_frozen=True)

    assert {answer.barrier for answer in entitlements(given)} == {Barrier.ACCOUNT_FROZEN}


@pytest.mark.parametrize(
    ("metric", "units", "expected"),
    [
        (Metric.BULK_EMAIL, 499, None),
        (Metric.BULK_EMAIL, 500, Barrier.TRIAL_CAP_REACHED),
        (Metric.MESSAGES_SENT, 500, Barrier.TRIAL_CAP_REACHED),
        (Metric.SMS_SEGMENT, 99, None),
        (Metric.SMS_SEGMENT, 100, Barrier.TRIAL_CAP_REACHED),
        (Metric.PHONE_MINUTE, 60, Barrier.TRIAL_CAP_REACHED),
        (Metric.FIN_RESOLUTION, 10**6, None),
    ],
)
def test_a_trial_is_blocked_at_its_caps(metric: Metric, units: int, expected: Barrier | None) -> None:
    assert barrier(metric, replace(standing(TRIAL), trial_units={metric: units})) is expected
    assert barrier(metric, replace(standing(WITH_PSP), trial_units={metric: units})) is None


OFF = Limit(100, is_disabled=True, cycle=SEPTEMBER)
CHANNEL = Metric.BULK_EMAIL


@pytest.mark.parametrize(
    ("account", "workspace", "expected"),
    [
        ({}, {CHANNEL: OFF}, Barrier.WORKSPACE_LIMIT_REACHED),
        ({CHANNEL: OFF}, {}, Barrier.ACCOUNT_LIMIT_REACHED),
        ({CHANNEL: OFF}, {CHANNEL: OFF}, Barrier.ACCOUNT_LIMIT_REACHED),
        ({Metric.SMS_SEGMENT: OFF}, {}, None),
        ({CHANNEL: replace(OFF, is_disabled=False)}, {}, None),
        ({CHANNEL: replace(OFF, cycle=on("2026-08-01"))}, {}, None),
        ({CHANNEL: Limit(0, is_disabled=True, cycle=on("2026-08-01"))}, {}, Barrier.ACCOUNT_LIMIT_REACHED),
    ],
)
def test_either_limit_stops_a_workspace(
    account: dict[Metric, Limit], workspace: dict[Metric, Limit], expected: Barrier | None
) -> None:
    given = replace(standing(WITH_PSP), account_limits=account, workspace_limits=workspace)

    assert barrier(CHANNEL, given) is expected


def test_a_limit_does_not_stop_a_trial() -> None:
    zero = {CHANNEL: Limit(0, is_disabled=True, cycle=on("2026-09-10"))}

    assert barrier(CHANNEL, replace(standing(TRIAL), workspace_limits=zero)) is None


def test_an_answer_says_why_and_until_when_and_what_becomes_of_fin() -> None:
    fin = Metric.FIN_RESOLUTION

    limited = of(fin, replace(standing(WITH_PSP), workspace_limits={fin: OFF}))
    closed = of(fin, replace(standing(WITH_PSP), account_limits={fin: Limit(0, is_disabled=True)}))

    assert limited.message == (
        "The workspace's hard limit is reached; raise it or turn it off. The new period enables it on 1 Oct 2026 "
        f"(2026-10-01 00:00 UTC). {FIN_HANDOVER}"
    )
    assert closed.message is not None
    assert "A limit of 0 stays in force" in closed.message
