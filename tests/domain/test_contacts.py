"""An email address is one plain address, and a workspace keeps at least one billing contact, each once."""

from __future__ import annotations

import pytest

from domain.contacts import (
    LONGEST_ADDRESS,
    MOST_CONTACTS,
    BadEmailAddress,
    NoBillingContact,
    TooManyBillingContacts,
    check_contacts,
    email_address,
)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("ada@example.com", "ada@example.com"),
        ("  ada@example.com\n", "ada@example.com"),
        ("Ada.L+bills@mail.example.co.uk", "Ada.L+bills@mail.example.co.uk"),
        ("żaneta@przykład.pl", "żaneta@przykład.pl"),
        ("a" * (LONGEST_ADDRESS - len("@example.com")) + "@example.com",) * 2,
    ],
)
def test_takes_an_email_address(text: str, address: str) -> None:
    assert email_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "ada",
        "ada@",
        "@example.com",
        "ada@example",
        "ada@@example.com",
        "ada@example.com, bob@example.com",
        "ada@example.com;bob@example.com",
        "Ada <ada@example.com>",
        "ada lovelace@example.com",
        "ada@example.com\r\nBcc: eve@example.com",
        "ada\0@example.com",
        "ada@example.",
        "a" * (LONGEST_ADDRESS - len("@example.com") + 1) + "@example.com",
    ],
)
def test_refuses_what_is_not_one_plain_address(text: str) -> None:
    with pytest.raises(BadEmailAddress) as refused:
        email_address(text)

    assert "is not an email address" in refused.value.message


def test_keeps_each_contact_once_whatever_its_case() -> None:
    assert check_contacts(["Ada@example.com", "bob@example.com", "ada@EXAMPLE.com"]) == (
        "ada@EXAMPLE.com",
        "bob@example.com",
    )


def test_refuses_a_workspace_without_contacts() -> None:
    with pytest.raises(NoBillingContact):
        check_contacts([])


def test_keeps_as_many_contacts_as_allowed_and_no_more() -> None:
    most = [f"contact{number}@example.com" for number in range(MOST_CONTACTS)]

    assert len(check_contacts(most)) == MOST_CONTACTS
    with pytest.raises(TooManyBillingContacts) as refused:
        check_contacts([*most, "one.more@example.com"])
    assert (refused.value.given, refused.value.limit) == (MOST_CONTACTS + 1, MOST_CONTACTS)
