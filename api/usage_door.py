"""`POST /usage`: the bulk door for product backends. One JSON event a line in, one JSON outcome a line out, in order."""

from __future__ import annotations

from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from adapters import metrics
from api.authority import require
from api.context import Context
from api.errors import ApiError, ErrorCode, bad_request, not_found, too_large
from api.node_ids import decode_node_id
from api.nodes import as_uuid
from api.permissions import RECORD_USAGE
from api.rates import REQUEST_POINTS, items_points
from domain.events import BatchTooLarge, SentEvent
from services import usage
from services.accounts import UnknownAccount, read_account
from services.usage import Outcome
from services.workspaces import UnknownWorkspace

NDJSON = "application/x-ndjson"


class Event(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """A line of the body: the fields of UsageEventInput."""

    event_id: str
    metric: str
    quantity: int | float
    at: str
    channel: str | None = None
    conversation_id: str | None = None
    properties: dict[str, str] | None = None


_decoder = msgspec.json.Decoder(Event)
_encoder = msgspec.json.Encoder()


async def record(request: Request, context: Context, *, limit: int) -> Response:
    """Record the events of a body for the workspace named in the query string: `POST /usage?workspace=<id>`.

    A line that is no event refuses the whole body, so that nothing is half recorded; everything that can be wrong with
    an event is an outcome of that event.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != NDJSON:
        raise ApiError(
            ErrorCode.UNSUPPORTED_MEDIA_TYPE, f"Send one JSON event a line, as Content-Type: {NDJSON}."
        )
    lines = [line for line in (await request.body()).split(b"\n") if line.strip()]
    # What is over the limit is refused unread.
    await context.allowance.charge(max(REQUEST_POINTS, items_points(min(len(lines), limit))))
    account_id, workspace_id = _workspace(request, context)
    events = _events(lines, limit=limit)
    async with context.sessions.begin() as session:
        try:
            account = await read_account(session, account_id=account_id, wall=context.wall)
            outcomes = await usage.record(
                session, account, workspace_id=workspace_id, events=events, limit=limit
            )
        except (UnknownWorkspace, UnknownAccount) as refusal:
            raise not_found(UnknownWorkspace().message) from refusal
        except BatchTooLarge as refusal:
            raise too_large(refusal.message) from refusal
    metrics.events_recorded(outcome.status for outcome in outcomes)
    return Response(_encoder.encode_lines(map(_shown, outcomes)), media_type=NDJSON)


def sent_event(event: Event) -> SentEvent:
    """Give an event as the use case takes it."""
    return SentEvent(
        event.event_id,
        event.metric,
        whole_number(event.quantity),
        event.at,
        event.channel,
        event.conversation_id,
        event.properties,
    )


def whole_number(number: float) -> int | None:
    """Read a JSON number as a whole one, 3.0 as 3; None for any other, which is no quantity."""
    return int(number) if number == number // 1 else None


def _workspace(request: Request, context: Context) -> tuple[UUID, UUID]:
    ref = decode_node_id(request.query_params.get("workspace", ""))
    workspace_id = as_uuid(ref.local_id) if ref and ref.type_name == "Workspace" else None
    if ref is None or ref.account_id is None or workspace_id is None:
        raise not_found("Name the workspace: POST /usage?workspace=<the workspace's id>.")
    if not context.caller.may_reach(ref.account_id):
        raise not_found(UnknownWorkspace().message)
    require(context.caller, RECORD_USAGE, (ref.account_id, workspace_id))
    return ref.account_id, workspace_id


def _events(lines: list[bytes], *, limit: int) -> list[SentEvent]:
    if not lines:
        raise bad_request("The body holds no event.")
    if len(lines) > limit:
        raise too_large(BatchTooLarge(len(lines), limit).message)
    return [_event(number, line) for number, line in enumerate(lines, start=1)]


def _event(number: int, line: bytes) -> SentEvent:
    try:
        return sent_event(_decoder.decode(line))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        raise bad_request(f"Line {number} is not an event: {wrong}") from None


def _shown(outcome: Outcome) -> dict[str, str]:
    shown = {"eventId": outcome.event_id, "status": outcome.status.value}
    if outcome.reason and outcome.message:
        shown |= {"reason": outcome.reason.value, "message": outcome.message}
    return shown
