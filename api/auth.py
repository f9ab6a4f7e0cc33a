"""Who calls: every request carries `Authorization: Bearer <key>`; a key looked up is remembered for a few seconds."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from api.errors import unauthenticated
from api.rates import Rates
from services.apikeys import caller_of
from services.callers import Caller

REMEMBERED_FOR = timedelta(seconds=5)
MOST_REMEMBERED = 10_000
LONGEST_KEY = 200


@dataclass(slots=True)
class Keys:
    """Finds callers by their keys. A revoked key opens nothing once what is remembered of it is old."""

    sessions: async_sessionmaker[AsyncSession]
    pepper: str
    rates: Rates
    _remembered: OrderedDict[bytes, tuple[datetime, Caller]] = field(default_factory=OrderedDict)

    async def bearer(self, authorization: str, *, wall: datetime, address: str) -> Caller:
        """Give the caller that the text of an Authorization header names; raises UNAUTHENTICATED if it names none.

        An address from which too many keys were wrong gets TOO_MANY_REQUESTS for every key that is not known here.
        """
        scheme, _, key = authorization.partition(" ")
        key = key.strip()
        if scheme.lower() != "bearer" or not key:
            raise unauthenticated(
                "Send a key: `Authorization: Bearer pr_...`. `prorata keys create` makes one."
            )
        if len(key) > LONGEST_KEY:
            raise unauthenticated("The key is not one of ours, or it was revoked.")
        digest = sha256(key.encode(errors="surrogatepass")).digest()
        remembered = self._remembered.get(digest)
        if remembered and wall - remembered[0] < REMEMBERED_FOR:
            return remembered[1]
        if remembered is None:
            await self.rates.admit(address)

        async with self.sessions() as session:
            caller = await caller_of(session, key=key, pepper=self.pepper)
        if caller is None:
            self._remembered.pop(digest, None)
            await self.rates.blame(address)
            raise unauthenticated("The key is not one of ours, or it was revoked.")
        self._remembered[digest] = (wall, caller)
        self._remembered.move_to_end(digest)
        if len(self._remembered) > MOST_REMEMBERED:
            self._remembered.popitem(last=False)
        return caller
