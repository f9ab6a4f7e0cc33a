"""What a mail says: subject, text and HTML, made of a notice's title, body and facts by the templates in `mails/`.

Whatever people typed is escaped by the template engine, and a name the templates misspell is an error. A notice without
facts still makes a good mail of its title and body.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

LONGEST_SUBJECT = 150
TEMPLATES = Path(__file__).parent / "mails"
# They turn the order of letters around, so that an address can look like another.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail's content."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Form:
    """How a kind of mail looks: its colour, the facts it lists with their labels, and what its button says."""

    tone: str
    label: str
    rows: tuple[tuple[str, str], ...] = ()
    button: str = "Open billing"


_AMOUNTS = (("invoice", "Invoice"), ("due", "Amount due"))
_LIMIT = (("where", "Where"), ("metric", "Channel"), ("total", "Used in this period"), ("limit", "Limit"))

FORMS: Mapping[str, Form] = {
    "ALERT": Form(
        "amber",
        "Usage alert",
        (
            ("where", "Where"),
            ("period", "Period"),
            ("total", "So far"),
            ("threshold", "Threshold"),
            ("price", "Reaching it costs"),
        ),
    ),
    "LIMIT_DISABLED": Form("red", "Limit reached", _LIMIT),
    "LIMIT_ENABLED": Form("green", "Limit lifted", _LIMIT),
    "RENEWAL_REMINDER": Form("blue", "Renewal", (("date", "Renews on"), ("amount", "Amount"))),
    "INVOICE_ISSUED": Form(
        "blue",
        "Invoice",
        (
            ("invoice", "Invoice"),
            ("date", "Date"),
            ("additional_usage", "Additional usage"),
            ("prorations", "Prorations"),
            ("subscription", "Subscription"),
            ("total", "Total"),
            ("credit", "Credit applied"),
            ("carried", "Carried over"),
            ("due", "Amount due"),
        ),
    ),
    "WEBHOOK_DISABLED": Form("red", "Webhooks turned off", (("endpoint", "Endpoint"), ("reason", "Reason"))),
    "PAYMENT_FAILED": Form(
        "red",
        "Payment failed",
        (
            *_AMOUNTS,
            ("reason", "Reason"),
            ("next_attempt", "Next attempt"),
            ("freeze_on", "Access is frozen on"),
        ),
        button="Update payment method",
    ),
    "ACTION_NEEDED": Form(
        "amber",
        "Action needed",
        (*_AMOUNTS, ("freeze_on", "Access is frozen on")),
        button="Confirm the payment",
    ),
    "FROZEN": Form("red", "Access frozen", _AMOUNTS, button="Pay now"),
    "RESTORED": Form("green", "Access restored"),
    "INVITE": Form(
        "blue",
        "Invite",
        (("where", "Workspace"), ("account", "Account"), ("seat", "Seat"), ("until", "Open until")),
        button="Accept the invite",
    ),
}


def write(
    *, kind: str, title: str, body: str, facts: Mapping[str, str], brand: str, app_url: str | None
) -> Letter:
    """Write a mail. `brand` names who sends it; its button leads to the fact `action_url`, or to `app_url`."""
    form = FORMS[kind]
    told = {name: "\n".join(map(one_line, str(text).split("\n"))) for name, text in facts.items()}
    line = one_line(title)
    given = {
        "kind": kind,
        "form": form,
        "title": line,
        "heading": _heading(line, told.get("account", "")),
        "body": one_line(body),
        "facts": told,
        "rows": [(name, label, told[name]) for name, label in form.rows if told.get(name)],
        "lines": told.get("lines", "").splitlines(),
        "percent": _percent(told.get("level", "")),
        "link": _web_address(told.get("action_url")) or _web_address(app_url),
        "brand": one_line(brand) or "Billing",
    }
    return Letter(
        subject=_shortened(line),
        text=_engine().get_template("mail.txt.j2").render(given),
        html=_engine().get_template("mail.html.j2").render(given),
    )


def one_line(text: str) -> str:
    """Give text without what could break a line or turn its letters around."""
    plain = (
        " " if unicodedata.category(letter) in {"Cc", "Cs", "Zl", "Zp"} else letter
        for letter in text
        if letter not in _TURNING
    )
    return " ".join("".join(plain).split())


@cache
def _engine() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(enabled_extensions=("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _heading(title: str, account: str) -> str:
    """Give a title without the name of the account, which stands above it."""
    heading = title.removeprefix(f"{account}: ") if account else title
    return heading[:1].upper() + heading[1:]


def _percent(level: str) -> int | None:
    return min(int(level), 100) if level.isascii() and level.isdigit() else None


def _web_address(url: str | None) -> str | None:
    """Give an address that a button may lead to: of the web, and nothing that runs."""
    return url if url and urlsplit(url).scheme in {"http", "https"} else None


def _shortened(title: str) -> str:
    return title if len(title) <= LONGEST_SUBJECT else f"{title[: LONGEST_SUBJECT - 1]}\u2026"
