"""`GET /accounts/<id>/usage.csv`: daily totals by workspace, metric and channel, streamed however many there are."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from graphql import GraphQLError
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from adapters.queries.usage import day_rows
from api.authority import require
from api.context import Context
from api.errors import ApiError, ErrorCode, bad_request, not_found
from api.files import file_headers
from api.nodes import node_id, reached
from api.permissions import VIEW_USAGE
from api.scalars import parse_day
from api.sheets import MEDIA_TYPE, sheet
from domain.calendar import ONE_DAY, Period, add_months
from services.accounts import UnknownAccount, read_account
from services.workspaces import UnknownWorkspace, find_workspace

COLUMNS: Final = ("day", "workspace_id", "workspace", "metric", "channel", "units", "events")
MOST_MONTHS: Final = 13


@dataclass(slots=True)
class Exports:
    """Counts the exports that run: each holds a connection to the database until its reader has all of it."""

    most: int
    running: int = 0

    def begin(self) -> None:
        """Take a place; raises TOO_MANY_REQUESTS when there is none."""
        if self.running >= self.most:
            raise ApiError(
                ErrorCode.TOO_MANY_REQUESTS,
                f"{self.running} exports are running; try again in a few seconds.",
                headers={"retry-after": "5"},
            )
        self.running += 1


async def usage_csv(request: Request, context: Context, *, exports: Exports) -> Response:
    """Answer with the totals from one day to another, both included: `?from=2026-09-01&to=2026-09-30`."""
    found = reached(context.caller, request.path_params["id"], "BillingAccount")
    if found is None or found[0] != found[1]:
        raise not_found(UnknownAccount().message)
    account_id, _ = found
    workspace_id = _workspace(request, context, account_id)
    require(context.caller, VIEW_USAGE, (account_id, workspace_id))
    async with context.sessions() as session:
        try:
            account = await read_account(session, account_id=account_id, wall=context.wall)
            if workspace_id is not None:
                await find_workspace(session, account_id=account_id, workspace_id=workspace_id)
        except (UnknownAccount, UnknownWorkspace) as refusal:
            raise not_found(refusal.message) from refusal
    days = _days(request)

    chunks = _chunks(context, account_id=account_id, workspace_id=workspace_id, days=days)
    headers = file_headers(account.row.name, f"usage-{days.start}-to-{days.end - ONE_DAY}.csv")
    exports.begin()
    return _Export(chunks, exports, headers=headers)


class _Export(StreamingResponse):
    """A stream that gives up its place and its connection at its end, also when its reader goes away."""

    def __init__(
        self, chunks: AsyncGenerator[bytes, None], exports: Exports, *, headers: dict[str, str]
    ) -> None:
        super().__init__(chunks, headers=headers, media_type=MEDIA_TYPE)
        self._chunks, self._exports = chunks, exports

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._exports.running -= 1
            await self._chunks.aclose()


async def _chunks(
    context: Context, *, account_id: UUID, workspace_id: UUID | None, days: Period
) -> AsyncGenerator[bytes, None]:
    yield sheet([COLUMNS])
    named: dict[UUID, str] = {}
    async with context.sessions() as session:
        async for rows in day_rows(session, account_id=account_id, workspace_id=workspace_id, days=days):
            for row in rows:
                if row.workspace_id not in named:
                    named[row.workspace_id] = node_id("Workspace", account_id, row.workspace_id)
            yield sheet(
                (
                    row.day,
                    named[row.workspace_id],
                    row.workspace,
                    row.metric,
                    row.channel,
                    row.units,
                    row.events,
                )
                for row in rows
            )


def _workspace(request: Request, context: Context, account_id: UUID) -> UUID | None:
    node = request.query_params.get("workspace")
    if node is None:
        return None
    found = reached(context.caller, node, "Workspace")
    if found is None or found[0] != account_id:
        raise not_found(UnknownWorkspace().message)
    return found[1]


def _days(request: Request) -> Period:
    first, last = _day(request, "from"), _day(request, "to")
    if last < first:
        raise bad_request(f"The range ends before it begins: from {first} to {last}.")
    if last >= add_months(first, MOST_MONTHS):
        raise bad_request(f"An export covers at most {MOST_MONTHS} months; ask for the rest in another one.")
    return Period(first, last + ONE_DAY)


def _day(request: Request, name: str) -> date:
    sent = request.query_params.get(name)
    if sent is None:
        raise bad_request("Name the days, both included: ?from=2026-09-01&to=2026-09-30.")
    try:
        return parse_day(sent)
    except GraphQLError as wrong:
        raise bad_request(f"`{name}` is no day: {wrong.message}") from None
