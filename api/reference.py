"""A schema laid out for reading: operations by noun, each mutation with its input, payload and refusals, then the types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    Undefined,
    get_named_type,
    is_specified_scalar_type,
    print_ast,
)
from graphql.utilities import ast_from_value

TITLES: Final[Mapping[str, str]] = {
    "apikeys": "API keys",
    "corrections": "Corrections of invoices",
    "deliveries": "Webhook deliveries",
    "events": "Usage",
    "paying": "Payments",
    "plans": "Plans and add-ons",
    "seatdates": "Corrected seat dates",
    "terms": "Yearly and other terms",
    "testclocks": "Test clocks",
}
"""What a noun is called where its module's name does not say it."""


@dataclass(frozen=True, slots=True)
class TypeRef:
    """A type as a field has it: `[`, `Invoice`, `!]!`."""

    before: str
    name: str
    after: str


@dataclass(frozen=True, slots=True)
class Part:
    """A field, an argument or a value of an enumeration."""

    name: str
    type: TypeRef | None
    description: str
    default: str | None = None
    deprecated: str | None = None
    arguments: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class Type:
    """A type with what it consists of."""

    name: str
    description: str
    parts: tuple[Part, ...] = ()
    members: tuple[str, ...] = ()
    """The types that it may be."""
    implements: tuple[str, ...] = ()
    is_one_of: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """A query, a subscription or a mutation; of the last also the input, the payload and the refusals."""

    field: Part
    input: Type | None = None
    result: Type | None = None
    payload: Type | None = None
    refusals: tuple[Type, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """Types of one sort."""

    title: str
    anchor: str
    types: tuple[Type, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """All of it. `mutations` are by noun."""

    queries: tuple[Operation, ...]
    mutations: Mapping[str, tuple[Operation, ...]]
    subscriptions: tuple[Operation, ...]
    sections: tuple[Section, ...]


def reference(schema: GraphQLSchema) -> Reference:
    """Lay a schema out."""
    nouns: dict[str, list[Operation]] = {}
    for name, field in _fields(schema.mutation_type):
        nouns.setdefault(_noun(field), []).append(_mutation(name, field))
    mutations = {title: tuple(nouns[title]) for title in sorted(nouns, key=str.lower)}
    inline = {
        each.name
        for operation in sum(mutations.values(), ())
        for each in (operation.input, operation.result, operation.payload)
        if each
    }
    roots = {
        root.name for root in (schema.query_type, schema.mutation_type, schema.subscription_type) if root
    }
    rest = [
        each
        for name, each in sorted(schema.type_map.items())
        if not name.startswith("__") and name not in inline | roots
    ]
    return Reference(
        queries=tuple(Operation(_part(name, field)) for name, field in _fields(schema.query_type)),
        mutations=mutations,
        subscriptions=tuple(
            Operation(_part(name, field)) for name, field in _fields(schema.subscription_type)
        ),
        sections=_sections(rest),
    )


def _mutation(name: str, field: GraphQLField) -> Operation:
    given = [get_named_type(argument.type) for argument in field.args.values()]
    result = get_named_type(field.type)
    members = list(result.types) if isinstance(result, GraphQLUnionType) else []
    refusals = [member for member in members if _is_refusal(member)]
    return Operation(
        field=_part(name, field),
        input=_type(given[0]) if len(given) == 1 and isinstance(given[0], GraphQLInputObjectType) else None,
        result=_type(result) if members else None,
        payload=next((_type(member) for member in members if not _is_refusal(member)), None),
        refusals=tuple(map(_type, refusals)),
    )


def _noun(field: GraphQLField) -> str:
    """Name the noun of a mutation: the module that its input is written in."""
    for argument in field.args.values():
        definition = get_named_type(argument.type).extensions.get("strawberry-definition")
        module = getattr(getattr(definition, "origin", None), "__module__", "")
        name = module.rpartition(".")[2]
        return TITLES.get(name, name.capitalize())
    return "Other"


def _sections(types: list[GraphQLNamedType]) -> tuple[Section, ...]:
    objects = [each for each in types if isinstance(each, GraphQLObjectType)]
    pages = [
        each for each in objects if each.name.endswith(("Connection", "Edge")) or each.name == "PageInfo"
    ]
    refusals = [each for each in objects if _is_refusal(each)]
    apart = {each.name for each in (*pages, *refusals)}
    sorts: dict[str, Iterable[GraphQLNamedType]] = {
        "Objects": [each for each in objects if each.name not in apart],
        "Refusals": refusals,
        "Inputs": [each for each in types if isinstance(each, GraphQLInputObjectType)],
        "Enumerations": [each for each in types if isinstance(each, GraphQLEnumType)],
        "Interfaces": [each for each in types if isinstance(each, GraphQLInterfaceType)],
        "Unions": [each for each in types if isinstance(each, GraphQLUnionType)],
        "Pages of lists": pages,
        "Scalars": [each for each in types if isinstance(each, GraphQLScalarType)],
    }
    return tuple(
        Section(title, title.lower().replace(" ", "-"), tuple(map(_type, of_sort)))
        for title, of_sort in sorts.items()
        if of_sort
    )


def _type(shown: GraphQLNamedType) -> Type:
    parts: tuple[Part, ...] = ()
    if isinstance(shown, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
        parts = tuple(_part(name, field) for name, field in shown.fields.items())
    elif isinstance(shown, GraphQLEnumType):
        parts = tuple(
            Part(name, None, value.description or "", deprecated=value.deprecation_reason)
            for name, value in shown.values.items()
        )
    return Type(
        name=shown.name,
        description=_standard(shown) or shown.description or "",
        parts=parts,
        members=tuple(each.name for each in shown.types) if isinstance(shown, GraphQLUnionType) else (),
        implements=tuple(each.name for each in getattr(shown, "interfaces", ())),
        is_one_of=bool(getattr(shown, "is_one_of", False)),
    )


def _standard(shown: GraphQLNamedType) -> str | None:
    """Spare the reader what GraphQL's own scalars say at length."""
    return "One of GraphQL's own." if is_specified_scalar_type(shown) else None


def _part(name: str, shown: GraphQLField | GraphQLInputField | GraphQLArgument) -> Part:
    text = str(shown.type)
    plain = get_named_type(shown.type).name
    before, _, after = text.partition(plain)
    return Part(
        name=name,
        type=TypeRef(before, plain, after),
        description=shown.description or "",
        default=None if isinstance(shown, GraphQLField) else _default(shown),
        deprecated=shown.deprecation_reason,
        arguments=tuple(_part(*each) for each in shown.args.items())
        if isinstance(shown, GraphQLField)
        else (),
    )


def _default(shown: GraphQLInputField | GraphQLArgument) -> str | None:
    if shown.default_value is Undefined or shown.default_value is None:
        return None  # that it may be left out, its type says
    written = ast_from_value(shown.default_value, shown.type)
    return print_ast(written) if written else None


def _fields(root: GraphQLObjectType | None) -> Iterable[tuple[str, GraphQLField]]:
    return root.fields.items() if root else ()


def _is_refusal(shown: GraphQLNamedType) -> bool:
    return any(each.name == "UserError" for each in getattr(shown, "interfaces", ()))
