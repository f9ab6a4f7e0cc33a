"""Misbehaviour on order: a queue of faults, each used up by the next request or webhook it is meant for.

| Kind          | What happens to the next request of `target`                                       |
|---------------|------------------------------------------------------------------------------------|
| `status`      | answered with `status`, nothing done; with `after`, done first                     |
| `delay`       | answered `seconds` late, done after waiting; with `after`, done before waiting      |
| `drop_before` | the connection is cut, nothing done                                                |
| `drop_after`  | done, then the connection is cut                                                   |

| Kind          | What happens to the next webhooks                                                  |
|---------------|------------------------------------------------------------------------------------|
| `duplicate`   | the next one is sent `n` times more; with `other_id`, each copy under an id of its own |
| `shuffle`     | the next `n` are held (two seconds at most) and sent last first                    |
| `forged`      | before the next one comes a copy that turns a "no" into a "yes", wrongly signed    |

A delay without `after` is the worst of them: the client gives up, asks, hears that nothing happened, and then it does.
"""

from typing import Annotated, Literal

import msgspec

Target = Literal["charge", "find", "attach", "customer", "give_up", "refund", "page"]
WebhookKind = Literal["duplicate", "shuffle", "forged"]
WEBHOOK_KINDS = frozenset({"duplicate", "shuffle", "forged"})


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One order to misbehave. Each kind reads the fields its row names."""

    kind: Literal["status", "delay", "drop_before", "drop_after"] | WebhookKind
    target: Target = "charge"
    status: Annotated[int, msgspec.Meta(ge=400, le=599)] = 503
    seconds: Annotated[float, msgspec.Meta(ge=0, le=600)] = 1.0
    after: bool = False
    n: Annotated[int, msgspec.Meta(ge=1, le=100)] = 1
    other_id: bool = False


class Faults:
    """The queue, first in first out for each thing it is meant for."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def order(self, faults: list[Fault]) -> None:
        """Add faults to the end."""
        self._waiting += faults

    def clear(self) -> None:
        """Forget all that are waiting."""
        self._waiting.clear()

    def waiting(self) -> list[Fault]:
        """Return the faults not used up yet."""
        return list(self._waiting)

    def for_request(self, target: Target) -> Fault | None:
        """Return and use up the next fault meant for such a request."""
        return self._take(
            {fault for fault in self._waiting if fault.kind not in WEBHOOK_KINDS and fault.target == target}
        )

    def for_webhook(self) -> Fault | None:
        """Return and use up the next fault meant for a webhook."""
        return self._take({fault for fault in self._waiting if fault.kind in WEBHOOK_KINDS})

    def _take(self, wanted: set[Fault]) -> Fault | None:
        for place, fault in enumerate(self._waiting):
            if fault in wanted:
                return self._waiting.pop(place)
        return None
