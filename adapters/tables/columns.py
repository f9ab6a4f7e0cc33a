"""What all tables are made of: their base class, column types, constraints and parents.

Two habits are kept here so that no table can forget them. Every constraint has a name
made by rule, and every reference between rows of an account carries `account_id`.
"""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    MetaData,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import registry, relationship
from sqlalchemy.sql.elements import TextClause
from sqlmodel import Field, Relationship, SQLModel

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

Key = Annotated[UUID, Field(primary_key=True)]
String = Annotated[str, Field(sa_type=Text)]
StringKey = Annotated[str, Field(sa_type=Text, primary_key=True)]
OptionalString = Annotated[str | None, Field(sa_type=Text)]
Bigint = Annotated[int, Field(sa_type=BigInteger)]
OptionalBigint = Annotated[int | None, Field(sa_type=BigInteger)]
Json = Annotated[dict[str, Any], Field(sa_type=JSONB(none_as_null=True))]
OptionalJson = Annotated[dict[str, Any] | None, Field(sa_type=JSONB(none_as_null=True))]
JsonList = Annotated[list[Any], Field(sa_type=JSONB(none_as_null=True))]


class Record(SQLModel, registry=registry(metadata=metadata)):
    """A row. Datetimes are aware: a naive one is refused on its way to the server."""


def check(name: str, condition: str) -> CheckConstraint:
    """Return a named CHECK constraint."""
    return CheckConstraint(condition, name=name)


def one_of(column: str, values: Sequence[str]) -> CheckConstraint:
    """Return the CHECK that a text column holds one of the words of a closed set."""
    return check(column, f"{column} IN ({quoted(values)})")


def quoted(values: Sequence[str]) -> str:
    """Return words of our own vocabulary as SQL literals."""
    return ", ".join(f"'{value}'" for value in values)


def where(condition: str) -> TextClause:
    """Return the condition of a partial index."""
    return text(condition)


def reference(table: str, *, is_deferred: bool = False, **columns: str) -> ForeignKeyConstraint:
    """Return a foreign key to another table of the same account.

    `reference("workspaces", workspace_id="id")` ties `(account_id, workspace_id)` to
    `workspaces (account_id, id)`. A deferred one is checked at commit.
    """
    return ForeignKeyConstraint(
        ["account_id", *columns],
        [f"{table}.{column}" for column in ("account_id", *columns.values())],
        deferrable=is_deferred or None,
        initially="DEFERRED" if is_deferred else None,
    )


def stored_default(value: str, *, python: Any, **column: Any) -> Any:
    """Return a field whose default Python and the server both know, for rows written by either.

    A text column needs `sa_type=Text` here: an annotation's own is overridden.
    """
    return Field(default=python, sa_column_kwargs={"server_default": text(value)}, **column)


def parent(model: type[Record], *, overlaps: str | None = None) -> Any:
    """Return the relationship that makes a flush insert `model` rows first.

    It exists for that order alone: reading through it raises, rows are joined by
    queries. `overlaps` names the sibling relationships that also carry `account_id`.
    """
    return Relationship(sa_relationship=relationship(model, lazy="raise", overlaps=overlaps))
