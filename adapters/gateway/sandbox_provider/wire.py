"""Requests in, errors out: whatever bytes arrive, the answer is never worse than a plain 400."""

import hmac
import re
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

MAX_BODY_BYTES = 64 * 1024
IDEMPOTENCY_KEY = re.compile(r"[!-~]{1,255}")

Shape = TypeVar("Shape")
Handler = Callable[[Request], Awaitable[Response]]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
# The provider's least is $0.50.
Cents = Annotated[int, msgspec.Meta(ge=50, le=10**12)]


class CustomerOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /v1/customers`."""

    name: Text


class AttachOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /v1/payment_methods/attach`. An odd token is refused as a token, not as a request."""

    customer: Text
    token: str


class ChargeOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /v1/charges`."""

    customer: Text
    payment_method: Text
    amount_cents: Cents
    currency: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}\Z")]
    description: Annotated[str, msgspec.Meta(max_length=1000)]


class RefundOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /v1/refunds`."""

    charge: Text
    amount_cents: Annotated[int, msgspec.Meta(ge=1, le=10**12)]


class PageOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /v1/payment_method_pages`."""

    customer: Text
    return_url: Annotated[str, msgspec.Meta(pattern=r"^https?://[!-~]+\Z", max_length=2000)]


class ProviderRefusal(Exception):
    """An answer from 400 on, with the provider's code for it."""

    def __init__(self, status: int, *, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def json_response(content: object, *, status: int = 200) -> Response:
    """Return the content as JSON."""
    return Response(msgspec.json.encode(content), status_code=status, media_type="application/json")


def refusal_response(status: int, *, code: str, message: str) -> Response:
    """Return an error in the one shape all errors have."""
    return json_response({"error": {"code": code, "message": message}}, status=status)


async def body_as(request: Request, shape: type[Shape]) -> Shape:
    """Return the body as `shape`. Raises `ProviderRefusal` if it is too large or not that."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise ProviderRefusal(413, code="body_too_large", message=f"At most {MAX_BODY_BYTES} bytes.")
    try:
        return msgspec.json.decode(bytes(body), type=shape)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        # The message may quote the body, which may hold what no JSON answer can carry.
        message = str(error).encode("ascii", "replace").decode()
        raise ProviderRefusal(400, code="invalid_request", message=message) from error


def idempotency_key(request: Request) -> str:
    """Return the `Idempotency-Key` header. Raises `ProviderRefusal` if it is missing or odd."""
    key = request.headers.get("idempotency-key", "")
    if not IDEMPOTENCY_KEY.fullmatch(key):
        message = "Idempotency-Key must be 1 to 255 visible ASCII characters."
        raise ProviderRefusal(400, code="idempotency_key_required", message=message)
    return key


def guarded(handler: Handler, *, api_key: str) -> Handler:
    """Return the handler behind the API key, its refusals turned into answers."""
    expected = f"Bearer {api_key}".encode()

    async def answer(request: Request) -> Response:
        given = request.headers.get("authorization", "").encode()
        if not hmac.compare_digest(given, expected):
            return refusal_response(401, code="unauthorized", message="The API key is missing or wrong.")
        try:
            return await handler(request)
        except ProviderRefusal as refusal:
            return refusal_response(refusal.status, code=refusal.code, message=refusal.message)
        except ClientDisconnect:
            return refusal_response(400, code="incomplete", message="The request ended before its body did.")

    return answer
