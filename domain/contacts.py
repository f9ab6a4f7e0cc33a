"""Email addresses and billing contacts (section 1): outsiders are welcome, and at least one is there always."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from domain.refusal import Refusal

LONGEST_ADDRESS = 254
MOST_CONTACTS = 50
_ADDRESS = re.compile(r"[^@\s\x00-\x1f\x7f,;<>\"]+@[^@\s\x00-\x1f\x7f,;<>\"]+\.[^@\s.\x00-\x1f\x7f,;<>\"]+")


@dataclass(eq=False)
class BadEmailAddress(Refusal):
    """The text is not one plain email address."""

    template = "{address!r} is not an email address; write one like ada@example.com."
    address: str


@dataclass(eq=False)
class NoBillingContact(Refusal):
    """A workspace has at least one billing contact."""

    template = "A workspace keeps at least one billing contact; name who gets its invoices."


@dataclass(eq=False)
class TooManyBillingContacts(Refusal):
    """A workspace has more billing contacts than are kept."""

    template = "{given} billing contacts are too many; a workspace keeps at most {limit}."
    given: int
    limit: int


def email_address(text: str) -> str:
    """Give the address without the blanks around it; raises BadEmailAddress."""
    address = text.strip()
    if len(address) > LONGEST_ADDRESS or not _ADDRESS.fullmatch(address):
        raise BadEmailAddress(text[:LONGEST_ADDRESS])
    return address


def check_contacts(addresses: Iterable[str]) -> tuple[str, ...]:
    """Give billing contacts, each once whatever its case.

    Raises BadEmailAddress, NoBillingContact, TooManyBillingContacts.
    """
    found = {address.lower(): address for address in map(email_address, addresses)}
    if not found:
        raise NoBillingContact
    if len(found) > MOST_CONTACTS:
        raise TooManyBillingContacts(len(found), MOST_CONTACTS)
    return tuple(found.values())
