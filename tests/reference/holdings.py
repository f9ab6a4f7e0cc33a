"""Who has which seat now, and who held a full one on this day only (section 4)."""

from __future__ import annotations

from dataclasses import dataclass, field

from .actions import Accept, Remove, Switch


@dataclass(slots=True)
class Holdings:
    """Teammates by seat. `begun_today`: full since today; `only_today`: and over already."""

    full: set[str] = field(default_factory=set)
    lite: set[str] = field(default_factory=set)
    begun_today: set[str] = field(default_factory=set)
    only_today: set[str] = field(default_factory=set)

    def open_day(self) -> None:
        """Begin a day on which nothing has begun or ended."""
        self.begun_today, self.only_today = set(), set()

    def of_today(self) -> int:
        """Count the teammates with a full seat today, each once."""
        return len(self.full | self.only_today)

    def apply(self, action: Accept | Switch | Remove, *, is_paying: bool) -> None:
        """Let a seat begin, change or end. What is over before a subscription is not held."""
        teammate = action.teammate
        is_full = not isinstance(action, Remove) and action.seat == "FULL"
        if teammate in self.full and not is_full:
            self.full.discard(teammate)
            if teammate in self.begun_today and is_paying:
                self.only_today.add(teammate)
            self.begun_today.discard(teammate)
        elif teammate not in self.full and is_full:
            self.full.add(teammate)
            self.begun_today.add(teammate)
        self.lite.discard(teammate)
        if not isinstance(action, Remove) and not is_full:
            self.lite.add(teammate)
