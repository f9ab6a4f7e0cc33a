"""What mails say: every kind as text and HTML, whatever people typed as text and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.headerregistry import Address
from email.message import EmailMessage
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.letters import FORMS, Letter, write
from adapters.mail import message
from adapters.tables.notifications import NOTIFICATION_KINDS
from services.notifications import NoticeKind

BRAND = "Acme Billing"
APP = "https://app.acme.test"
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><a href="https://evil.test">here</a>',
    "{{ 7 * 7 }}{% raw %}",
    "</td></tr></table><h1>Pay here</h1>",
    "Acme\r\nBcc: everyone@evil.test",
    "Acme\nContent-Type: text/html\n\n<b>new body</b>",
    "Acme\u2028Bcc: everyone@evil.test",
    "Acme\x00\x1b[31m",
    "moc.live//:sptth\u202e",
    "=?utf-8?q?=0ABcc=3A_x=40evil.test?=",
    "&lt;b&gt; & <!-- -->",
    "\ud800",
    "a" * 3_000,
]
ELEMENTS = {"html", "head", "meta", "title", "body", "div", "table", "tr", "td", "span", "h1", "p", "a"}

INVOICE = {
    "account": "Lumen Desk",
    "invoice": "9",
    "date": "5 Sep 2026",
    "additional_usage": "$476.35",
    "prorations": "$60.67",
    "subscription": "$594.00",
    "total": "$1,131.02",
    "credit": "-$10.00",
    "due": "$1,121.02",
}
INVOICE_TEXT = """\
Lumen Desk: invoice 9 for $1,131.02

Invoice 9 of 5 Sep 2026 comes to $1,131.02. $1,121.02 of it is charged to the Visa that ends in 4242.

Invoice: 9
Date: 5 Sep 2026
Additional usage: $476.35
Prorations: $60.67
Subscription: $594.00
Total: $1,131.02
Credit applied: -$10.00
Amount due: $1,121.02

Open billing:
https://app.acme.test

--\N{SPACE}
Acme Billing sent you this as a billing contact of Lumen Desk.
"""
ALERT_TEXT = """\
Phone minutes reached 80 % of 4,000 in Support

Phone minutes in Support stands at 3,214 for 5 Aug - 4 Sep 2026: 80 % of its threshold of 4,000. Nothing was stopped.

Where: Support
Period: 5 Aug - 4 Sep 2026
So far: 3,214
Threshold: 4,000
Reaching it costs: $120.00

--\N{SPACE}
Acme Billing sent you this as a billing contact of Lumen Desk.
"""


def letter(kind: str = "INVITE", **given: object) -> Letter:
    usual = {"title": "A line", "body": "A few words.", "facts": {}, "brand": BRAND, "app_url": APP}
    return write(kind=kind, **{**usual, **given})  # type: ignore[arg-type]


class Reader(HTMLParser):
    """Reads a page as a browser would: its elements, where they lead, what they run, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.links: list[str | None] = []
        self.handlers: list[str] = []
        self.words = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.links += [value for name, value in attrs if name in {"href", "src"}]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.words += data


def test_every_kind_of_notice_has_a_form() -> None:
    assert set(FORMS) == set(NOTIFICATION_KINDS) == {kind.value for kind in NoticeKind}


@pytest.mark.parametrize("kind", FORMS)
def test_every_kind_shows_its_facts_with_their_labels(kind: str) -> None:
    told = {name: f"the {name}" for name, _ in FORMS[kind].rows}

    made = letter(kind, facts={"account": "Acme", **told})

    page = Reader(made.html)
    assert page.elements == ELEMENTS
    for name, label in FORMS[kind].rows:
        value = {"account": "Acme", **told}[name]
        assert f"{label}: {value}" in made.text
        assert label in page.words
        assert value in page.words


@pytest.mark.parametrize("kind", FORMS)
def test_a_notice_without_facts_still_makes_a_mail(kind: str) -> None:
    made = letter(kind, app_url=None)

    assert (made.subject, "A few words." in made.text, "A few words." in made.html) == ("A line", True, True)
    assert Reader(made.html).links == []


