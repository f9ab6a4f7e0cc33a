"""Whatever is sent, in whatever order and at once: totals are the sum of the events less those taken back."""

import asyncio
import random
from collections import Counter

import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from adapters.ingest import EventRow, Recorded
from adapters.takebacks import TakeBack
from tests.adapters.sending import Sender, event, new_sender, resolution

DEADLOCK = "40P01"
CHANNELS = ("POST", "MOBILE_PUSH", "SURVEY")


def _random_event(chance: random.Random, *, ids: int) -> EventRow:
    """One of few ids, so that repeats, contradictions and rivals for a conversation are common."""
    event_id, day = f"e{chance.randrange(ids)}", chance.randint(1, 4)
    match chance.randrange(4):
        case 0:
            return event(event_id, day=day, metric="MESSAGES_SENT", channel=chance.choice(CHANNELS))
        case 1:
            return event(event_id, day=day, quantity=chance.randint(1, 5))
        case _:
            return resolution(event_id, f"c{chance.randrange(ids // 4)}", day=day)


async def _retried(sender: Sender, batch: list[EventRow]) -> tuple[Recorded, ...]:
    while True:
        try:
            return await sender.send(*batch)
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != DEADLOCK:
                raise


@pytest.mark.parametrize("seed", range(12))
async def test_one_after_the_other(sessions: async_sessionmaker[AsyncSession], seed: int) -> None:
    chance = random.Random(seed)
    sender = await new_sender(sessions)
    content: dict[str, EventRow] = {}
    standing: dict[str, str] = {}
    taken_back: set[str] = set()

    for _ in range(25):
        batch = [_random_event(chance, ids=60) for _ in range(chance.randint(1, 30))]
        known_before = set(content)
        for sent, outcome in zip(batch, await sender.send(*batch), strict=True):
            conversation = sent.conversation_id
            if sent.event_id in content:
                same = content[sent.event_id] == sent
                assert outcome is (Recorded.DUPLICATE if same else Recorded.CONFLICT)
            elif conversation is not None and conversation in standing:
                assert outcome in {Recorded.ALREADY_RESOLVED, Recorded.CONFLICT}
            elif outcome is Recorded.CONFLICT:
                # Only what was turned away earlier in this very batch is not looked at anew.
                assert sent.event_id not in known_before
                assert sum(each.event_id == sent.event_id for each in batch) > 1
            else:
                assert outcome is Recorded.ACCEPTED
                content[sent.event_id] = sent
                if conversation is not None:
                    standing[conversation] = sent.event_id
        victim = f"e{chance.randrange(60)}"
        result = await sender.take_back(victim)
        if victim not in content:
            assert result.outcome is TakeBack.UNKNOWN_EVENT
        elif victim in taken_back:
            assert result.outcome is TakeBack.ALREADY_TAKEN_BACK
        else:
            assert result.outcome is TakeBack.TAKEN_BACK
            taken_back.add(victim)
            standing = {conversation: stands for conversation, stands in standing.items() if stands != victim}

    assert await sender.stored() == sorted(content)
    assert await sender.standing() == standing == await sender.standing_recomputed()
    assert await sender.totals() == await sender.totals_recomputed()


@pytest.mark.parametrize("seed", range(8))
async def test_all_at_once(sessions: async_sessionmaker[AsyncSession], seed: int) -> None:
    chance = random.Random(seed)
    sender = await new_sender(sessions)
    batches = [[_random_event(chance, ids=120) for _ in range(40)] for _ in range(24)]
    victims = [f"e{chance.randrange(120)}" for _ in range(24)]
    accepted: Counter[str] = Counter()
    taken_back: Counter[str] = Counter()

    async def work(share: int) -> None:
        for batch, victim in zip(batches[share::6], victims[share::6], strict=True):
            for sent, outcome in zip(batch, await _retried(sender, batch), strict=True):
                accepted[sent.event_id] += outcome is Recorded.ACCEPTED
            taken_back[victim] += (await sender.take_back(victim)).outcome is TakeBack.TAKEN_BACK

    await asyncio.gather(*(work(share) for share in range(6)))

    assert sorted(accepted.elements()) == await sender.stored()
    assert max(accepted.values()) == max(taken_back.values()) == 1
    assert await sender.totals() == await sender.totals_recomputed()
    assert await sender.standing() == await sender.standing_recomputed()
