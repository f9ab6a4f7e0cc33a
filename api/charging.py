"""A document that the guard let pass is paid for before any of it runs, and the answer tells how the caller stands."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
)

from api.bulk import packed_events
from api.context import Context
from api.guard import MeasuringExtension
from api.rates import MUTATION_POINTS, REQUEST_POINTS, Allowance, items_points


class ChargedGuard(MeasuringExtension):
    """The guard, and a charge for what it lets pass: a point an object, more for a mutation, one at the least."""

    async def on_validate(self) -> AsyncIterator[None]:
        """Measure the document, then charge for it; raises OverRateError into the result."""
        allowance = self._allowance
        try:
            self.measure()
        except GraphQLError:
            await allowance.charge(REQUEST_POINTS)
            raise
        context = self.execution_context
        if self.cost is not None and context.graphql_document is not None:
            self.cost = max(
                REQUEST_POINTS,
                self.cost + mutation_points(context.graphql_document, context.variables or {}),
            )
            await allowance.charge(self.cost)
        yield

    def get_results(self) -> dict[str, Any]:
        """Tell the client what the request cost and what is left."""
        if self.cost is None:
            return {}
        return {"cost": {**self._allowance.cost(self.cost), "limit": self.limits.cost}}

    @property
    def _allowance(self) -> Allowance:
        context: Context = self.execution_context.context
        return context.allowance


async def charge_request(context: object) -> None:
    """Charge the least that a request costs, unless it has paid more; raises OverRateError."""
    if isinstance(context, Context):
        await context.allowance.charge(REQUEST_POINTS)


def mutation_points(document: DocumentNode, variables: Mapping[str, Any]) -> int:
    """Give what the document's largest mutation costs beyond its objects.

    It may hold anything that the guard lets pass, also what no schema knows: each fragment is reckoned once.
    """
    fragments = {
        node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
    }
    return max(
        (
            _mutation_points(node, fragments, {**_defaults(node), **variables})
            for node in document.definitions
            if isinstance(node, OperationDefinitionNode) and node.operation is OperationType.MUTATION
        ),
        default=0,
    )


def _mutation_points(
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    variables: Mapping[str, Any],
) -> int:
    reckoned: dict[str, int] = {}

    def selected(node: SelectionSetNode) -> int:
        return sum(map(points, node.selections))

    def points(selection: SelectionNode) -> int:
        if isinstance(selection, FieldNode):
            return MUTATION_POINTS + items_points(_items(selection, variables))
        if isinstance(selection, InlineFragmentNode):
            return selected(selection.selection_set)
        assert isinstance(selection, FragmentSpreadNode)  # noqa: S101  the grammar knows no fourth kind
        name = selection.name.value
        if name not in reckoned:
            reckoned[name] = selected(fragments[name].selection_set) if name in fragments else 0
        return reckoned[name]

    return selected(operation.selection_set)


def _defaults(operation: OperationDefinitionNode) -> Mapping[str, ValueNode]:
    """Give what the operation's variables hold where they are not given: it may be as long as what is given."""
    return {
        variable.variable.name.value: variable.default_value
        for variable in operation.variable_definitions or ()
        if variable.default_value is not None
    }


def _items(field: FieldNode, variables: Mapping[str, Any]) -> int:
    """Count the items of the lists that stand in a mutation's input."""
    if (packed := packed_events()) is not None:
        return packed
    return sum(
        _length(value, variables)
        for argument in field.arguments or ()
        for value in _members(argument.value, variables)
    )


def _members(node: ValueNode, variables: Mapping[str, Any]) -> Iterable[object]:
    """Give the values inside an object: of the document, or of a variable."""
    given = variables.get(node.name.value) if isinstance(node, VariableNode) else node
    if isinstance(given, ObjectValueNode):
        return [member.value for member in given.fields]
    return given.values() if isinstance(given, dict) else ()


def _length(value: object, variables: Mapping[str, Any]) -> int:
    if isinstance(value, VariableNode):
        value = variables.get(value.name.value)
    if isinstance(value, ListValueNode):
        return len(value.values)
    return len(value) if isinstance(value, list) else 0
