"""When the answer is lost: surely nothing happened, or something may have; and the same key always settles it."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest

from adapters.gateway.protocol import Charged, GatewayUnavailable, OutcomeUnknown, RequestRejected
from tests.gateway.conftest import Payer, Payers, gateway_to
from tests.gateway.running_provider import RunningProvider

UNREADABLE = [
    b"",
    b"HTTP/1.1 200",
    b"not HTTP at all\r\n\r\n",
    b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{",
    b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n\xff\xfe",
    b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n{}",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n",
    b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n",
    b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n",
]


@pytest.mark.parametrize("token", ["tok_timeout_after_charge", "tok_error_after_charge"])
async def test_a_charge_whose_answer_is_lost_is_charged_once(
    impatient_payers: Payers, provider: RunningProvider, key: str, token: str
) -> None:
    payer = await impatient_payers.with_token(token)
    with pytest.raises(OutcomeUnknown):
        await payer.pay(key)

    found = await payer.gateway.find_charge(idempotency_key=key)
    again = await payer.pay(key)

    assert isinstance(again, Charged)
    assert found == again
    assert len(provider.log(key)) == 1


@pytest.mark.parametrize(
    ("fault", "is_charged"),
    [
        ({"kind": "status", "status": 503}, False),
        ({"kind": "status", "status": 429}, False),
        ({"kind": "status", "status": 500, "after": True}, True),
        ({"kind": "drop_before"}, False),
        ({"kind": "drop_after"}, True),
        ({"kind": "delay", "seconds": 1, "after": True}, True),
    ],
)
async def test_every_fault_leaves_the_outcome_unknown_and_the_same_key_settles_it(
    impatient_payers: Payers,
    provider: RunningProvider,
    key: str,
    fault: dict[str, object],
    *,
    is_charged: bool,
) -> None:
    payer = await impatient_payers.with_token("tok_visa")
    provider.misbehave(fault)

    with pytest.raises(OutcomeUnknown):
        await payer.pay(key)

    assert len(provider.log(key)) == int(is_charged)
    assert isinstance(await payer.pay(key), Charged)
    assert len(provider.log(key)) == 1


async def test_a_request_on_its_way_may_charge_after_the_provider_said_it_knew_nothing(
    impatient_payers: Payers, provider: RunningProvider, key: str
) -> None:
    payer = await impatient_payers.with_token("tok_visa")
    provider.misbehave({"kind": "delay", "seconds": 1})
    with pytest.raises(OutcomeUnknown):
        await payer.pay(key)

    before = await payer.gateway.find_charge(idempotency_key=key)
    await asyncio.sleep(0.8)
    after = await payer.gateway.find_charge(idempotency_key=key)

    assert before is None
    assert isinstance(after, Charged)


async def test_faults_are_used_up_in_order_and_only_by_what_they_are_meant_for(
    payers: Payers, provider: RunningProvider, key: str
) -> None:
    payer = await payers.with_token("tok_visa")
    provider.misbehave(
        {"kind": "status", "target": "find"}, {"kind": "status", "status": 502}, {"kind": "drop_before"}
    )

    with pytest.raises(OutcomeUnknown, match="502"):
        await payer.pay(key)
    with pytest.raises(OutcomeUnknown, match=r"RemoteProtocolError|ReadError"):
        await payer.pay(key)
    outcome = await payer.pay(key)
    with pytest.raises(OutcomeUnknown, match="503"):
        await payer.gateway.find_charge(idempotency_key=key)

    assert await payer.gateway.find_charge(idempotency_key=key) == outcome


async def test_a_provider_that_is_down_surely_charged_nothing() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))

        with pytest.raises(GatewayUnavailable):
            await _pay_at(closed.getsockname()[1])


async def test_a_provider_that_never_takes_the_call_surely_charged_nothing() -> None:
    with contextlib.ExitStack() as stack:
        full = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())

        with pytest.raises(GatewayUnavailable):
            await _pay_at(full.getsockname()[1])


@pytest.mark.parametrize("answer", UNREADABLE)
async def test_an_answer_that_cannot_be_read_leaves_the_outcome_unknown(answer: bytes) -> None:
    async with answering(answer) as port:
        with pytest.raises(OutcomeUnknown) as unknown:
            await _pay_at(port)

        assert not isinstance(unknown.value, RequestRejected)


async def test_a_trickling_answer_does_not_outlast_the_timeout() -> None:
    async with answering(b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n" + b" " * 900, pause=0.1) as port:
        with pytest.raises(OutcomeUnknown):
            async with asyncio.timeout(2):
                await _pay_at(port)


async def test_a_wrong_api_key_is_told_from_an_unknown_outcome(provider: RunningProvider) -> None:
    async with gateway_to(provider.url, api_key="sk_wrong") as gateway:
        with pytest.raises(RequestRejected, match="unauthorized"):
            await gateway.find_charge(idempotency_key="any")


async def _pay_at(port: int) -> None:
    async with gateway_to(f"http://127.0.0.1:{port}") as gateway:
        await Payer(gateway, "cus_1", "pm_1").pay("invoice:1:1")


@contextlib.asynccontextmanager
async def answering(answer: bytes, *, pause: float = 0) -> AsyncIterator[int]:
    """Take calls on a port and answer each with the bytes, then hang up; with `pause`, between every two bytes."""

    async def answer_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            for place in range(0, len(answer), 1 if pause else len(answer)):
                writer.write(answer[place : place + 1] if pause else answer)
                await writer.drain()
                await asyncio.sleep(pause)
        writer.close()

    server = await asyncio.start_server(answer_one, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
