"""The dashboard by hand: one route, seven statements, the rules of the domain, and nothing in between.

It answers with exactly what the GraphQL query of the benchmark asks for. There is no schema, no key to check, no
validation and no choice of fields: this is what those cost nothing to.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import msgspec
import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.facts import KINDS
from adapters.pricebooks import shipped
from domain.billing import at_moment, look_back, preview, run_rate
from domain.calendar import Period, local_day
from domain.charges import History
from domain.invoicing import Billed, Line, settle, total
from domain.pricebook import Metric, read_price_book
from domain.seats import SeatChange, SeatType
from domain.sections import Section
from domain.usage import read_metric

ACCOUNT = """
    SELECT a.name, a.time_zone, s.id, s.status, s.anchor_on, s.period_start, s.dirty_from
    FROM accounts a JOIN subscriptions s USING (account_id) WHERE account_id = $1 AND s.status <> 'ENDED'"""
FACTS = "SELECT kind, at, position, payload FROM subscription_facts WHERE account_id = $1 ORDER BY position"
SEATS = "SELECT teammate_id, seat, at, position FROM seat_changes WHERE account_id = $1"
USAGE = "SELECT metric, day, units FROM usage_days WHERE account_id = $1 AND day >= $2"
BILLED = """
    SELECT key, section, description, period_start, period_end, service_start, service_end, amount_cents, change_key
    FROM invoice_lines WHERE account_id = $1 AND period_start >= $2"""
INVOICES = """
    SELECT id, number, invoice_on, status, total_cents, due_cents FROM invoices
    WHERE account_id = $1 ORDER BY number DESC LIMIT 6"""
LINES = """
    SELECT invoice_id, section, description, quantity, amount_cents, explanation FROM invoice_lines
    WHERE account_id = $1 AND invoice_id = ANY ($2::uuid[]) ORDER BY invoice_id, position"""

BOOK = read_price_book(shipped())
Row = asyncpg.Record


async def dashboard(request: Request) -> Response:
    """Show an account."""
    now = datetime.now(UTC)
    key = UUID(request.path_params["account"])
    async with request.app.state.pool.acquire() as connection:
        row = await connection.fetchrow(ACCOUNT, key)
        since = look_back(
            anchor=row["anchor_on"],
            period_start=row["period_start"],
            billing_months=1,
            dirty_from=row["dirty_from"],
        )
        facts = await connection.fetch(FACTS, key)
        seats = await connection.fetch(SEATS, key)
        usage = await connection.fetch(USAGE, key, since)
        billed = await connection.fetch(BILLED, key, since)
        invoices = await connection.fetch(INVOICES, key)
        lines = await connection.fetch(LINES, key, [invoice["id"] for invoice in invoices])
    history = _history(ZoneInfo(row["time_zone"]), facts, seats, usage)
    account = {
        "name": row["name"],
        "subscription": _subscription(row["status"], history, _billed(billed), now=now, since=since),
        "usage": _usage(history, now=now),
        "invoices": {"edges": _invoices(invoices, lines)},
    }
    return Response(orjson.dumps({"data": {"account": account}}), media_type="application/json")


def _history(zone: ZoneInfo, facts: list[Row], seats: list[Row], usage: list[Row]) -> History:
    units: dict[tuple[Metric, date], int] = defaultdict(int)
    for row in usage:
        units[Metric(row["metric"]), row["day"]] += row["units"]
    return History(
        zone=zone,
        facts=tuple(
            msgspec.convert(
                {**orjson.loads(row["payload"]), "at": row["at"], "order": row["position"]},
                KINDS[row["kind"]],
            )
            for row in facts
        ),
        seat_changes=tuple(
            SeatChange(
                str(row["teammate_id"]),
                SeatType(row["seat"]) if row["seat"] else None,
                row["at"],
                row["position"],
            )
            for row in seats
        ),
        usage=units,
        books={BOOK.version: BOOK},
    )


def _billed(rows: list[Row]) -> dict[str, Billed]:
    found: dict[str, Billed] = {}
    for row in rows:
        before = found.get(row["key"])
        found[row["key"]] = Billed(
            section=Section(row["section"]),
            description=row["description"],
            period=Period(row["period_start"], row["period_end"]),
            service=Period(row["service_start"], row["service_end"]),
            amount=row["amount_cents"] + (before.amount if before else 0),
            change=row["change_key"],
        )
    return found


def _subscription(
    status: str, history: History, billed: Mapping[str, Billed], *, now: datetime, since: date
) -> dict[str, Any]:
    state = at_moment(history, now)
    assert state
    found = preview(history, billed, now=state, since=since)
    lines = found.lines
    return {
        "status": status,
        "plan": state.phase.plan.value,
        "currentPeriod": {"start": state.period.start, "end": state.period.end},
        "runRate": _money(run_rate(history, now, state)),
        "nextInvoice": {
            "invoiceOn": found.on,
            "total": _money(total(lines)),
            "due": _money(settle(total(lines), 0).due),
            "sections": [_section(section, lines) for section in Section if _of(section, lines)],
        },
    }


def _section(section: Section, lines: Iterable[Line]) -> dict[str, Any]:
    own = _of(section, lines)
    return {
        "label": section.label(),
        "total": _money(total(own)),
        "lines": [
            {
                "description": line.description,
                "quantity": line.quantity,
                "amount": _money(line.amount),
                "explanation": line.explanation,
            }
            for line in own
        ],
    }


def _of(section: Section, lines: Iterable[Line]) -> list[Line]:
    return [line for line in lines if line.section is section]


def _usage(history: History, *, now: datetime) -> dict[str, Any]:
    state = at_moment(history, now)
    assert state
    own: dict[Metric, dict[date, int]] = {metric: {} for metric in Metric}
    for (metric, day), units in history.usage.items():
        if day in state.period:
            own[metric][day] = units
    today = local_day(now, history.zone)
    metrics = []
    for metric in Metric:
        whole = sum(own[metric].values())
        read = read_metric(
            state.phase,
            state.period,
            metric,
            own=own[metric],
            whole=whole,
            by_channel={},
            today=today,
            zone=history.zone,
        )
        metrics.append(
            {
                "metric": metric.value,
                "total": read.total,
                "included": read.included,
                "cost": _money(read.cost),
                "projectedCost": _money(read.projected_cost),
                "series": [
                    {"day": point.day, "units": point.units, "cumulative": point.cumulative}
                    for point in read.points
                ],
            }
        )
    return {"metrics": metrics}


def _invoices(invoices: list[Row], lines: list[Row]) -> list[dict[str, Any]]:
    shown: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for line in lines:
        shown[line["invoice_id"]].append(
            {
                "section": line["section"],
                "description": line["description"],
                "quantity": line["quantity"],
                "amount": _money(line["amount_cents"]),
                "explanation": line["explanation"],
            }
        )
    return [
        {
            "node": {
                "number": row["number"],
                "invoiceOn": row["invoice_on"],
                "status": row["status"],
                "total": _money(row["total_cents"]),
                "due": _money(row["due_cents"]),
                "lines": shown[row["id"]],
            }
        }
        for row in invoices
    ]


def _money(cents: int) -> dict[str, str]:
    sign, left = ("-", -cents) if cents < 0 else ("", cents)
    return {"amount": f"{sign}{left // 100}.{left % 100:02d}"}


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    address = os.environ["DATABASE_URL"].replace("+asyncpg", "")
    async with asyncpg.create_pool(address, min_size=4, max_size=10) as app.state.pool:
        yield


app = Starlette(routes=[Route("/{account}", dashboard, methods=["POST"])], lifespan=_lifespan)

if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ["PRORATA_PORT"]), loop="uvloop", http="httptools", access_log=False)
