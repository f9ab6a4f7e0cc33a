"""Global ids in and out: what a caller may not reach looks exactly like what does not exist."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

import strawberry

from api.context import Info
from api.node_ids import NodeRef, decode_node_id, encode_node_id
from domain.refusal import Refusal
from services.callers import Caller


@strawberry.interface(description="A thing with an id of its own, which `node` finds again.")
class Node:
    """Relay's Node."""

    id: strawberry.ID = strawberry.field(description="Names this thing among all things; opaque.")


FINDERS: Final[dict[str, Callable[[Info, str], Awaitable[Node | None]]]] = {}
"""How a node of each type is found by its id; `finders.py` fills it in."""


async def find_node(info: Info, node: str) -> Node | None:
    """Find a thing by the type its id names; None where the caller reaches none."""
    ref = decode_node_id(node)
    find = FINDERS.get(ref.type_name) if ref else None
    return await find(info, node) if find else None


def node_id(type_name: str, account_id: UUID | None, local_id: UUID | int | str) -> strawberry.ID:
    """Give the global id of a thing."""
    return strawberry.ID(encode_node_id(NodeRef(type_name, account_id, str(local_id))))


def reach(info: Info, node: str, type_name: str) -> tuple[UUID, UUID] | None:
    """Give the account and own id behind a global id; None unless it is of the type and the caller reaches it."""
    return reached(info.context.caller, node, type_name)


def reached(caller: Caller, node: str, type_name: str) -> tuple[UUID, UUID] | None:
    """Give what `reach` gives where there is no resolver."""
    ref = decode_node_id(node)
    if ref is None or ref.type_name != type_name or ref.account_id is None:
        return None
    if not caller.may_reach(ref.account_id):
        return None
    local_id = as_uuid(ref.local_id)
    # An account's own id is its account's: under any other, the audit log would tell of another account.
    if local_id is None or (type_name == "BillingAccount" and local_id != ref.account_id):
        return None
    return ref.account_id, local_id


def must_reach(info: Info, node: str, type_name: str, unknown: type[Refusal]) -> tuple[UUID, UUID]:
    """Give the account and own id behind a global id; raises the refusal that says there is none."""
    found = reach(info, node, type_name)
    if found is None:
        raise unknown
    return found


def as_uuid(text: str) -> UUID | None:
    """Read a UUID in the one spelling that ids are written in, or None: no thing goes by two ids."""
    try:
        read = UUID(text)
    except ValueError:
        return None
    return read if str(read) == text else None