def test_an_invoice_as_text() -> None:
    title, body = INVOICE_TEXT.split("\n\n")[:2]

    assert letter("INVOICE_ISSUED", title=title, body=body, facts=INVOICE).text == INVOICE_TEXT


def test_an_alert_as_text() -> None:
    title, body = ALERT_TEXT.split("\n\n")[:2]
    facts = {
        "account": "Lumen Desk",
        "where": "Support",
        "level": "80",
        "total": "3,214",
        "threshold": "4,000",
        "period": "5 Aug - 4 Sep 2026",
        "price": "$120.00",
    }

    made = letter("ALERT", title=title, body=body, facts=facts, app_url=None)

    assert made.text == ALERT_TEXT
    assert 'width="80%"' in made.html


def test_lines_of_an_explanation_stand_one_below_the_other() -> None:
    made = letter("RENEWAL_REMINDER", facts={"lines": "3 seats x $85.00\n<b>x</b>"})

    assert "- 3 seats x $85.00\n- <b>x</b>\n" in made.text
    assert "&lt;b&gt;x&lt;/b&gt;" in made.html


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("kind", FORMS)
def test_what_people_typed_is_text_and_nothing_else(kind: str, text: str) -> None:
    names = {name: text for name, _ in FORMS[kind].rows}
    facts = {**names, "account": text, "level": text, "lines": text, "action_url": text}

    made = letter(kind, title=f"{text} invites you", body=f"Hello {text}", facts=facts, brand=text)

    page = Reader(made.html)
    assert page.elements <= ELEMENTS
    assert page.handlers == []
    assert page.links == [APP]
    assert "\u202e" not in made.html + made.text + made.subject
    sent = envelope(made)
    assert set(sent.keys()) == HEADERS
    assert sent.get_all("To") == ["ada@acme.test"]
    assert "\n" not in str(sent["Subject"])


HEADERS = {
    "Subject",
    "From",
    "To",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "MIME-Version",
    "Content-Type",
}


def envelope(made: Letter, *, to: str = "ada@acme.test") -> EmailMessage:
    """Put a letter into an envelope and read it back as it travels."""
    sender = Address(display_name=BRAND, addr_spec="billing@acme.test")
    at = datetime(2026, 9, 1, tzinfo=UTC)
    mail = message(made, sender=sender, to=to, message_id="one", at=at)
    read = message_from_bytes(mail.as_bytes(policy=policy.SMTP), policy=policy.default)
    assert isinstance(read, EmailMessage)
    return read


@given(st.text(max_size=200), st.text(max_size=200))
def test_no_text_breaks_a_mail(title: str, fact: str) -> None:
    made = letter("INVITE", title=title, body=title, facts={"where": fact, "account": fact})

    sent = envelope(made)
    assert set(sent.keys()) == HEADERS
    assert Reader(made.html).elements == ELEMENTS
    assert [part.get_content_type() for part in sent.iter_parts()] == ["text/plain", "text/html"]


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "//evil.test", "", "pay me"]
)
def test_a_button_leads_to_the_web_only(url: str) -> None:
    assert Reader(letter("ACTION_NEEDED", facts={"action_url": url}, app_url=None).html).links == []


def test_a_link_to_pay_is_the_button() -> None:
    made = letter("ACTION_NEEDED", facts={"action_url": "https://pay.test/x?a=1&b=2"})

    assert Reader(made.html).links == ["https://pay.test/x?a=1&b=2"]
    assert "Confirm the payment:\nhttps://pay.test/x?a=1&b=2\n" in made.text


@pytest.mark.parametrize(
    "address",
    [
        "ada@acme.test\r\nBcc: x@evil.test",
        "a\nb@acme.test",
        "ada@acme.test\n",
        "@",
        "ada@",
        "=?utf-8?q?=0ABcc=3A_x=40evil.test?=@acme.test",
    ],
)
def test_an_address_that_would_break_the_header_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        envelope(letter(), to=address)
