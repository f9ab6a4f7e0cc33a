"""A global id names a thing by its type, its billing account and its own id, in one opaque word.

Each thing has exactly one id text, and text that is no such word names nothing: reading one never raises.
"""

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final
from uuid import UUID

_LONGEST: Final = 1024
_TYPE_NAME = re.compile(r"[A-Z][A-Za-z0-9]{0,63}", re.ASCII)


@dataclass(frozen=True, slots=True)
class NodeRef:
    """What a global id names; `account_id` is None for things no account owns, such as price books."""

    type_name: str
    account_id: UUID | None
    local_id: str


def encode_node_id(ref: NodeRef) -> str:
    """The global id of a thing: base64url of `Type:account:local`."""
    account = "" if ref.account_id is None else str(ref.account_id)
    text = f"{ref.type_name}:{account}:{ref.local_id}"
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode("ascii")


def decode_node_id(text: str) -> NodeRef | None:
    """What a global id names, or None if it is not one."""
    if len(text) > _LONGEST:
        return None
    try:
        plain = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
        type_name, account, local_id = plain.split(":", 2)
        ref = NodeRef(type_name, UUID(account) if account else None, local_id)
    except (ValueError, binascii.Error):
        return None

    is_sound = _TYPE_NAME.fullmatch(type_name) and local_id and local_id.isprintable()
    # Padding, stray bits and other spellings of the account would give one thing many ids.
    return ref if is_sound and encode_node_id(ref) == text else None
