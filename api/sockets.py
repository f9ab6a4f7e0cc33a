"""GraphQL over WebSocket: one socket, the operations that run on it, and every way in which it ends.

Whoever finds that a socket must end says so with a code; one place ends it. Each message goes out only if the key or
token is still good, and only as fast as the client reads.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from graphql import GraphQLError
from starlette.websockets import WebSocket, WebSocketDisconnect
from strawberry.http import GraphQLRequestData
from strawberry.schema import BaseSchema
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError

from adapters import metrics
from adapters.database import AWAY
from adapters.settings import Settings
from adapters.stopping import stop
from api.charging import charge_request
from api.context import Context
from api.errors import ApiError, ErrorCode, as_api_error, begin_request, error_body
from api.rates import address_of
from api.transport import (
    PROTOCOL,
    BadMessageError,
    Close,
    Complete,
    Init,
    Message,
    Ping,
    Subscribe,
    read_message,
    write_message,
)
from api.view import UNFIT, is_request_error, raise_over_rate, shown_result, unfit_operation
from services.callers import Caller

log = logging.getLogger("prorata.api")

LOOK_SECONDS: Final = 1.0
CLOSE_SECONDS: Final = 2.0


class EndedError(Exception):
    """The socket is to be closed with a code and a reason."""

    def __init__(self, code: Close, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Fate(NamedTuple):
    """How a socket ends; without a code, the client has gone."""

    code: Close | None = None
    reason: str = ""


@dataclass(slots=True)
class Sockets:
    """The sockets of one process: what they share, and how many there are."""

    schema: BaseSchema
    settings: Settings
    identify: Callable[[str, str], Awaitable[Caller]]
    context: Callable[[str, str], Awaitable[Context]]
    open: int = 0
    of_caller: Counter[str] = field(default_factory=Counter)

    async def serve(self, websocket: WebSocket) -> None:
        """Serve one socket from its handshake to its end."""
        begin_request(websocket.scope)
        if PROTOCOL not in websocket.scope.get("subprotocols", ()):
            await websocket.accept()
            await websocket.close(Close.OTHER_PROTOCOL, f"Offer the sub-protocol {PROTOCOL}.")
            return
        await websocket.accept(PROTOCOL)
        if self.open >= self.settings.live_sockets:
            await websocket.close(Close.TRY_LATER, "Too many sockets are open here; try again later.")
            return
        self.open += 1
        socket = Socket(self, websocket)
        try:
            with metrics.open_socket():
                await socket.run()
        finally:
            self.open -= 1
            if socket.caller is not None:
                self.leave(socket.caller)

    def enter(self, caller: Caller) -> None:
        """Count a socket of a caller; raises EndedError if they have too many."""
        if self.of_caller[caller.id] >= self.settings.live_sockets_per_key:
            raise EndedError(Close.TRY_LATER, "The key has too many sockets open; close one, then try again.")
        self.of_caller[caller.id] += 1

    def leave(self, caller: Caller) -> None:
        """Count a socket of a caller no more."""
        self.of_caller[caller.id] -= 1
        if not self.of_caller[caller.id]:
            del self.of_caller[caller.id]


class Socket:
    """One accepted WebSocket."""

    def __init__(self, shared: Sockets, websocket: WebSocket) -> None:
        self._shared = shared
        self._websocket = websocket
        self._settings = shared.settings
        self._authorization = ""
        self._address = address_of(websocket)
        self._has_begun = False
        self._fate: asyncio.Future[Fate] = asyncio.get_running_loop().create_future()
        self._writing = asyncio.Lock()
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self.caller: Caller | None = None

    async def run(self) -> None:
        """Serve until somebody ends it."""
        tasks = [self._start(self._read()), self._start(self._tend())]
        try:
            fate = await self._fate
        finally:
            await stop([*tasks, *self._operations.values(), *self._ending])
        if fate.code is not None:
            # A client that reads nothing cannot be told why it is cut off.
            with suppress(TimeoutError, RuntimeError, WebSocketDisconnect):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self._websocket.close(fate.code, fate.reason)

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return asyncio.create_task(self._guarded(work))

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        """Let work decide the socket's fate by what it raises."""
        try:
            await work
        except EndedError as ended:
            self._end(Fate(ended.code, ended.reason))
        except WebSocketDisconnect:
            self._end(Fate())
        except AWAY as error:
            as_api_error(error)
            self._end(Fate(Close.TRY_LATER, "Try again later."))
        except Exception as error:  # noqa: BLE001  the edge: the log has it, the client a code
            as_api_error(error)
            self._end(Fate(Close.INTERNAL, "Internal error"))

    def _end(self, fate: Fate) -> None:
        if not self._fate.done():
            self._fate.set_result(fate)

    async def _read(self) -> None:
        while True:
            received = await self._websocket.receive()
            if received["type"] == "websocket.disconnect":
                raise WebSocketDisconnect
            text = received.get("text")
            if text is None:
                raise EndedError(Close.BAD_MESSAGE, "Send messages as text.")
            # A character is a byte or more; the server counts them, where it is set up to.
            if len(text) > self._settings.live_message_bytes:
                raise EndedError(Close.TOO_BIG, "The message is too long.")
            try:
                message = read_message(text)
            except BadMessageError as bad:
                raise EndedError(Close.BAD_MESSAGE, str(bad)) from None
            await self._take(message)

    async def _take(self, message: Message) -> None:
        match message:
            case Init():
                await self._begin(message)
            case Ping():
                await self._send(write_message("pong"))
            case Subscribe():
                await self._subscribe(message)
            case Complete() if message.id in self._operations:
                ending = self._start(stop([self._operations.pop(message.id)]))
                self._ending.add(ending)
                ending.add_done_callback(self._ending.discard)
            case _:
                pass

    async def _begin(self, message: Init) -> None:
        if self._has_begun:
            raise EndedError(Close.INIT_TWICE, "Too many initialisation requests")
        self._has_begun = True
        given = [value for name, value in message.payload.items() if name.lower() == "authorization"]
        said = given[0] if given else self._websocket.headers.get("authorization", "")
        self._authorization = said if isinstance(said, str) else ""
        caller = await self._identify()
        self._shared.enter(caller)
        self.caller = caller
        await self._send(write_message("connection_ack"))

    async def _subscribe(self, message: Subscribe) -> None:
        if self.caller is None:
            raise EndedError(Close.UNAUTHORIZED, "Unauthorized")
        if message.id in self._operations:
            raise EndedError(Close.SAME_ID, f"Subscriber for {message.id[:80]} already exists")
        most = self._settings.live_subscriptions
        if max(len(self._operations), len(self._ending)) >= most:
            refused = ApiError(
                ErrorCode.TOO_MANY_REQUESTS,
                f"{most} operations run on this socket, the most there may be. Complete one first.",
                facts={"limit": most},
            )
            await self._send(write_message("error", message.id, error_body(refused)["errors"]))
            return
        self._operations[message.id] = self._start(self._operate(message))

    async def _operate(self, message: Subscribe) -> None:
        try:
            last = await self._answer(message.id, message.operation)
        except ApiError as error:
            if error.code is ErrorCode.UNAUTHENTICATED:
                raise EndedError(Close.FORBIDDEN, error.message) from None
            last = write_message("error", message.id, error_body(error)["errors"])
        if self._is_wanted(message.id):
            # Free before it is told, so that the client may use the id again at once.
            del self._operations[message.id]
            await self._send(last)

    async def _answer(self, own_id: str, operation: GraphQLRequestData) -> str:
        """Send what an operation gives, and return the message that ends it."""
        context = await self._shared.context(self._authorization, self._address)
        stream = await self._shared.schema.stream(
            operation.query,
            variable_values=operation.variables,
            context_value=context,
            operation_name=operation.operation_name,
            operation_extensions=operation.extensions,
        )
        try:
            async with aclosing(stream):
                async for result in stream:
                    assert isinstance(result, ExecutionResult)  # noqa: S101  nothing is deferred in this schema
                    if is_request_error(result):
                        raise_over_rate(result)
                        await charge_request(context)
                        return _refused(own_id, result)
                    await self._identify()
                    if not self._is_wanted(own_id):
                        break
                    await self._send(write_message("next", own_id, shown_result(result)))
        except GraphQLError as error:
            # The guard's, or the parser's by way of its cache: of a stream they are not made a result.
            await charge_request(context)
            return _refused(own_id, PreExecutionError(data=None, errors=[error]))
        return write_message("complete", own_id)

    def _is_wanted(self, own_id: str) -> bool:
        """Tell whether the operation that asks still goes by its id: the client may have completed it."""
        return self._operations.get(own_id) is asyncio.current_task()

    async def _tend(self) -> None:
        """Wait for the client to introduce itself, then look every second whether its key or token is still good."""
        began = asyncio.get_running_loop().time()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if self.caller is not None:
                with suppress(*AWAY):
                    await self._identify()
            elif asyncio.get_running_loop().time() - began >= self._settings.live_init_seconds:
                raise EndedError(Close.INIT_TIMEOUT, "Connection initialisation timeout")

    async def _identify(self) -> Caller:
        try:
            return await self._shared.identify(self._authorization, self._address)
        except ApiError as error:
            is_for_later = error.code in {ErrorCode.UNAVAILABLE, ErrorCode.TOO_MANY_REQUESTS}
            raise EndedError(Close.TRY_LATER if is_for_later else Close.FORBIDDEN, error.message) from None

    async def _send(self, text: str) -> None:
        async with self._writing:
            try:
                async with asyncio.timeout(self._settings.live_send_seconds):
                    await self._websocket.send_text(text)
            except TimeoutError:
                raise EndedError(Close.TOO_SLOW, "The client does not read fast enough.") from None


def _refused(own_id: str, result: ExecutionResult) -> str:
    """Write the message for an operation of which nothing was run, or which ended by an error of its own."""
    cause = (result.errors or [])[0].original_error
    if isinstance(cause, UNFIT):
        return write_message("error", own_id, error_body(unfit_operation(cause))["errors"])
    return write_message("error", own_id, shown_result(result)["errors"])
