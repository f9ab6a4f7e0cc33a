"""Selections of all there is of a type, some levels deep."""

from __future__ import annotations

from graphql import GraphQLObjectType, get_named_type, is_required_argument

from tests.api.inputs import SCHEMA


def everything_of(type_name: str, *, depth: int) -> str:
    """Select every field of an object that takes no argument, pages left out, so many levels deep."""
    kind = SCHEMA.type_map[type_name]
    assert isinstance(kind, GraphQLObjectType)
    chosen = []
    for name, field in kind.fields.items():
        named = get_named_type(field.type)
        if any(map(is_required_argument, field.args.values())) or named.name.endswith("Connection"):
            continue
        if not isinstance(named, GraphQLObjectType):
            chosen.append(name)
        elif depth > 1 and (within := everything_of(named.name, depth=depth - 1)):
            chosen.append(f"{name} {{ {within} }}")
    return " ".join(chosen)
