"""New identifiers: UUIDs of version 7, which sort by the moment they were made.

Rows written together then lie together in every index, and `id` gives their order.
"""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """Return an identifier nobody has used, greater than those made before it."""
    return uuid7()
