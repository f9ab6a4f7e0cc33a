"""Who calls: every request carries `Authorization: Bearer`, with a key of ours or the token of a person.

A key looked up is remembered for a few seconds. A token says who it is and nothing more: where that person is a teammate
is read anew each time, so that a role taken is gone with the next request.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from adapters.oidc.keys import EMPTY_SECONDS, IssuerAwayError
from adapters.oidc.tokens import Issuer, TokenRefusedError, looks_like_token
from api.errors import unauthenticated, unavailable
from api.lastuses import LastUses
from api.rates import Rates
from services.apikeys import caller_of
from services.callers import Caller, caller_of_person

log = logging.getLogger("prorata.api")

REMEMBERED_FOR = timedelta(seconds=5)
MOST_REMEMBERED = 10_000
LONGEST_KEY = 200
NOT_A_KEY: Final = "The key is not one of ours, has expired, or was revoked."
NOT_A_TOKEN: Final = "The token is not good here, or not any more. Sign in again for another."  # noqa: S105  a sentence


@dataclass(slots=True)
class Keys:
    """Finds callers by what they bear. A revoked key opens nothing once what is remembered of it is old.

    Without an issuer, tokens of people are not taken.
    """

    sessions: async_sessionmaker[AsyncSession]
    pepper: str
    rates: Rates
    uses: LastUses
    issuer: Issuer | None = None
    _remembered: OrderedDict[bytes, tuple[datetime, Caller]] = field(default_factory=OrderedDict)

    async def bearer(self, authorization: str, *, wall: datetime, address: str) -> Caller:
        """Give the caller that the text of an Authorization header names.

        Raises UNAUTHENTICATED if it names none, UNAVAILABLE if that cannot be told now. An address from which too many
        keys and tokens were wrong gets TOO_MANY_REQUESTS for every key that is not known here.
        """
        scheme, _, borne = authorization.partition(" ")
        borne = borne.strip()
        if scheme.lower() != "bearer" or not borne:
            raise unauthenticated(
                "Send a key or a person's token: `Authorization: Bearer pr_...`. `prorata keys create` makes a key."
            )
        if looks_like_token(borne):
            return await self._person(borne, wall=wall, address=address)
        return await self._key(borne, wall=wall, address=address)

    async def close(self) -> None:
        """Write what is not written yet, and let go of the issuer."""
        await self.uses.close()
        if self.issuer is not None:
            await self.issuer.keys.close()

    async def _person(self, token: str, *, wall: datetime, address: str) -> Caller:
        if self.issuer is None:
            raise unauthenticated("This installation takes no tokens of people; send a key.")
        try:
            person = await self.issuer.person(token, now=wall)
        except TokenRefusedError as refused:
            log.info("a token was refused: %s", refused)
            await self.rates.blame(address)
            raise unauthenticated(NOT_A_TOKEN) from None
        except IssuerAwayError:
            raise unavailable(
                "Tokens cannot be checked now, because their issuer does not answer. Try again in some seconds.",
                seconds=int(EMPTY_SECONDS),
            ) from None
        async with self.sessions() as session:
            return await caller_of_person(session, email=person.email, name=person.name)

    async def _key(self, key: str, *, wall: datetime, address: str) -> Caller:
        if len(key) > LONGEST_KEY:
            raise unauthenticated(NOT_A_KEY)
        digest = sha256(key.encode(errors="surrogatepass")).digest()
        remembered = self._remembered.get(digest)
        if remembered and wall - remembered[0] < REMEMBERED_FOR:
            return remembered[1]
        if remembered is None:
            await self.rates.admit(address)

        async with self.sessions() as session:
            caller = await caller_of(session, key=key, pepper=self.pepper, now=wall)
        if caller is None:
            self._remembered.pop(digest, None)
            await self.rates.blame(address)
            raise unauthenticated(NOT_A_KEY)
        self._remembered[digest] = (wall, caller)
        self._remembered.move_to_end(digest)
        if len(self._remembered) > MOST_REMEMBERED:
            self._remembered.popitem(last=False)
        self.uses.note(caller.id, wall)
        return caller
