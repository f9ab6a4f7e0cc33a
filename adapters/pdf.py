"""Invoices as PDF: a page of words that are ready to print, and the press that sets it.

Everything on the page goes to the template as data and is never read as markup. The document's date is the
invoice's own, so that the same page is the same file, byte for byte.
"""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import msgspec
import typst

BOX: Final = "\u25a1"
"""Stands for a letter that the fonts at hand cannot draw; archives (PDF/A) allow no undrawn letters."""
MOST_TAGGED_LINES: Final = 100
"""Tags let a screen reader find its way; on long invoices they would make the file ten times as large."""

_SOURCE: Final = Path(__file__).with_name("invoice.typ").read_bytes()
_PROBE: Final = b'#set text(font: "Libertinus Serif"); #sys.inputs.data'
# Setting type is work for a processor: more at a time than these would only make all of them late.
_press = ThreadPoolExecutor(max_workers=2, thread_name_prefix="pdf")

# Marks that turn the direction of what follows could make an amount read as another.
_TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_LONG_WORD = re.compile(r"\S{26,}")
_PIECE = re.compile(r"(\S{13})(?=\S)")
_SURE = re.compile(r"[\x20-\x7e\xa0-\xff\u2013\u2014\u2022\u2026\u25a1\u200b]*")


class Tier(msgspec.Struct, frozen=True, rename="kebab"):
    """The units of a line that fall in one tier."""

    units: str
    quantity: str
    price: str
    amount: str


class Row(msgspec.Struct, frozen=True, rename="kebab"):
    """A line of an invoice, ready to print."""

    description: str
    service: str
    quantity: str
    price: str
    amount: str
    explanation: str
    tiers: tuple[Tier, ...] = ()


class Block(msgspec.Struct, frozen=True, rename="kebab"):
    """Rows that stay together on a sheet, and the net of a pair."""

    rows: tuple[Row, ...]
    net: Row | None = None


class Part(msgspec.Struct, frozen=True, rename="kebab"):
    """A section with its heading and total."""

    label: str
    total: str
    blocks: tuple[Block, ...]


class Sum(msgspec.Struct, frozen=True, rename="kebab"):
    """A row of the totals."""

    label: str
    amount: str
    is_strong: bool = False


class Page(msgspec.Struct, frozen=True, rename="kebab"):
    """Everything an invoice says. `date` is year, month and day; `tone` colours the state: PAID, OPEN, VOID ..."""

    title: str
    date: tuple[int, int, int]
    seller: str
    seller_lines: tuple[str, ...]
    customer: str
    facts: tuple[tuple[str, str], ...]
    tone: str
    state: str
    state_note: str
    parts: tuple[Part, ...]
    sums: tuple[Sum, ...]
    notes: tuple[str, ...]


def fingerprint(page: Page) -> str:
    """Name the file that a page makes, without making it: other words, template or press give another name."""
    words = repr(page).encode(errors="backslashreplace")
    return sha256(b"\0".join((version("typst").encode(), _SOURCE, words))).hexdigest()


async def render(page: Page) -> bytes:
    """Set a page as PDF/A-3b beside the event loop."""
    return await asyncio.get_running_loop().run_in_executor(_press, set_type, page)


def set_type(page: Page) -> bytes:
    """Set a page as PDF/A-3b. Letters of scripts the fonts lack are drawn as boxes."""
    lines = sum(len(block.rows) for part in page.parts for block in part.blocks)
    plain, is_tagged = msgspec.to_builtins(page), lines <= MOST_TAGGED_LINES
    try:
        return _compile(_SOURCE, _as_data(plain, printable), is_tagged=is_tagged)
    except typst.TypstError:
        # Letters that can be drawn alone may still not join: then only those that surely can are kept.
        return _compile(_SOURCE, _as_data(plain, _surely_printable), is_tagged=is_tagged)


def printable(text: str) -> str:
    """Give text as it can be printed: composed, in one line, with breaks in endless words and without hidden marks."""
    flat = " ".join(_TURNING.sub("", unicodedata.normalize("NFC", text)).split())
    drawn = flat if _SURE.fullmatch(flat) else "".join(char if _is_drawn(char) else BOX for char in flat)
    return _LONG_WORD.sub(lambda found: _PIECE.sub("\\1\u200b", found[0]), drawn)


def _surely_printable(text: str) -> str:
    return "".join(char if _SURE.fullmatch(char) else BOX for char in printable(text))


@lru_cache(maxsize=100_000)
def _is_drawn(char: str) -> bool:
    if _SURE.fullmatch(char):
        return True
    if unicodedata.category(char) in {"Cc", "Cs", "Co", "Cn"}:
        return False
    try:
        _compile(_PROBE, char)
    except typst.TypstError:
        return False
    return True


def _compile(source: bytes, data: str, *, is_tagged: bool = False) -> bytes:
    return typst.compile(
        source,
        format="pdf",
        pdf_standards=["a-3b"],
        pdf_tags=is_tagged,
        ignore_system_fonts=True,
        sys_inputs={"data": data},
    )


def _as_data(plain: Any, change: Callable[[str], str]) -> str:
    return msgspec.json.encode(_each_text(plain, change)).decode()


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {name: _each_text(each, change) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_each_text(each, change) for each in value]
    return value
