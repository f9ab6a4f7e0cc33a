"""An event counts once, a conversation has one standing resolution, and the totals always agree."""

import asyncio

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from adapters.ids import new_id
from adapters.ingest import Ingested, Recorded, record_events
from adapters.takebacks import TakeBack, TakeBackResult
from tests.adapters import rows
from tests.adapters.sending import Sender, event, new_sender, resolution, sms

Sessions = async_sessionmaker[AsyncSession]
ACCEPTED, DUPLICATE = Recorded.ACCEPTED, Recorded.DUPLICATE
CONFLICT, ALREADY_RESOLVED = Recorded.CONFLICT, Recorded.ALREADY_RESOLVED


@pytest_asyncio.fixture
async def sender(sessions: Sessions) -> Sender:
    return await new_sender(sessions)


async def test_counts_events_by_metric_day_and_channel(sender: Sender) -> None:
    outcomes = await sender.send(
        event("a", quantity=3),
        event("b", quantity=4),
        event("c", day=2),
        event("d", metric="MESSAGES_SENT", channel="POST"),
        event("e", metric="MESSAGES_SENT", channel="SURVEY", quantity=2),
        event("f", metric="PHONE_MINUTE", quantity=155, units=3),
    )

    assert outcomes == (ACCEPTED,) * 6
    assert await sender.totals() == [
        ("MESSAGES_SENT", 1, "POST", 1, 1),
        ("MESSAGES_SENT", 1, "SURVEY", 2, 1),
        ("PHONE_MINUTE", 1, "", 3, 1),
        ("SMS_SEGMENT", 1, "", 7, 2),
        ("SMS_SEGMENT", 2, "", 1, 1),
    ]


async def test_keeps_everything_the_sender_said(sender: Sender) -> None:
    said = event(
        "a", metric="PHONE_MINUTE", quantity=155, units=3, properties={"to": "+353", "tags": ["€", None]}
    )

    await sender.send(said)

    async with sender.sessions() as session:
        stored = (
            await session.execute(
                text("SELECT * FROM usage_events WHERE workspace_id = :workspace"),
                {"workspace": sender.workspace_id},
            )
        ).one()
    assert (stored.quantity, stored.units, stored.at, stored.day) == (155, 3, said.at, said.day)
    assert (stored.fingerprint, stored.recorded_at) == (said.fingerprint, rows.NOW)
    assert stored.properties == said.properties


async def test_counts_an_event_sent_again_once(sender: Sender) -> None:
    await sender.send(event("a"))

    outcomes = await sender.send(event("a"), event("b"))

    assert outcomes == (DUPLICATE, ACCEPTED)
    assert await sender.totals() == [("SMS_SEGMENT", 1, "", 2, 2)]


async def test_tells_of_another_event_under_a_known_id(sender: Sender) -> None:
    await sender.send(event("a"))

    outcomes = await sender.send(event("a", quantity=2), event("a"))

    assert outcomes == (CONFLICT, DUPLICATE)
    assert await sender.totals() == [("SMS_SEGMENT", 1, "", 1, 1)]


async def test_the_first_of_one_id_in_a_batch_counts(sender: Sender) -> None:
    outcomes = await sender.send(event("b"), event("a"), event("a"), event("a", quantity=2), event("b"))

    assert outcomes == (ACCEPTED, ACCEPTED, DUPLICATE, CONFLICT, DUPLICATE)
    assert await sender.totals() == [("SMS_SEGMENT", 1, "", 2, 2)]


async def test_one_id_in_two_workspaces_is_two_events(sessions: Sessions, sender: Sender) -> None:
    other = await new_sender(sessions)

    assert await sender.send(event("a")) == await other.send(event("a", quantity=2)) == (ACCEPTED,)


async def test_says_the_first_day_whose_total_was_raised(sender: Sender) -> None:
    await sender.send(event("known", day=1))
    where = {"account_id": sender.account_id, "workspace_id": sender.workspace_id}

    async with sender.sessions.begin() as session:
        batch = [event("known", day=1), event("c", day=9), event("b", day=5)]
        ingested = await record_events(session, **where, rows=batch, recorded_at=rows.NOW)
        again = await record_events(session, **where, rows=batch, recorded_at=rows.NOW)
        nothing = await record_events(session, **where, rows=[], recorded_at=rows.NOW)

    assert ingested == Ingested((DUPLICATE, ACCEPTED, ACCEPTED), event("b", day=5).day)
    assert again == Ingested((DUPLICATE,) * 3, None)
    assert nothing == Ingested((), None)


async def test_refuses_a_workspace_that_does_not_exist(sender: Sender) -> None:
    stranger = Sender(sender.sessions, sender.account_id, new_id())

    with pytest.raises(IntegrityError, match="fk_usage_days_workspaces"):
        await stranger.send(event("a"))

    assert await stranger.stored() == []


async def test_a_conversation_has_one_standing_resolution(sender: Sender) -> None:
    first = await sender.send(resolution("a", "c-1"), resolution("b", "c-2"))

    second = await sender.send(resolution("c", "c-1"), resolution("a", "c-1"), event("sms"))

    assert first == (ACCEPTED, ACCEPTED)
    assert second == (ALREADY_RESOLVED, DUPLICATE, ACCEPTED)
    assert await sender.standing() == {"c-1": "a", "c-2": "b"}
    assert await sender.stored() == ["a", "b", "sms"]


async def test_the_first_resolution_of_a_conversation_in_a_batch_stands(sender: Sender) -> None:
    outcomes = await sender.send(
        resolution("z", "c-1"), resolution("a", "c-1"), resolution("a", "c-1"), resolution("a", "c-9")
    )

    assert outcomes == (ACCEPTED, ALREADY_RESOLVED, ALREADY_RESOLVED, CONFLICT)
    assert await sender.standing() == {"c-1": "z"}
    assert await sender.totals() == [("FIN_RESOLUTION", 1, "", 1, 1)]


