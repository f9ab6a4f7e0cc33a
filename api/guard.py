"""A query is measured before it is validated, in time linear in its text, and refused if it is too big.

Each fragment is measured once and remembered, so that fragments spreading each other twice, and twice again, are
counted in full without being walked in full. Put it first among the schema's extensions: the cache of validations
validates as it starts, and everything behind the guard may rely on its limits.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeGuard

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
)
from strawberry.extensions import SchemaExtension

from api.connections import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE
from api.errors import ErrorCode

# A doubling document comes to numbers of many digits, which tell a reader nothing more than this one.
_COUNTED_UP_TO: Final = 10**9
# A page size of more digits is as good as unknown.
_LONGEST_NUMBER: Final = 10
# The deepest nesting of braces the walk follows, fragments within fragments included. It keeps clear of
# Python's own limit on recursion; a real query nests as deep as its fields, and a little more.
_MOST_NESTED: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardLimits:
    """The most one document may hold, counted as if every fragment were written out.

    `cost` counts objects asked for: a field with sub-fields is one, times the page sizes of the lists around it.
    """

    tokens: int = 4000
    operations: int = 5
    fragments: int = 50
    depth: int = 14
    fields: int = 600
    aliases: int = 60
    directives: int = 8
    cost: int = 5000


class Size(NamedTuple):
    """What a part of a document amounts to."""

    cost: int = 0
    fields: int = 0
    depth: int = 0
    aliases: int = 0
    directives: int = 0


class MeasuringExtension(SchemaExtension):
    """Refuses documents over the limits with a code, and reports the cost of the others in `extensions.cost`."""

    def __init__(self, limits: GuardLimits | None = None) -> None:
        self.limits = limits or GuardLimits()
        self.cost: int | None = None

    def on_operation(self) -> Iterator[None]:
        """Have the parser stop at the limit of tokens."""
        self.execution_context.parse_options["max_tokens"] = self.limits.tokens
        yield

    def measure(self) -> None:
        """Measure the parsed document; raises GraphQLError if it is over a limit."""
        context = self.execution_context
        if context.graphql_document is not None:
            size = check_document(
                context.graphql_document,
                limits=self.limits,
                schema=context.schema._schema,  # noqa: SLF001  Strawberry has no public name for it
                variables=context.variables or {},
            )
            if context._provided_operation_name is None:  # noqa: SLF001  likewise
                _require_one_operation(context.graphql_document)
            self.cost = size.cost

    def get_results(self) -> dict[str, Any]:
        """Tell the client what the query was reckoned at."""
        return {} if self.cost is None else {"cost": {"requested": self.cost, "limit": self.limits.cost}}


def check_document(
    document: DocumentNode, *, limits: GuardLimits, schema: GraphQLSchema, variables: Mapping[str, object]
) -> Size:
    """The size of the document's largest parts, or a GraphQLError with a TOO_... code if one is over its limit.

    Unused fragments are held to the same limits, because validation looks into them too. Unknown names are left
    for validation to report.
    """
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    fragments = [node for node in document.definitions if isinstance(node, FragmentDefinitionNode)]
    _require("TOO_MANY_OPERATIONS", "operations", got=len(operations), limit=limits.operations)
    _require("TOO_MANY_FRAGMENTS", "fragments", got=len(fragments), limit=limits.fragments)

    measure = _Measure(fragments, schema=schema, variables=variables)
    largest = Size()
    definitions: list[FragmentDefinitionNode | OperationDefinitionNode] = [*fragments, *operations]
    for definition in definitions:
        size = measure.definition(definition)
        _require("TOO_DEEP", "levels of fields", got=size.depth, limit=limits.depth)
        _require("TOO_MANY_FIELDS", "fields", got=size.fields, limit=limits.fields)
        _require("TOO_MANY_ALIASES", "aliases", got=size.aliases, limit=limits.aliases)
        _require("TOO_MANY_DIRECTIVES", "directives", got=size.directives, limit=limits.directives)
        _require("TOO_EXPENSIVE", "objects", got=size.cost, limit=limits.cost)
        if isinstance(definition, OperationDefinitionNode):
            largest = Size(*map(max, largest, size))
    return largest


class _Measure:
    """The walk over one document; it remembers the fragments it has been through."""

    def __init__(
        self,
        fragments: list[FragmentDefinitionNode],
        *,
        schema: GraphQLSchema,
        variables: Mapping[str, object],
    ) -> None:
        self.fragments = {node.name.value: node for node in fragments}
        if len(self.fragments) < len(fragments):
            # Only one of two namesakes would be measured.
            raise _invalid("Two fragments have the same name.")
        self.schema = schema
        self.variables = variables
        self.measured: dict[str, Size] = {}
        self.open: set[str] = set()

    def definition(self, node: OperationDefinitionNode | FragmentDefinitionNode) -> Size:
        if isinstance(node, FragmentDefinitionNode):
            return self.fragment(node.name.value, nesting=0)
        inside = self.selections(node.selection_set, self.schema.get_root_type(node.operation), nesting=0)
        on_variables = sum(len(variable.directives or ()) for variable in node.variable_definitions or ())
        return inside._replace(directives=inside.directives + len(node.directives or ()) + on_variables)

    def fragment(self, name: str, *, nesting: int) -> Size:
        if name in self.open:
            raise _invalid(f"Fragment '{name}' spreads itself.")
        known = self.measured.get(name)
        if known is None:
            node = self.fragments.get(name)
            if node is None:
                return Size()
            self.open.add(name)
            parent = self.schema.get_type(node.type_condition.name.value)
            known = self.selections(node.selection_set, parent, nesting=nesting)
            known = known._replace(directives=known.directives + len(node.directives or ()))
            self.open.discard(name)
            self.measured[name] = known
        return known

    def selections(
        self, node: SelectionSetNode | None, parent: GraphQLNamedType | None, *, nesting: int
    ) -> Size:
        _require("TOO_DEEP", "levels of braces", got=nesting, limit=_MOST_NESTED)
        cost = fields = depth = aliases = directives = 0
        for selection in node.selections if node else ():
            inside = self.selection(selection, parent, nesting=nesting + 1)
            cost += inside.cost
            fields += inside.fields
            depth = max(depth, inside.depth)
            aliases += inside.aliases
            directives += inside.directives + len(selection.directives or ())
        return Size(cost, fields, depth, aliases, directives)

    def selection(self, node: SelectionNode, parent: GraphQLNamedType | None, *, nesting: int) -> Size:
        if isinstance(node, FragmentSpreadNode):
            return self.fragment(node.name.value, nesting=nesting)
        if isinstance(node, InlineFragmentNode):
            condition = node.type_condition
            within = self.schema.get_type(condition.name.value) if condition else parent
            return self.selections(node.selection_set, within, nesting=nesting)
        assert isinstance(node, FieldNode)  # noqa: S101  the grammar knows no fourth kind

        if node.selection_set is None:
            return Size(fields=1, depth=1, aliases=1 if node.alias else 0)
        field = self.schema.get_field(parent, node.name.value) if _has_fields(parent) else None
        within = get_named_type(field.type) if field else None
        inside = self.selections(node.selection_set, within, nesting=nesting)
        # A connection is reckoned by its nodes: the edges around them come for nothing.
        own_cost = 0 if node.name.value in {"edges", "pageInfo"} else 1
        # Tools ask for the schema in one deep query. It is taken as one level: lists inside it nest three deep
        # at most, by a rule of graphql-core.
        depth = 0 if node.name.value in {"__schema", "__type"} else inside.depth
        return Size(
            cost=own_cost + self.page_size(node, field) * inside.cost,
            fields=inside.fields + 1,
            depth=depth + 1,
            aliases=inside.aliases + (1 if node.alias else 0),
            directives=inside.directives,
        )

    def page_size(self, node: FieldNode, field: GraphQLField | None) -> int:
        """How many objects the field may give: `first` as far as it can be told, and the largest page if not."""
        for argument in node.arguments or ():
            if argument.name.value not in {"first", "last"}:
                continue
            value: object = None
            if isinstance(argument.value, IntValueNode) and len(argument.value.value) < _LONGEST_NUMBER:
                value = int(argument.value.value)
            elif isinstance(argument.value, VariableNode):
                value = self.variables.get(argument.value.name.value)
            return min(max(value, 1), MAX_PAGE_SIZE) if isinstance(value, int) else MAX_PAGE_SIZE
        return DEFAULT_PAGE_SIZE if field is not None and "first" in field.args else 1


def _require_one_operation(document: DocumentNode) -> None:
    if sum(isinstance(node, OperationDefinitionNode) for node in document.definitions) > 1:
        raise GraphQLError(
            "The document holds several operations: name the one to run in `operationName`.",
            extensions={"code": ErrorCode.BAD_REQUEST.value},
        )


def _has_fields(parent: GraphQLNamedType | None) -> TypeGuard[GraphQLObjectType | GraphQLInterfaceType]:
    return isinstance(parent, (GraphQLObjectType, GraphQLInterfaceType))


def _invalid(message: str) -> GraphQLError:
    return GraphQLError(message, extensions={"code": ErrorCode.GRAPHQL_VALIDATION_FAILED.value})


def _require(code: str, things: str, *, got: int, limit: int) -> None:
    if got > limit:
        counted = str(got) if got < _COUNTED_UP_TO else f"over {_COUNTED_UP_TO}"
        raise GraphQLError(
            f"The query holds {counted} {things}; the most allowed is {limit}. Ask for less at once.",
            extensions={"code": code, "limit": limit},
        )
