"""Objects whose selected fields are plain attributes are shown at one go, without GraphQL's steps for each field.

Per field the ordinary execution makes a path, an info and several calls, though nothing can come of them where a value
only has to be read and written down. A plan is made once for a selection and request, and is used for every object
of a list. Whatever has a resolver is left to the ordinary execution; so is every object at which a plan fails in
any way, so that errors, their paths and the nulls they leave are the specified ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias

from graphql import (
    GraphQLField,
    GraphQLObjectType,
    GraphQLOutputType,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types.field import StrawberryField

Plan: TypeAlias = Callable[[Any], Any]

_FAILED: Final = object()


class _OddValueError(Exception):
    """A value that the ordinary execution must judge."""


class PlannedExecution(StrawberryGraphQLCoreExecutionContext):
    """Strawberry's execution, but for plain objects and lists of them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # By the identity of type and selection; both are kept, so that no other can come to have it.
        self._plans: dict[tuple[int, int], tuple[Plan | None, object, object]] = {}

    def complete_object_value(  # noqa: PLR0917  the signature is graphql-core's
        self,
        return_type: Any,
        field_details_list: Any,
        info: Any,
        path: Any,
        result: Any,
        position_context: Any,
    ) -> Any:
        """Show an object."""
        shown = self._shown(return_type, field_details_list, result)
        if shown is not _FAILED:
            return shown
        return super().complete_object_value(
            return_type, field_details_list, info, path, result, position_context
        )

    def complete_list_value(  # noqa: PLR0917  likewise
        self,
        return_type: Any,
        field_details_list: Any,
        info: Any,
        path: Any,
        result: Any,
        position_context: Any,
    ) -> Any:
        """Show a list."""
        shown = self._shown(return_type, field_details_list, result)
        if shown is not _FAILED:
            return shown
        return super().complete_list_value(
            return_type, field_details_list, info, path, result, position_context
        )

    def _shown(self, type_: GraphQLOutputType, details: Any, value: object) -> Any:
        plan = self._plan(type_, details)
        if plan is None:
            return _FAILED
        try:
            return plan(value)
        except Exception:  # noqa: BLE001  whatever it is, the ordinary execution meets it again and tells it
            return _FAILED

    def _plan(self, type_: GraphQLOutputType, details: Any) -> Plan | None:
        """Give the plan for values, never null, of a type under a selection; None if there is none."""
        key = (id(type_), id(details))
        if key not in self._plans:
            self._plans[key] = self._made(type_, details), type_, details
        return self._plans[key][0]

    def _made(self, type_: GraphQLOutputType, details: Any) -> Plan | None:
        if is_leaf_type(type_):
            return type_.coerce_output_value
        if is_list_type(type_):
            item = self._nullable_plan(type_.of_type, details)
            return _list_plan(item) if item else None
        return self._object_plan(type_, details) if is_object_type(type_) else None

    def _nullable_plan(self, type_: GraphQLOutputType, details: Any) -> Plan | None:
        is_required = is_non_null_type(type_)
        plan = self._plan(type_.of_type if is_non_null_type(type_) else type_, details)
        return _null_plan(plan, is_required=is_required) if plan else None

    def _object_plan(self, type_: GraphQLObjectType, details: Any) -> Plan | None:
        selected, deferred, _ = self.collect_subfields(type_, details)
        if type_.is_type_of or deferred:
            return None
        parts = []
        for shown_as, own in selected.items():
            field = type_.fields.get(own[0].node.name.value)
            name = _attribute(field) if field else None
            plan = self._nullable_plan(field.type, own) if field and name else None
            if name is None or plan is None:
                return None
            parts.append((shown_as, name, plan))
        return lambda value: {shown_as: plan(getattr(value, name)) for shown_as, name, plan in parts}


def _attribute(field: GraphQLField) -> str | None:
    """Name the attribute that a field is read from; None if it has a resolver or anything else of its own."""
    definition = field.extensions.get("strawberry-definition")
    if not isinstance(definition, StrawberryField) or not definition.is_basic_field or field.args:
        return None
    is_plain = getattr(field.resolve, "_is_default", False) and definition.default_resolver is getattr
    return definition.python_name if is_plain else None


def _list_plan(item: Plan) -> Plan:
    def complete(values: Iterable[Any]) -> list[Any]:
        if not isinstance(values, list | tuple):
            raise _OddValueError
        return list(map(item, values))

    return complete


def _null_plan(plan: Plan, *, is_required: bool) -> Plan:
    def complete(value: Any) -> Any:
        if value is None and not is_required:
            return None
        if value is None or isinstance(value, Exception):
            raise _OddValueError
        shown = plan(value)
        if shown is None:
            raise _OddValueError
        return shown

    return complete
