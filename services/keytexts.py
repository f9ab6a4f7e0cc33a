"""How a key is written: `pr_<public id>_<secret><checksum>`, so that scanners know one, and a slip is seen at once."""

from __future__ import annotations

import string
from typing import Final, NamedTuple
from zlib import crc32

PREFIX: Final = "pr"
SECRET_LENGTH: Final = 43
"""Letters of 32 random bytes."""
CHECKSUM_LENGTH: Final = 6
_DIGITS: Final = string.digits + string.ascii_letters


class KeyText(NamedTuple):
    """A key taken apart; `secret` is all behind the second underscore."""

    public_id: str
    secret: str


def write_key(public_id: str, random: str) -> KeyText:
    """Give a key of a public id and random letters, checksum and all."""
    return KeyText(public_id, random + _checksum(public_id, random))


def read_key(text: str) -> KeyText | None:
    """Take a text apart, or give None for one that cannot be a key, such as a mistyped one.

    Keys of the time before checksums end with their random letters.
    """
    prefix, _, rest = text.partition("_")
    public_id, _, secret = rest.partition("_")
    if prefix != PREFIX or not public_id.isalnum() or not text.isascii():
        return None
    random, checksum = secret[:SECRET_LENGTH], secret[SECRET_LENGTH:]
    is_whole = len(random) == SECRET_LENGTH and checksum in {"", _checksum(public_id, random)}
    return KeyText(public_id, secret) if is_whole else None


def shown(key: KeyText) -> str:
    """Write a key in full."""
    return f"{PREFIX}_{key.public_id}_{key.secret}"


def _checksum(public_id: str, random: str) -> str:
    left, digits = crc32(f"{PREFIX}_{public_id}_{random}".encode()), ""
    for _ in range(CHECKSUM_LENGTH):
        left, digit = divmod(left, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits
