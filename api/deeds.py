"""What the audit log tells of a mutation: who runs it by which permission, and its input without secrets."""

from __future__ import annotations

from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from typing import Any, Final

from strawberry import UNSET
from strawberry.utils.str_converters import to_camel_case

from adapters.logs import request_id
from api.authority import named
from api.permissions import Needs
from services.audit import HIDDEN, Deed, plain
from services.callers import Caller

UNTOLD: Final = frozenset({"usageRecord"})
"""Mutations whose every effect is a record kept for ever under the sender's id; on a chain they would queue."""

SECRET: Final = frozenset({"token", "preview_token", "idempotency_key"})
"""Fields of inputs that open something, or stand for somebody's request."""


def deed_of(caller: Caller, mutation: str, given: object, needs: Needs) -> Deed | None:
    """Say what is to be told of a mutation; None for one that needs no telling."""
    if mutation in UNTOLD:
        return None
    refs = named(given)
    own = next((ref for ref in refs if ref.type_name != "BillingAccount"), refs[0] if refs else None)
    reached = (ref.account_id for ref in refs if ref.account_id and caller.may_reach(ref.account_id))
    request = request_id.get()
    return Deed(
        action=mutation,
        by=caller,
        permissions=[permission.value for permission in needs],
        accounts=frozenset(reached),
        subject=f"{own.type_name}:{own.local_id}" if own else None,
        input=plain("input", _told(given)),
        reason=getattr(given, "reason", None),
        request_id=None if request == "-" else request,
    )


def _told(given: Any) -> dict[str, Any]:
    told = {}
    for field in fields(given):
        value = getattr(given, field.name)
        # What was not given is not told; a null that was given, where that means something, is.
        if value is UNSET or (value is None and field.default is not UNSET and field.default is not MISSING):
            continue
        told[to_camel_case(field.name)] = HIDDEN if field.name in SECRET and value else _unwrapped(value)
    return told


def _unwrapped(value: object) -> object:
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, list | tuple):
        return [_unwrapped(each) for each in value]
    return _told(value) if is_dataclass(value) else value
