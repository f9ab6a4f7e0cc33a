"""Webhooks out: which addresses are public, how long a delivery is tried, and when an endpoint is lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from domain.webhooks import JITTER_PERCENT, WAITS, EventKind, is_endpoint_lost, is_public, wait_after

NOW = datetime(2026, 9, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "198.18.0.1",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:0:7f00:1::",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
    ],
)
def test_an_address_that_leads_inside_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "1.1.1.1", "100.63.255.255", "::ffff:1.1.1.1", "2606:4700::1111"]
)
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)


def test_a_delivery_is_tried_twelve_times_over_three_days_with_growing_waits() -> None:
    waits = [wait_after(attempts, percent=100) for attempts in range(1, 13)]

    assert waits == [*WAITS, None]
    assert waits[:3] == [timedelta(seconds=5), timedelta(minutes=1), timedelta(minutes=5)]
    assert list(WAITS) == sorted(WAITS)
    assert timedelta(days=2, hours=23) < sum(WAITS, timedelta()) < timedelta(days=3, hours=1)


def test_a_wait_is_up_to_a_tenth_longer_or_shorter() -> None:
    least, most = JITTER_PERCENT[0], JITTER_PERCENT[-1]

    assert wait_after(2, percent=least) == timedelta(seconds=54)
    assert wait_after(2, percent=most) == timedelta(seconds=66)


@pytest.mark.parametrize(
    ("days", "status", "is_lost"),
    [(0, 500, False), (4, None, False), (5, 500, True), (5, None, True), (0, 410, True)],
)
def test_an_endpoint_is_lost_after_five_days_or_when_it_is_gone(
    *, days: int, status: int | None, is_lost: bool
) -> None:
    failing_since = NOW - timedelta(days=days)

    assert is_endpoint_lost(failing_since=failing_since, now=NOW, status=status) is is_lost


def test_the_table_of_events_takes_every_kind() -> None:
    from adapters.tables.webhooks import EVENT_KINDS

    assert set(EVENT_KINDS) == {kind.value for kind in EventKind}
