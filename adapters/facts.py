"""Subscription facts to rows and back: the kind names the fact, the payload holds its own fields."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

import msgspec

from adapters.tables.subscriptions import SubscriptionFact
from domain.facts import (
    BookMigrated,
    Cancelled,
    ContractAmended,
    ContractEnded,
    ContractSigned,
    ConversionChosen,
    EarlyStageStarted,
    Ended,
    Fact,
    PlanChanged,
    PspAdded,
    PspRemoved,
    RenewalSet,
    Resumed,
    SeatsPurchased,
    Started,
    TrialExtended,
    TrialStarted,
    YearlyStarted,
)

KINDS: Final[dict[str, type[Fact]]] = {
    "TRIAL_STARTED": TrialStarted,
    "TRIAL_EXTENDED": TrialExtended,
    "CONVERSION_CHOSEN": ConversionChosen,
    "STARTED": Started,
    "YEARLY_STARTED": YearlyStarted,
    "EARLY_STAGE_STARTED": EarlyStageStarted,
    "CONTRACT_SIGNED": ContractSigned,
    "CONTRACT_AMENDED": ContractAmended,
    "CONTRACT_ENDED": ContractEnded,
    "PLAN_CHANGED": PlanChanged,
    "SEATS_PURCHASED": SeatsPurchased,
    "PSP_ADDED": PspAdded,
    "PSP_REMOVED": PspRemoved,
    "RENEWAL_SET": RenewalSet,
    "BOOK_MIGRATED": BookMigrated,
    "CANCELLED": Cancelled,
    "RESUMED": Resumed,
    "ENDED": Ended,
}
_NAMES: Final = {fact: name for name, fact in KINDS.items()}
_COLUMNS: Final = ("at", "order")


def kind_of(fact: Fact) -> str:
    """Name the kind under which a fact is stored."""
    return _NAMES[type(fact)]


def payload_of(fact: Fact) -> dict[str, Any]:
    """Give the fields of a fact that have no column of their own."""
    return {name: value for name, value in asdict(fact).items() if name not in _COLUMNS}


def fact_of(row: SubscriptionFact) -> Fact:
    """Read a stored fact back."""
    return msgspec.convert({**row.payload, "at": row.at, "order": row.position}, KINDS[row.kind])
