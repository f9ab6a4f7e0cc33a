"""The press: the same page is the same file, and no words on it are anything but words."""

from __future__ import annotations

import io
import re

import msgspec
import pytest
from pypdf import PdfReader

from adapters.pdf import BOX, Block, Page, Part, Row, Sum, fingerprint, printable, render, set_type
from tests.scenarios.papers import words

ROW = Row(
    "Essential: 1 seat", "1 Sep 2026 - 30 Sep 2026", "1", "$39.00", "$39.00", "1 seat x $39.00 = $39.00"
)
PAGE = Page(
    title="Invoice 7",
    date=(2026, 9, 1),
    seller="Prorata",
    seller_lines=("1 Main Street",),
    customer="Acme",
    facts=(("Invoice number", "7"),),
    tone="OPEN",
    state="$39.00 due",
    state_note="",
    parts=(Part("Subscription", "$39.00", (Block((ROW,)),)),),
    sums=(Sum("Total", "$39.00"), Sum("Amount due", "$39.00", is_strong=True)),
    notes=(),
)
MARKUP = (
    '#read("/etc/passwd")',
    '#sys.inputs.data #panic("stop")',
    "*bold* _slanted_ `raw` <label> @reference",
    "$x^2$ \\u{41} // comment /* more */",
    "= Heading - item + item / term: x",
    '"]) #let d = 1; [',
    "{{ 7 * 7 }} ${7*7} %s %(name)s",
    "<script>alert(1)</script> &amp;",
    "'; DROP TABLE invoices; --",
)


def with_words(text: str) -> Page:
    """Put words everywhere that anybody but us can have written some."""
    row = msgspec.structs.replace(ROW, description=text, explanation=text)
    return msgspec.structs.replace(
        PAGE,
        customer=text,
        seller=text,
        seller_lines=(text,),
        state_note=text,
        parts=(Part("Subscription", "$39.00", (Block((row,)),)),),
        notes=(text,),
    )


def joined(text: str) -> str:
    """Give words without the places where lines break."""
    return re.sub(r"\s+", "", text)


def test_the_same_page_is_the_same_file() -> None:
    first, second = set_type(PAGE), set_type(PAGE)

    assert first == second
    assert first.startswith(b"%PDF-")


def test_a_file_bears_the_date_of_its_invoice_and_the_mark_of_an_archive() -> None:
    read = PdfReader(io.BytesIO(set_type(PAGE)))

    assert read.metadata is not None
    assert (read.metadata.title, read.metadata.author) == ("Invoice 7", "Prorata")
    assert str(read.metadata["/CreationDate"]).startswith("D:20260901000000")
    assert read.xmp_metadata is not None
    assert b"<pdfaid:part>3</pdfaid:part>" in read.xmp_metadata.stream.get_data()


def test_other_words_are_another_file() -> None:
    other = msgspec.structs.replace(PAGE, customer="Bcme")

    assert fingerprint(PAGE) == fingerprint(msgspec.structs.replace(PAGE))
    assert fingerprint(other) != fingerprint(PAGE)
    assert set_type(other) != set_type(PAGE)


async def test_pages_set_at_once_do_not_mix() -> None:
    pages = [msgspec.structs.replace(PAGE, customer=f"Customer {number}") for number in range(8)]
    files = [await render(page) for page in pages]

    assert [f"Customer {number}" in words(file) for number, file in enumerate(files)] == [True] * 8


@pytest.mark.parametrize("text", MARKUP)
def test_markup_is_printed_and_not_read(text: str) -> None:
    shown = words(set_type(with_words(text)))

    assert joined(shown).count(joined(text)) == 7
    assert "root:" not in shown


@pytest.mark.parametrize(
    "name",
    [
        "Zażółć gęślą jaźń Sp. z o.o.",
        "Größe & Söhne GmbH",
        "Ελληνική Εταιρεία",
        "ООО «Ромашка»",
        "Ångström, Núñez, Þór, Ďáblík, Ģ, Ș",
        "€ £ ¥ ₹ ₽ ½ ™ © § № • … – —",
    ],
)
def test_names_of_europe_are_printed_letter_by_letter(name: str) -> None:
    assert name in words(set_type(with_words(name)))


@pytest.mark.parametrize(
    "name",
    [
        "日本株式会社",
        "😀 Party 🇩🇪 👩\u200d👩\u200d👧",
        "1\ufe0f\u20e3 keycap",
        "ประเทศไทย",
        "नमस्ते",
        "עברית",
        "العربية",
        "e" + "\u0301" * 200,
        "\ud800 half a pair",
        "\U0010ffff\ufffe\ue000",
        "\x00\x01\x1b[31m\x7f\x9f",
        "a\tb\nc\rd\u2028e\u2029f\x85g",
    ],
    ids=ascii,
)
def test_letters_that_the_fonts_lack_break_nothing(name: str) -> None:
    shown = words(set_type(with_words(f"Before {name} after")))

    assert shown.count("Before") == shown.count("after") == 7
    assert "\x00" not in shown
    assert "Amount due $39.00" in shown


def test_what_cannot_be_drawn_stands_as_a_box() -> None:
    assert printable("日本 Ltd \x00") == f"{BOX}{BOX} Ltd {BOX}"


def test_marks_that_turn_the_direction_of_text_are_left_out() -> None:
    turned = "Pay \u202e00.93$\u202c \u2066now\u2069\u200f"

    assert printable(turned) == "Pay 00.93$ now"


@pytest.mark.parametrize("text", ["W" * 5_000, "word " * 1_000, "日" * 5_000, "ж" * 5_000], ids=ascii)
def test_five_thousand_letters_are_all_there(text: str) -> None:
    shown = joined(words(set_type(msgspec.structs.replace(PAGE, customer=text))))

    letter = joined(printable(text))[0]
    assert shown.count(letter) >= len(joined(text)) // len(set(joined(text)))
    assert "Amountdue$39.00" in shown


def test_hundreds_of_lines_run_over_sheets_that_all_have_heads_and_numbers() -> None:
    blocks = tuple(
        Block((msgspec.structs.replace(ROW, description=f"Line {number}."),)) for number in range(1, 401)
    )
    page = msgspec.structs.replace(PAGE, parts=(Part("Subscription", "$15,600.00", blocks),))

    sheets = [
        sheet.extract_text().replace("\u200b", "") for sheet in PdfReader(io.BytesIO(set_type(page))).pages
    ]

    assert len(sheets) > 10
    for number, sheet in enumerate(sheets, start=1):
        assert f"Page {number} of {len(sheets)}" in sheet
    assert all("DATES OF SERVICE" in sheet for sheet in sheets if "Line " in sheet)
    found = re.findall(r"Line (\d+)\.", "\n".join(sheets))
    assert [int(number) for number in found] == list(range(1, 401))


def test_a_void_page_is_marked_on_every_sheet() -> None:
    blocks = (Block((ROW,)),) * 100
    page = msgspec.structs.replace(PAGE, tone="VOID", parts=(Part("Subscription", "$3,900.00", blocks),))

    sheets = [sheet.extract_text() for sheet in PdfReader(io.BytesIO(set_type(page))).pages]

    assert len(sheets) > 1
    assert all("VOID" in sheet for sheet in sheets)
