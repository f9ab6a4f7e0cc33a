"""The demo's people as its story leaves them: whom a newcomer can sign in as."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from workers.demo.actions import Accept, Invite, Leave, OpenWorkspace, Switch
from workers.demo.story import MAIL, STORY


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """A person with a place in one workspace."""

    name: str
    workspace: str
    role: str
    seat: str = "FULL"
    is_active: bool = False

    @property
    def email(self) -> str:
        """The address."""
        return address(self.name, MAIL)

    @property
    def about(self) -> str:
        """What one should know before being them, in a line."""
        state = f"{self.seat.lower()} seat" if self.is_active else "invited, not there yet"
        return f"{self.role.lower()} of {self.workspace}, {state}"


def address(person: str, mail: str) -> str:
    """Give somebody's address at a company."""
    return f"{person.lower().replace(' ', '.')}@{mail}"


def people() -> list[DemoPerson]:
    """Give everybody who has not left, those with the most to do first."""
    found: dict[str, DemoPerson] = {}
    for _, action in STORY:
        for person in _met(action, found):
            found[person.name] = person
        if isinstance(action, Leave):
            del found[action.person]
    return sorted(found.values(), key=lambda each: (each.role == "MEMBER", not each.is_active))


def _met(action: object, known: dict[str, DemoPerson]) -> Iterator[DemoPerson]:
    match action:
        case OpenWorkspace():
            yield DemoPerson(action.by, action.name, "ADMIN", is_active=True)
        case Invite():
            for name in action.people:
                yield DemoPerson(name, action.workspace, action.role, action.seat)
        case Accept():
            for name in action.people:
                before = known[name]
                yield DemoPerson(name, before.workspace, before.role, before.seat, is_active=True)
        case Switch():
            before = known[action.person]
            yield DemoPerson(action.person, before.workspace, before.role, action.seat, before.is_active)
        case _:
            pass
