"""What a customer's browser sees of the provider: a payment to confirm, and a payment method to choose.

| Page                        | Buttons                                                                        |
|-----------------------------|--------------------------------------------------------------------------------|
| `/pages/confirm/{charge}`   | "Confirm payment" and "Refuse": the charge is decided and its webhook sent     |
| `/pages/payment-method/{page}` | one for each test card: back to the page's `return_url` with `token=` added |

Whoever knows the address may use it, as with the links a real provider mails; its last part cannot be guessed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from jinja2 import Environment, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from adapters.gateway.sandbox_provider.book import Book, Decision
from adapters.gateway.sandbox_provider.postman import Postman
from adapters.gateway.sandbox_provider.records import Charge
from adapters.gateway.sandbox_provider.tokens import TOKENS
from adapters.gateway.sandbox_provider.wire import MAX_BODY_BYTES, ProviderRefusal

HEADERS: Final = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}
FRAME: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; color: #1a1f36; background: #f6f8fa; margin: 0; padding: 3rem 1rem; }
  main { max-width: 30rem; margin: 0 auto; background: #fff; border: 1px solid #e3e8ee; border-radius: 12px; padding: 2rem; }
  h1 { font-size: 1.25rem; margin: 0 0 .75rem; }
  .amount { font-size: 2rem; font-weight: 600; margin: .25rem 0 1.25rem; }
  .note { color: #697386; font-size: .875rem; margin-bottom: 0; }
  button, a.button { display: block; box-sizing: border-box; width: 100%; margin: .4rem 0; padding: .5rem .9rem;
    border: 1px solid #c1c9d2; border-radius: 8px; background: #fff; color: inherit; font: inherit; cursor: pointer;
    text-align: left; text-decoration: none; }
  button.first { background: #3d4eac; border-color: #3d4eac; color: #fff; }
  button.plain, button.first, a.button { text-align: center; }
  button small { float: right; line-height: 1.5rem; color: #697386; }
  button:hover, a.button:hover { border-color: #3d4eac; }
</style>
<main><h1>{{ title }}</h1>{{ body | safe }}
<p class="note">This is the sandbox payment provider. It moves no money.</p></main>
"""
CONFIRM: Final = """<p>Your bank wants you to confirm this payment.</p>
<p class="amount">{{ amount }}</p><p>{{ description }}</p>
<form method="post">
<button class="first" name="decision" value="confirmed">Confirm payment</button>
<button class="plain" name="decision" value="refused">Refuse</button></form>"""
METHODS: Final = """<p>Choose a test card.</p>
<form method="post">{% for token, card in cards %}
<button name="token" value="{{ token }}">{{ token }}<small>{{ card.told }}</small></button>
{%- endfor %}</form><a class="button" href="{{ return_url }}">Cancel</a>"""
CHOICES: Final[Mapping[str, Decision]] = {"confirmed": "confirmed", "refused": "refused"}
OUTCOMES: Final = {
    "succeeded": ("Payment confirmed", "The payment was made. You can close this page."),
    "declined": ("Payment not made", "The payment was not made. You can close this page."),
}

_templates: Final = Environment(autoescape=True, undefined=StrictUndefined)
_frame: Final = _templates.from_string(FRAME)
_confirm: Final = _templates.from_string(CONFIRM)
_methods: Final = _templates.from_string(METHODS)
_sentence: Final = _templates.from_string("<p>{{ sentence }}</p>")


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages, on the provider's memory."""

    book: Book
    postman: Postman

    def routes(self) -> list[Route]:
        """Return where the pages are."""
        return [
            Route("/pages/confirm/{id}", self.confirm, methods=["GET", "POST"]),
            Route("/pages/payment-method/{id}", self.payment_method, methods=["GET", "POST"]),
        ]

    async def confirm(self, request: Request) -> Response:
        """Show a charge that waits, or decide it."""
        try:
            charge = self.book.find(request.path_params["id"])
        except ProviderRefusal:
            return _nowhere()
        if request.method == "POST":
            decision = CHOICES.get((await _form(request)).get("decision", ""))
            if decision:
                charge, is_new = self.book.decide(charge.id, decision)
                if is_new:
                    self.postman.announce(charge)
        return _about(charge)

    async def payment_method(self, request: Request) -> Response:
        """Show the test cards, or send the browser back with the one that was chosen."""
        try:
            page = self.book.page(request.path_params["id"])
        except ProviderRefusal:
            return _nowhere()
        if request.method == "POST":
            token = (await _form(request)).get("token", "")
            if token in TOKENS:
                return RedirectResponse(_with_token(page.return_url, token), status_code=303, headers=HEADERS)
        body = _methods.render(cards=TOKENS.items(), return_url=page.return_url)
        return _page("Add a payment method", body)


def _about(charge: Charge) -> Response:
    if charge.status == "action_needed":
        amount = f"{charge.currency} {charge.amount_cents // 100:,}.{charge.amount_cents % 100:02}"
        return _page("Confirm your payment", _confirm.render(amount=amount, description=charge.description))
    title, sentence = OUTCOMES[charge.status]
    return _page(title, _sentence.render(sentence=sentence))


def _nowhere() -> Response:
    sentence = "This address leads nowhere. Perhaps it was not copied whole."
    return _page("Page not found", _sentence.render(sentence=sentence), status=404)


def _page(title: str, body: str, *, status: int = 200) -> Response:
    # What the body was made of is escaped already.
    return HTMLResponse(_frame.render(title=title, body=body), status_code=status, headers=HEADERS)


async def _form(request: Request) -> dict[str, str]:
    """Return the fields of a form; of bytes that are none, nothing."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            return {}
    return dict(parse_qsl(body.decode(errors="replace")))


def _with_token(url: str, token: str) -> str:
    parts = urlsplit(url)
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), ("token", token)])
    return urlunsplit(parts._replace(query=query))