async def test_a_known_id_does_not_claim_another_conversation(sender: Sender) -> None:
    await sender.send(resolution("a", "c-1"), event("sms"))

    outcomes = await sender.send(resolution("a", "c-2"), resolution("sms", "c-3"), resolution("b", "c-2"))

    assert outcomes == (CONFLICT, CONFLICT, ACCEPTED)
    assert await sender.standing() == {"c-1": "a", "c-2": "b"}


async def test_takes_an_event_back_once(sender: Sender) -> None:
    await sender.send(
        event("a", day=3, metric="MESSAGES_SENT", channel="POST", quantity=5),
        event("b", day=3, metric="MESSAGES_SENT", channel="POST"),
    )

    first, second = await sender.take_back("a"), await sender.take_back("a")

    day = event("a", day=3).day
    assert first == TakeBackResult(TakeBack.TAKEN_BACK, day=day, metric="MESSAGES_SENT")
    assert second == TakeBackResult(TakeBack.ALREADY_TAKEN_BACK, day=day, metric="MESSAGES_SENT")
    assert await sender.totals() == [("MESSAGES_SENT", 3, "POST", 1, 1)]


async def test_says_that_an_event_to_take_back_is_unknown(sender: Sender) -> None:
    assert await sender.take_back("a") == TakeBackResult(TakeBack.UNKNOWN_EVENT)


async def test_a_conversation_taken_back_may_be_resolved_anew(sender: Sender) -> None:
    await sender.send(resolution("a", "c-1"))

    taken_back = await sender.take_back("a")
    outcomes = await sender.send(resolution("a", "c-1"), resolution("b", "c-1"))
    late = await sender.take_back("a")

    assert taken_back.outcome == TakeBack.TAKEN_BACK
    assert outcomes == (DUPLICATE, ACCEPTED)
    assert late.outcome == TakeBack.ALREADY_TAKEN_BACK
    assert await sender.standing() == {"c-1": "b"}
    assert await sender.totals() == [("FIN_RESOLUTION", 1, "", 1, 1)]


async def test_another_event_about_a_conversation_leaves_its_resolution_standing(sender: Sender) -> None:
    await sender.send(resolution("a", "c-1"), event("sms", conversation_id="c-1"))

    await sender.take_back("sms")

    assert await sender.standing() == {"c-1": "a"}


async def test_batches_sent_at_once_count_an_event_once(sender: Sender) -> None:
    ids = [f"e{each}" for each in range(200)]

    sent = await asyncio.gather(
        *(sender.send(*sms(ids[start:] + ids[:start])) for start in range(0, 200, 25))
    )

    outcomes = [outcome for batch in sent for outcome in batch]
    assert (outcomes.count(ACCEPTED), outcomes.count(DUPLICATE)) == (200, 1400)
    assert await sender.totals() == [("SMS_SEGMENT", 1, "", 200, 200)]


async def test_resolutions_sent_at_once_leave_one_standing(sender: Sender) -> None:
    batches = [
        [resolution(f"{batch}-{each}", f"c-{(each * 7 + batch) % 50}") for each in range(50)]
        for batch in range(8)
    ]

    sent = await asyncio.gather(*(sender.send(*batch) for batch in batches))

    outcomes = [outcome for batch in sent for outcome in batch]
    assert (outcomes.count(ACCEPTED), outcomes.count(ALREADY_RESOLVED)) == (50, 350)
    assert await sender.standing() == await sender.standing_recomputed()


async def test_waits_for_a_rival_and_sees_its_event_as_known(sender: Sender) -> None:
    async with sender.sessions.begin() as rival:
        await sender.send_in(rival, resolution("a", "c-1"))
        waiting = asyncio.create_task(sender.send(resolution("a", "c-1"), resolution("b", "c-1")))
        await asyncio.sleep(0.1)
        assert not waiting.done()

    assert await waiting == (DUPLICATE, ALREADY_RESOLVED)


async def test_takes_the_place_of_a_rival_that_gave_up(sender: Sender) -> None:
    async with sender.sessions() as rival:
        await sender.send_in(rival, resolution("a", "c-1"), event("sms"))
        waiting = asyncio.create_task(sender.send(resolution("b", "c-1"), event("sms")))
        await asyncio.sleep(0.1)
        await rival.rollback()

    assert await waiting == (ACCEPTED, ACCEPTED)
    assert await sender.standing() == {"c-1": "b"}


async def test_gives_up_a_claim_whose_event_a_rival_recorded(sender: Sender) -> None:
    # The rival records "a" for another conversation, so our claim on c-2 succeeds before our insert waits.
    async with sender.sessions.begin() as rival:
        await sender.send_in(rival, resolution("a", "c-1"))
        waiting = asyncio.create_task(
            sender.send(resolution("a", "c-2"), resolution("b", "c-2"), event("sms"))
        )
        await asyncio.sleep(0.1)
        assert not waiting.done()

    assert await waiting == (CONFLICT, ACCEPTED, ACCEPTED)
    assert await sender.standing() == {"c-1": "a", "c-2": "b"}
    assert await sender.totals() == await sender.totals_recomputed()


async def test_an_event_is_taken_back_once_by_many_at_once(sender: Sender) -> None:
    await sender.send(resolution("a", "c-1"), resolution("b", "c-2"))

    results = await asyncio.gather(*(sender.take_back("a") for _ in range(8)))

    assert [result.outcome for result in results].count(TakeBack.TAKEN_BACK) == 1
    assert await sender.totals() == [("FIN_RESOLUTION", 1, "", 1, 1)]
    assert await sender.standing() == {"c-2": "b"}
