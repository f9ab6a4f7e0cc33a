"""What a database holds, in a few words a test can compare: nothing was written if it is the same before and after."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.tables import metadata

Fingerprint = dict[str, tuple[int, str]]

# When a key was used last is written by and by, whatever is asked with it.
_ROW = "(to_jsonb(t) - 'last_used_at')::text"
_QUERY = text(
    " UNION ALL ".join(
        f"SELECT '{name}', count(*), md5(coalesce(string_agg({_ROW}, E'\\n' ORDER BY {_ROW}), '')) FROM {name} t"
        for name in metadata.tables
    )
)


async def fingerprint(engine: AsyncEngine) -> Fingerprint:
    """Give the number of rows of every table, and a digest of them."""
    async with engine.connect() as connection:
        return {name: (count, digest) for name, count, digest in await connection.execute(_QUERY)}
