"""File names that every system takes, whatever an account is called."""

from __future__ import annotations

import pytest

from api.files import LONGEST_NAME, file_headers


@pytest.mark.parametrize(
    ("whose", "names"),
    [
        ("Acme", 'filename="Acme-invoice-7.pdf"'),
        ("Acme & Co. Ltd", 'filename="Acme-Co-Ltd-invoice-7.pdf"'),
        (
            "Größe",
            "filename=\"Groe-invoice-7.pdf\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe-invoice-7.pdf",
        ),
        (
            "日本",
            "filename=\"invoice-7.pdf\"; filename*=UTF-8''%E6%97%A5%E6%9C%AC-invoice-7.pdf",
        ),
        ('"; filename="evil.exe', 'filename="filename-evil-exe-invoice-7.pdf"'),
        ("../../etc/passwd", 'filename="etc-passwd-invoice-7.pdf"'),
        ("a\r\nSet-Cookie: x=1", 'filename="a-Set-Cookie-x-1-invoice-7.pdf"'),
        ("\u202efdp.exe", 'filename="fdp-exe-invoice-7.pdf"'),
        ("😀", 'filename="invoice-7.pdf"'),
        ("\ud800", 'filename="invoice-7.pdf"'),
        ("", 'filename="invoice-7.pdf"'),
    ],
    ids=ascii,
)
def test_a_file_is_called_after_the_account(whose: str, names: str) -> None:
    headers = file_headers(whose, "invoice-7.pdf")

    assert headers["content-disposition"] == f"attachment; {names}"
    assert headers["content-disposition"].isascii()


def test_a_long_name_is_cut() -> None:
    disposition = file_headers("A" * 5_000, "invoice-7.pdf", is_shown=True)["content-disposition"]

    assert disposition == f'inline; filename="{"A" * LONGEST_NAME}-invoice-7.pdf"'
