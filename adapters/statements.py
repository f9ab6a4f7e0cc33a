"""A statement of SQL told in a few words: what it does and to which of our tables, with no value of it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from adapters.tables.columns import metadata

MOST_TABLES: Final = 4

_VERB: Final = re.compile(r"\b(INSERT|UPDATE|DELETE|SELECT)\b(?!\s+SET)", re.IGNORECASE)
_FIRST: Final = re.compile(r"\s*([A-Za-z]+)")
_PLACE: Final = re.compile(r"\b(?:FROM|JOIN|INTO|UPDATE)\s+(?:ONLY\s+)?([a-z_]+)", re.IGNORECASE)
_WRITES: Final = ("INSERT", "UPDATE", "DELETE")
_KNOWN: Final = frozenset({"SELECT", *_WRITES, "WITH", "COPY", "SET", "SAVEPOINT", "RELEASE", "ROLLBACK"})
_LOCK: Final = re.compile(r"\bFOR\s+(?:NO\s+KEY\s+)?UPDATE\b", re.IGNORECASE)


@lru_cache(2048)
def summary(statement: str) -> str:
    """Sum a statement up, as `SELECT invoices invoice_lines`; of a WITH the verb is that of its first write, if any."""
    found = _FIRST.match(statement)
    verb = found[1].upper() if found else ""
    plain = _LOCK.sub("", statement)
    if verb == "WITH":
        verbs = [each.upper() for each in _VERB.findall(plain)]
        verb = next((each for each in verbs if each in _WRITES), "SELECT")
    named = dict.fromkeys(name.lower() for name in _PLACE.findall(plain))
    tables = [name for name in named if name in metadata.tables][:MOST_TABLES]
    return " ".join([verb if verb in _KNOWN else "OTHER", *tables])
