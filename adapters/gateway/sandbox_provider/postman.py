"""Webhooks out: signed, sent in the background, tried again a few times, and wrong on request.

First tries keep the order of events; a failed one is tried again beside the others, so no order is promised.
"""

import asyncio
import contextlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import uuid4

import httpx
import msgspec

from adapters.gateway.sandbox_provider.faults import Faults
from adapters.gateway.sandbox_provider.records import Charge, Refund
from adapters.gateway.webhooks import sign

TIMEOUT_SECONDS = 3.0
RETRY_DELAYS_SECONDS = (0.1, 0.3, 1.0, 3.0, 5.0)
HOLD_SECONDS = 2.0
FORGERS_KEY = b"not the secret anyone agreed on!"


@dataclass(frozen=True, slots=True)
class Letter:
    """A message to deliver. Its id stays the same on every try. A forged one is tried once, to be refused."""

    id: str
    body: bytes
    is_forged: bool = False


@dataclass(slots=True)
class Tally:
    """What became of the letters: all are pending first. A forgery that was accepted is a fault of the receiver."""

    pending: int = 0
    delivered: int = 0
    given_up: int = 0
    forgeries_refused: int = 0
    forgeries_accepted: int = 0


class Postman:
    """Delivers the events of charges and refunds to one URL, or nothing if it is empty."""

    def __init__(self, *, url: str, key: bytes, faults: Faults) -> None:
        self.tally = Tally()
        self._url = url
        self._key = key
        self._faults = faults
        self._outbox: asyncio.Queue[Charge | Refund] = asyncio.Queue()
        self._retries: set[asyncio.Task[None]] = set()

    def announce(self, subject: Charge | Refund) -> None:
        """Queue the event of a charge or a refund as it now is."""
        if self._url:
            self.tally.pending += 1
            self._outbox.put_nowait(subject)

    async def run(self) -> None:
        """Deliver until cancelled."""
        if not self._url:
            return
        async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False) as client:
            try:
                while True:
                    subjects, letters = await self._next_letters()
                    self.tally.pending += len(letters) - subjects
                    for letter in letters:
                        await self._first_try(client, letter)
            finally:
                for retry in self._retries:
                    retry.cancel()

    async def _next_letters(self) -> tuple[int, list[Letter]]:
        """Return how many things are announced next, and the letters that do so, as the next fault says."""
        subject = await self._outbox.get()
        fault = self._faults.for_webhook()
        if fault is None:
            return 1, [_letter(subject)]
        if fault.kind == "shuffle":
            subjects = [subject, *await self._hold(fault.n - 1)]
            return len(subjects), [_letter(each) for each in reversed(subjects)]
        letter = _letter(subject)
        if fault.kind == "forged":
            return 1, [replace(_letter(_as_success(subject)), is_forged=True), letter]
        copies = [replace(letter, id=_event_id()) if fault.other_id else letter for _ in range(fault.n)]
        return 1, [letter, *copies]

    async def _hold(self, count: int) -> list[Charge | Refund]:
        held: list[Charge | Refund] = []
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HOLD_SECONDS):
                while len(held) < count:
                    held.append(await self._outbox.get())
        return held

    async def _first_try(self, client: httpx.AsyncClient, letter: Letter) -> None:
        if await self._try(client, letter):
            return
        retry = asyncio.create_task(self._try_again(client, letter))
        self._retries.add(retry)
        retry.add_done_callback(self._retries.discard)

    async def _try_again(self, client: httpx.AsyncClient, letter: Letter) -> None:
        for delay in RETRY_DELAYS_SECONDS:
            await asyncio.sleep(delay)
            if await self._try(client, letter):
                return
        self.tally.pending -= 1
        self.tally.given_up += 1

    async def _try(self, client: httpx.AsyncClient, letter: Letter) -> bool:
        """Return whether the letter needs no other try."""
        timestamp = int(datetime.now(UTC).timestamp())
        key = FORGERS_KEY if letter.is_forged else self._key
        headers = {
            "content-type": "application/json",
            "webhook-id": letter.id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": sign(letter.body, key=key, message_id=letter.id, timestamp=timestamp),
        }
        try:
            response = await client.post(self._url, content=letter.body, headers=headers)
            is_accepted = response.is_success
        except httpx.HTTPError:
            is_accepted = False
        if letter.is_forged:
            self.tally.forgeries_accepted += is_accepted
            self.tally.forgeries_refused += not is_accepted
        self.tally.delivered += is_accepted and not letter.is_forged
        self.tally.pending -= is_accepted or letter.is_forged
        return is_accepted or letter.is_forged


def _letter(subject: Charge | Refund) -> Letter:
    name = "charge" if isinstance(subject, Charge) else "refund"
    event = {"type": f"{name}.{subject.status}", "timestamp": datetime.now(UTC), "data": {name: subject}}
    return Letter(id=_event_id(), body=msgspec.json.encode(event))


def _as_success(subject: Charge | Refund) -> Charge | Refund:
    if isinstance(subject, Charge):
        return msgspec.structs.replace(subject, status="succeeded", decline_code=None, url=None)
    return msgspec.structs.replace(subject, status="succeeded", refusal=None)


def _event_id() -> str:
    return f"evt_{uuid4().hex}"
