"""People of a company who call with real tokens: one for each role and seat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.api.inputs import Ids
from tests.application import Api
from tests.issuing import Issuer

ROLES = ("ADMIN", "BILLING", "PEOPLE", "DEVELOPER", "AUDITOR", "MEMBER")
SEATS = ("FULL", "LITE")


@dataclass(frozen=True, slots=True)
class Crew:
    """A company with everything, and its people by role and seat."""

    ids: Ids
    people: dict[tuple[str, str], Api]


async def crew(operator: Api, issuer: Issuer, ids: Ids) -> Crew:
    """Have a person of each role and seat join a company's workspace."""
    people = {}
    for role in ROLES:
        for seat in SEATS:
            email = f"{role}.{seat}@example.com".lower()
            await join(operator, ids.workspace, email, role=role, seat=seat)
            people[role, seat] = operator.with_key(issuer.token(email))
    return Crew(ids, people)


async def invite(
    operator: Api, workspace: str, email: str, *, role: str = "MEMBER", seat: str = "FULL"
) -> str:
    """Invite somebody and give the teammate's id."""
    invited = await operator.do(
        "teammateInvite",
        "teammate { id }",
        workspaceId=workspace,
        name=email.partition("@")[0],
        email=email,
        seat=seat,
        role=role,
    )
    teammate: str = invited["teammate"]["id"]
    return teammate


async def join(operator: Api, workspace: str, email: str, *, role: str = "MEMBER", seat: str = "FULL") -> str:
    """Invite somebody who accepts, and give the teammate's id."""
    teammate = await invite(operator, workspace, email, role=role, seat=seat)
    accepted = await operator.do("seatAccept", "teammate { id }", teammateId=teammate)
    assert "message" not in accepted, accepted
    return teammate


async def open_workspace(operator: Api, account: str, *, by: str = "opener@example.com") -> str:
    """Open another workspace of an account and give its id."""
    opened = await operator.do(
        "workspaceCreate",
        "workspace { id }",
        accountId=account,
        name="Another",
        creatorName="Opener",
        creatorEmail=by,
    )
    workspace: str = opened["workspace"]["id"]
    return workspace


def codes(answer: dict[str, Any]) -> set[str]:
    """Give the codes of the errors of an answer."""
    return {error["extensions"]["code"] for error in answer.get("errors", [])}
