"""What a transaction changes, noted row by row as it is written, for whoever keeps a record of it.

A session notes only once it is asked to. It sees what goes through the unit of work, updates and deletes of whole sets,
and `rowsets`; a query that writes in SQL of its own notes its rows itself (`note_created`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Result, Select, event, inspect, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapper, ORMExecuteState, PassiveFlag, Session
from sqlalchemy.orm.attributes import get_history

from adapters.live import TellingSession
from adapters.tables.columns import Record

LEFT_OUT: Final = frozenset(
    {
        "audit_entries",
        "audit_heads",
        "due_work",  # what is to be done follows from the rest
        "outbox",  # the notice is noted
        "events",
        "idempotency_keys",  # they hold answers, which may hold what is shown once
        "invoice_lines",  # issued with their invoice and never changed; so are the entries of the ledger
        "ledger_entries",
        "provider_events",
        "usage_events",
        "usage_days",
        "standing_resolutions",
    }
)
"""Tables whose rows follow from others or are a record themselves."""

UNTOLD: Final = frozenset({"lease_until", "dirty_from", "next_position", "next_invoice_number", "body"})
"""Columns that are the machinery's own, and the bytes of a webhook, which are kept with its delivery."""

_RECORDING: Final = "recording"


@dataclass(slots=True)
class Row:
    """A row of a table before and after, as far as it is known; None where there is no row."""

    model: type[Record]
    account_id: UUID | None
    key: tuple[object, ...]
    before: dict[str, Any] | None
    after: dict[str, Any] | None

    def differences(self) -> Iterator[tuple[str, Any, Any]]:
        """Give the columns that differ, with their values before and after."""
        before, after = self.before or {}, self.after or {}
        for name in sorted(before.keys() | after.keys()):
            if name not in UNTOLD and before.get(name) != after.get(name):
                yield name, before.get(name), after.get(name)


@dataclass(slots=True)
class Recording:
    """The rows that a transaction changed, in the order in which it came to them."""

    _rows: dict[tuple[str, tuple[object, ...]], Row] = field(default_factory=dict)

    def rows(self) -> Iterator[Row]:
        """Give the rows that are not what they were."""
        return (
            row
            for row in self._rows.values()
            if (row.before is None) != (row.after is None) or next(row.differences(), None)
        )

    def created(self, model: type[Record], values: Mapping[str, Any]) -> None:
        """Note a new row."""
        self._row(model, values, before=None).after = dict(values)

    def changed(
        self,
        model: type[Record],
        whole: Mapping[str, Any],
        before: Mapping[str, Any],
        after: Mapping[str, Any],
    ) -> None:
        """Note columns of a row that change; `whole` names it."""
        row = self._row(model, whole, before={})
        if row.before is not None:
            row.before = {**before, **row.before}
        row.after = {**(row.after or {}), **after}

    def removed(self, model: type[Record], values: Mapping[str, Any]) -> None:
        """Note a row that goes."""
        row = self._row(model, values, before={})
        if row.before is not None:
            row.before = {**values, **row.before}
        row.after = None

    def _row(self, model: type[Record], values: Mapping[str, Any], *, before: dict[str, Any] | None) -> Row:
        mapper: Mapper[Any] = inspect(model)
        key = tuple(values[column.name] for column in mapper.primary_key)
        place = (mapper.local_table.name, key)  # type: ignore[attr-defined]  # a table, not a join
        if place not in self._rows:
            self._rows[place] = Row(model, values.get("account_id"), key, before, None)
        return self._rows[place]


def record_changes(session: AsyncSession) -> Recording:
    """Note what the session changes from now on, until its transaction ends."""
    recording: Recording = session.info.setdefault(_RECORDING, Recording())
    return recording


def is_recorded(session: AsyncSession) -> bool:
    """Tell whether somebody keeps a record of what the session changes."""
    return _RECORDING in session.info


def note_created(session: AsyncSession, model: type[Record], rows: Iterable[Mapping[str, Any]]) -> None:
    """Note rows that were written beside the unit of work."""
    recording = _of(session.sync_session)
    if recording is not None and _is_noted(model):
        for values in rows:
            recording.created(model, values)


def _of(session: Session) -> Recording | None:
    return session.info.get(_RECORDING)


def _is_noted(model: type[Record]) -> bool:
    return str(model.__tablename__) not in LEFT_OUT


@event.listens_for(TellingSession, "before_flush")
def _note_flush(session: Session, _context: object, _instances: object) -> None:
    recording = _of(session)
    if recording is None:
        return
    for row in session.new:
        if _is_noted(type(row)):
            recording.created(type(row), _values(row))
    for row in session.deleted:
        if _is_noted(type(row)):
            recording.removed(type(row), _values(row))
    for row in session.dirty:
        if _is_noted(type(row)) and session.is_modified(row):
            histories = {
                name: get_history(row, name, passive=PassiveFlag.PASSIVE_NO_INITIALIZE)
                for name in _columns(row)
            }
            changed = {name: history for name, history in histories.items() if history.has_changes()}
            recording.changed(
                type(row),
                _values(row),
                {name: next(iter(history.deleted), None) for name, history in changed.items()},
                {name: next(iter(history.added), None) for name, history in changed.items()},
            )


@event.listens_for(TellingSession, "do_orm_execute")
def _note_statement(state: ORMExecuteState) -> Result[Any] | None:
    """Note what one statement writes; one that inserts what it selects, or passes over conflicts, notes itself."""
    recording, mapper = _of(state.session), state.bind_mapper
    if recording is None or mapper is None or not _is_noted(mapper.class_):
        return None
    if state.is_insert and isinstance(state.parameters, list):
        for values in state.parameters:
            recording.created(mapper.class_, values)
    if not (state.is_update or state.is_delete):
        return None
    columns = [column for column in mapper.local_table.columns if column.name not in UNTOLD]
    session, where = state.session, state.statement.whereclause  # type: ignore[attr-defined]  # an update or a delete
    found = _read(session, select(*columns).where(where).with_for_update())
    result = state.invoke_statement()
    if state.is_delete:
        for values in found:
            recording.removed(mapper.class_, values)
        return result
    keys = [tuple(values[column.name] for column in mapper.primary_key) for values in found]
    own = tuple_(*mapper.primary_key)
    after = _read(session, select(*columns).where(own.in_(keys))) if keys else []
    now = {tuple(values[column.name] for column in mapper.primary_key): values for values in after}
    for key, values in zip(keys, found, strict=True):
        if key in now:
            recording.changed(mapper.class_, values, values, now[key])
    return result


@event.listens_for(TellingSession, "after_rollback")
@event.listens_for(TellingSession, "after_commit")
def _end(session: Session) -> None:
    if not session.in_nested_transaction():
        session.info.pop(_RECORDING, None)


def _read(session: Session, query: Select[Any]) -> list[dict[str, Any]]:
    return [dict(row._mapping) for row in session.execute(query)]  # noqa: SLF001  (public, for all its name)


def _columns(row: object) -> list[str]:
    return [attribute.key for attribute in inspect(type(row)).column_attrs]


def _values(row: object) -> dict[str, Any]:
    """Give what is known of a row; what the server alone knows is left out."""
    known = vars(row)
    return {name: known[name] for name in _columns(row) if name in known}
