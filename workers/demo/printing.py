"""Invoices as text, in columns: what each section holds, how each line was worked out, how it was paid."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from textwrap import wrap
from typing import Any
from zoneinfo import ZoneInfo

from workers.demo.client import Client

WIDTH = 96
AMOUNT = 14
DATES = "      {start} - {lastDay}  "

SECTIONS = """
  sections {
    label
    total { amount }
    lines { description servicePeriod { start lastDay } amount { amount } explanation }
  }
"""
INVOICES = f"""
query Invoices($id: ID!, $after: String) {{
  account(id: $id) {{
    invoices(first: 20, after: $after) {{
      edges {{
        node {{
          number invoiceOn status total {{ amount }} creditApplied {{ amount }} due {{ amount }}
          {SECTIONS}
          payments {{ attempt status amount {{ amount }} createdAt reason }}
        }}
      }}
      pageInfo {{ hasNextPage endCursor }}
    }}
  }}
}}
"""
NEXT_INVOICE = f"""
query NextInvoice($id: ID!) {{
  account(id: $id) {{
    subscription {{ nextInvoice {{ invoiceOn total {{ amount }} {SECTIONS} }} }}
  }}
}}
"""


def issued(api: Client, *, account_id: str) -> list[Any]:
    """Give all invoices of an account, oldest first."""
    found: list[Any] = []
    after = None
    while True:
        page = api.ask(INVOICES, id=account_id, after=after)["account"]["invoices"]
        found += [edge["node"] for edge in page["edges"]]
        if not page["pageInfo"]["hasNextPage"]:
            return found[::-1]
        after = page["pageInfo"]["endCursor"]


def upcoming(api: Client, *, account_id: str) -> Any:
    """Give the next invoice of an account with a running subscription."""
    return api.ask(NEXT_INVOICE, id=account_id)["account"]["subscription"]["nextInvoice"]


def invoice_lines(invoice: Any, zone: ZoneInfo) -> Iterator[str]:
    """Write an invoice, issued or upcoming, line by line; dates are those of the zone."""
    title = f"Invoice {invoice['number']}" if "number" in invoice else "Next invoice, if nothing more happens"
    yield ""
    yield _row(f"{title}, {invoice['invoiceOn']}", invoice["total"])
    yield "=" * WIDTH
    for section in invoice["sections"]:
        yield _row(f"  {section['label']}", section["total"])
        for line in section["lines"]:
            yield from _line(line)
    if "status" in invoice:
        yield from _settlement(invoice, zone)


def _line(line: Any) -> Iterator[str]:
    yield _row(f"    {line['description']}", line["amount"])
    dates = DATES.format(**line["servicePeriod"])
    yield from wrap(
        line["explanation"], WIDTH - AMOUNT, initial_indent=dates, subsequent_indent=" " * len(dates)
    )


def _settlement(invoice: Any, zone: ZoneInfo) -> Iterator[str]:
    if Decimal(invoice["creditApplied"]["amount"]):
        yield _row("  Credit applied", invoice["creditApplied"])
    for payment in invoice["payments"]:
        charged_on = datetime.fromisoformat(payment["createdAt"]).astimezone(zone).date()
        why = f": {payment['reason']}" if payment["reason"] else ""
        yield _row(f"  Charge of {charged_on}: {payment['status'].lower()}{why}", payment["amount"])
    yield _row(f"  {invoice['status'].title()}; left to pay", invoice["due"])


def _row(text: str, money: Any) -> str:
    amount = Decimal(money["amount"])
    shown = f"{'-' if amount < 0 else ''}${abs(amount):,}"
    return f"{text:<{WIDTH - AMOUNT}}{shown:>{AMOUNT}}"
