"""The table of permissions put to work: mutations ask before they run, fields before they are resolved."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import fields
from typing import Any, Final
from uuid import UUID

from graphql import GraphQLObjectType, GraphQLSchema

from api.context import Context, Info
from api.errors import forbidden
from api.node_ids import NodeRef, decode_node_id
from api.nodes import as_uuid
from api.permissions import BY_INVITEE, MUTATIONS, NODES, OPEN, PARTS, REACH, WITH_PARENT, Needs
from domain.permissions import OF_OPERATORS
from services.callers import Caller

Place = tuple[UUID, UUID | None]
"""An account, and one of its workspaces or none."""

# The argument of a field that names what it is about, if the field is not one of a thing itself.
_NAMING: Final = frozenset({"workspace_id", "account_id", "workspaceId", "accountId"})


class UndeclaredError(Exception):
    """Part of the schema says nothing of who may ask it."""


def require(caller: Caller, needs: Needs, place: Place) -> None:
    """Raise FORBIDDEN unless the caller holds every permission there."""
    held = caller.held(*place)
    missing = sorted(set(needs) - held)
    if missing:
        raise forbidden(
            f"This needs the permission {' and '.join(missing)} here. A person is given it by a role, a key by its scopes."
        )


async def authorise(info: Info, mutation: str, given: object) -> Needs:
    """Give the permissions by which the caller may run a mutation about everything its input names, none for an invitee.

    Raises FORBIDDEN for others. What the caller does not reach is left to the mutation, which finds nothing there.
    """
    ctx, needs = info.context, MUTATIONS[mutation]
    if set(needs) & OF_OPERATORS:
        if not all(map(ctx.caller.holds_everywhere, needs)):
            raise forbidden(f"This needs an operator's key with the scope {' and '.join(sorted(needs))}.")
        return needs
    refs = named(given)
    places = {place for ref in refs if (place := await _place(ctx, ref))}
    within = {account_id for account_id, workspace_id in places if workspace_id}
    for place in places:
        if not ctx.caller.may_reach(place[0]) or (place[1] is None and place[0] in within):
            continue
        if mutation in BY_INVITEE and await _is_invitee(ctx, refs):
            return ()
        require(ctx.caller, needs, place)
    return needs


def account_named(given: object) -> UUID | None:
    """Give the account that a mutation is about: that of the first id its input names, if any."""
    return next((ref.account_id for ref in named(given) if ref.account_id is not None), None)


def require_node(caller: Caller, ref: NodeRef) -> None:
    """Raise FORBIDDEN unless the caller, who reaches a thing, may be shown it."""
    if ref.account_id is not None and caller.may_reach(ref.account_id):
        require(caller, NODES.get(ref.type_name, REACH), (ref.account_id, _workspace_of(ref)))


def guard(schema: GraphQLSchema) -> None:
    """Have every field of the schema ask for what the table says.

    Raises UndeclaredError for a mutation, type or field that the table does not know.
    """
    mutation = schema.mutation_type
    answers = set(mutation.fields) if mutation else set()
    if answers != set(MUTATIONS):
        raise UndeclaredError(
            f"api/permissions.py and the mutations differ: {sorted(answers ^ set(MUTATIONS))}"
        )
    for type_ in schema.type_map.values():
        if not isinstance(type_, GraphQLObjectType) or type_ is mutation or type_.name.startswith("__"):
            continue
        if type_.name in OPEN:
            _guard_fields(type_, OPEN[type_.name])
        elif not _is_shown_with_parent(type_) and type_.name not in NODES:
            raise UndeclaredError(f"api/permissions.py says nothing of {type_.name}.")
        for name, needs in PARTS.get(type_.name, {}).items():
            type_.fields[name].resolve = _shown_part(type_.fields[name].resolve, needs)


def _is_shown_with_parent(type_: GraphQLObjectType) -> bool:
    is_part = type_.name.endswith(("Payload", "Connection", "Edge"))
    is_refusal = any(interface.name == "UserError" for interface in type_.interfaces)
    return type_.name in WITH_PARENT or is_part or is_refusal


def _guard_fields(type_: GraphQLObjectType, table: Mapping[str, Needs]) -> None:
    unsaid = set(type_.fields) ^ set(table)
    if unsaid:
        raise UndeclaredError(f"api/permissions.py and {type_.name} differ: {sorted(unsaid)}")
    for name, field in type_.fields.items():
        if type_.name == "Live":
            field.subscribe = _followed(field.subscribe, table[name])
        elif type_.name == "Query" and "id" in field.args:
            field.resolve = _found(field.resolve)
        elif table[name]:
            field.resolve = _shown(field.resolve, table[name])


def _found(resolve: Any) -> Callable[..., Any]:
    """Guard a field that finds a thing by its id."""

    def answer(source: Any, info: Info, **given: Any) -> Any:
        ref = decode_node_id(given["id"])
        if ref is not None:
            require_node(info.context.caller, ref)
        return resolve(source, info, **given)

    return answer


def _shown(resolve: Any, needs: Needs) -> Callable[..., Any]:
    """Guard a field of an account or a workspace."""

    def answer(source: Any, info: Info, **given: Any) -> Any:
        ref = decode_node_id(source.id)
        if ref is None or ref.account_id is None:
            raise forbidden()
        require(info.context.caller, needs, (ref.account_id, _workspace_of(ref)))
        return resolve(source, info, **given)

    return answer


def _shown_part(resolve: Any, needs: Needs) -> Callable[..., Any]:
    """Guard a field of something that is no thing itself, and says whose account it is of."""

    def answer(source: Any, info: Info, **given: Any) -> Any:
        require(info.context.caller, needs, (source.account_id, None))
        return resolve(source, info, **given)

    return answer


def _followed(subscribe: Any, needs: Needs) -> Callable[..., Any]:
    """Guard a subscription: as it begins, and again before each value it gives."""

    async def answer(source: Any, info: Info, **given: Any) -> AsyncGenerator[Any, None]:
        ctx = info.context
        refs = [ref for ref in map(decode_node_id, _named(given)) if ref is not None]
        places = [(ref.account_id, _workspace_of(ref)) for ref in refs if ref.account_id is not None]

        for place in places:
            if ctx.caller.may_reach(place[0]):
                require(ctx.caller, needs, place)
        async with aclosing(await subscribe(source, info, **given)) as values:
            async for value in values:
                ctx.caller = await ctx.recall()
                # Who does not reach the account any more holds nothing there.
                for place in places:
                    require(ctx.caller, needs, place)
                yield value

    return answer


def _named(given: dict[str, Any]) -> Iterator[str]:
    return (str(value) for name, value in given.items() if name in _NAMING)


def named(given: object) -> list[NodeRef]:
    """Give the things that an input names by their ids, in its order."""
    return [ref for ref in map(decode_node_id, _ids(given)) if ref is not None]


def _ids(given: Any) -> Iterator[str]:
    """Give the ids that an input names; a list may hold several."""
    for field in fields(given):
        value = getattr(given, field.name)
        if field.name.endswith(("_id", "_ids")):
            yield from [value] if isinstance(value, str) else value or ()


async def _place(ctx: Context, ref: NodeRef) -> Place | None:
    if ref.account_id is None:
        return None
    if ref.type_name == "Teammate" and (own := as_uuid(ref.local_id)):
        row = await ctx.loaders.teammates.load((ref.account_id, own))
        return (ref.account_id, row.workspace_id if row else None)
    return ref.account_id, _workspace_of(ref)


def _workspace_of(ref: NodeRef) -> UUID | None:
    return as_uuid(ref.local_id) if ref.type_name == "Workspace" else None


async def _is_invitee(ctx: Context, refs: list[NodeRef]) -> bool:
    """Tell whether the caller is the person whom every teammate that is named stands for."""
    own = {str(each.teammate_id) for each in ctx.caller.memberships}
    return bool(refs) and all(ref.type_name == "Teammate" and ref.local_id in own for ref in refs)
