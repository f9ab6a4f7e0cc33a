"""A closed set of the schema: the set and each of its values, described at once."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition

Kind = TypeVar("Kind", bound=type[StrEnum])


def enumerated(description: str, *, name: str | None = None, **values: str) -> Callable[[Kind], Kind]:
    """Give an enum to the schema, by `name` or its own; `values` say what each member means, none left out.

    The members are the domain's, which knows nothing of the schema: what they mean there is told here.
    """

    def give(kind: Kind) -> Kind:
        strawberry.enum(kind, name=name, description=description)
        definition: StrawberryEnumDefinition = kind.__strawberry_definition__  # type: ignore[attr-defined]
        for value in definition.values:
            value.description = values[value.name]
        if unknown := values.keys() - kind.__members__.keys():
            raise TypeError(f"{kind.__name__} has no {', '.join(sorted(unknown))}.")
        return kind

    return give
