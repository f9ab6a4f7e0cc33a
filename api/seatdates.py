"""Dates of seats corrected by staff: when a teammate really accepted or was removed."""

from __future__ import annotations

from datetime import date

import strawberry

from api.changes import Change, alone, make, token_field
from api.context import Info
from api.idempotency import key_field
from api.nodes import must_reach
from api.results import mutation
from api.scalars import SafeString
from api.teammates import Teammate, teammate
from services import seatdates
from services.changes import PriceChanged
from services.seatdates import DatesOutOfOrder, NothingToCorrect
from services.seats import UnknownTeammate


@strawberry.input(description="When a teammate really accepted or was removed.")
class SeatDatesCorrectInput:
    """Input of seatDatesCorrect."""

    teammate_id: strawberry.ID = strawberry.field(description="The teammate.")
    accepted_on: date | None = strawberry.field(default=None, description="The date the seat was accepted.")
    removed_on: date | None = strawberry.field(default=None, description="The date the teammate was removed.")
    preview_token: str | None = token_field()
    idempotency_key: SafeString | None = key_field()


@strawberry.type(description="The teammate with the corrected dates.")
class SeatDatesCorrectPayload:
    """Payload of seatDatesCorrect."""

    teammate: Teammate = strawberry.field(description="The teammate.")


def seat_dates_correct_change(info: Info, input: SeatDatesCorrectInput) -> Change:
    """Plan to correct dates."""
    account_id, teammate_id = must_reach(info, input.teammate_id, "Teammate", UnknownTeammate)
    return Change(
        account_id,
        lambda s, a: alone(
            seatdates.correct_dates(
                s, a, teammate_id=teammate_id, accepted_on=input.accepted_on, removed_on=input.removed_on
            )
        ),
        unknown=UnknownTeammate,
    )


@mutation(
    payload=SeatDatesCorrectPayload,
    refusals=(UnknownTeammate, NothingToCorrect, DatesOutOfOrder, PriceChanged),
    description=(
        "Correct when a teammate really accepted or was removed; what was billed is adjusted on the next invoice. "
        "Needs an operator's key."
    ),
)
async def seat_dates_correct(info: Info, input: SeatDatesCorrectInput) -> SeatDatesCorrectPayload:
    """Correct dates."""
    row, _ = await make(info, seat_dates_correct_change(info, input), token=input.preview_token)
    return SeatDatesCorrectPayload(teammate=teammate(row))
