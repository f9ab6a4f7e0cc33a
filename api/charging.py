"""A document that the guard let pass is paid for before any of it runs, and the answer tells how the caller stands."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    value_from_ast_untyped,
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

    The guard must have measured the document: the walk writes fragments out, and has no limits of its own.
    """
    fragments = {
        node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
    }
    return max(
        (
            sum(
                MUTATION_POINTS + items_points(_items(field, variables))
                for field in _fields(node.selection_set, fragments)
            )
            for node in document.definitions
            if isinstance(node, OperationDefinitionNode) and node.operation is OperationType.MUTATION
        ),
        default=0,
    )


def _fields(
    selected: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> Iterator[FieldNode]:
    for selection in selected.selections:
        if isinstance(selection, FieldNode):
            yield selection
        elif isinstance(selection, FragmentSpreadNode):
            if named := fragments.get(selection.name.value):
                yield from _fields(named.selection_set, fragments)
        elif isinstance(selection, InlineFragmentNode):
            yield from _fields(selection.selection_set, fragments)


def _items(field: FieldNode, variables: Mapping[str, Any]) -> int:
    """Count the items of the lists that stand in a mutation's input."""
    if (packed := packed_events()) is not None:
        return packed
    given = [value_from_ast_untyped(argument.value, dict(variables)) for argument in field.arguments or ()]
    inputs = [each for each in given if isinstance(each, dict)]
    return sum(len(value) for each in inputs for value in each.values() if isinstance(value, list))
