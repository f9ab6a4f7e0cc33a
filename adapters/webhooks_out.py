"""Webhooks on the wire: signed by the Standard Webhooks scheme, posted to public addresses only.

The host's addresses are looked up once, all of them are judged, and the connection is made to one of those very
addresses, with the host's name kept in TLS and in the Host header: a name that changes its mind in between leads
nowhere. Redirects are not followed, no proxy of the environment is used, and of the answer a kilobyte is read.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Final
from uuid import UUID

import httpx

from adapters.gateway.webhooks import sign, signing_key
from adapters.spans import Kind, span
from domain.webhooks import EndpointUrlRefused, is_loopback, is_public

TIMEOUT_SECONDS: Final = 15.0
LONGEST_EXCERPT: Final = 1024
LONGEST_URL: Final = 2000
HTTPS_PORT: Final = 443
MOST_LOOKUPS: Final = 50
FREE_PORTS: Final = range(1024, 65536)

Resolver = Callable[[str, int], Awaitable[list[str]]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver answered, or why it did not."""

    status: int | None = None
    excerpt: str | None = None
    failure: str | None = None

    @property
    def is_delivered(self) -> bool:
        """Only the 200s say that the message was taken."""
        return self.status is not None and httpx.codes.is_success(self.status)


class WebhookClient:
    """Posts messages. With `allows_loopback`, for development, also to this machine and there without TLS."""

    def __init__(
        self,
        *,
        allows_loopback: bool = False,
        resolve: Resolver | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._allows_loopback = allows_loopback
        self._resolve = resolve or self._look_up
        # Threads of its own: a name server that does not answer holds one, and the loop's own are few.
        self._lookups = ThreadPoolExecutor(MOST_LOOKUPS, thread_name_prefix="webhook-lookup")
        self._timeout_seconds = timeout_seconds
        self._tls = tls or httpx.create_ssl_context(trust_env=False)

    async def post(self, url: str, *, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Post a message within the timeout, whatever the receiver does."""
        facts = {"http.request.method": "POST", "server.address": _host(url)}
        with span("POST webhook", facts, kind=Kind.CLIENT) as call:
            answer = await self._try(url, body=body, headers=headers)
            if answer.status is None:
                call.fail("no answer")
            else:
                call.note({"http.response.status_code": answer.status})
            return answer

    async def _try(self, url: str, *, body: bytes, headers: Mapping[str, str]) -> Answer:
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await self._post(httpx.URL(url), body=body, headers=headers)
        except TimeoutError:
            return Answer(failure=f"no answer within {self._timeout_seconds:g} seconds")
        except EndpointUrlRefused as refused:
            return Answer(failure=f"the address is refused: {refused.reason}")
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ssl.SSLError, UnicodeError) as error:
            return Answer(failure=f"the request failed: {_plain(str(error)) or type(error).__name__}")

    async def _post(self, url: httpx.URL, *, body: bytes, headers: Mapping[str, str]) -> Answer:
        check_url(str(url), allows_loopback=self._allows_loopback)
        host, port = url.raw_host.decode("ascii"), url.port or _usual_port(url)
        addresses = await self._resolve(host, port)
        self._check(addresses, url)
        for address in addresses[:-1]:
            try:
                return await self._send(url, address, body=body, headers=headers)
            except httpx.ConnectError:
                continue
        return await self._send(url, addresses[-1], body=body, headers=headers)

    async def _look_up(self, host: str, port: int) -> list[str]:
        lookup = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        found = await asyncio.get_running_loop().run_in_executor(self._lookups, lookup)
        return list(dict.fromkeys(str(entry[4][0]) for entry in found))

    def _check(self, addresses: list[str], url: httpx.URL) -> None:
        if not addresses:
            raise EndpointUrlRefused("its host has no address")
        for address in addresses:
            may_be_here = self._allows_loopback and is_loopback(address)
            if not may_be_here and (url.scheme != "https" or not is_public(address)):
                raise EndpointUrlRefused(f"its host leads to {address}, which is not a public address")

    async def _send(self, url: httpx.URL, address: str, *, body: bytes, headers: Mapping[str, str]) -> Answer:
        # A transport of its own for each message: nothing of one receiver, cookie or connection, meets another.
        transport = httpx.AsyncHTTPTransport(verify=self._tls, trust_env=False)
        request = httpx.Request(
            "POST",
            url.copy_with(host=address),
            headers={**headers, "host": url.netloc.decode("ascii"), "accept-encoding": "identity"},
            content=body,
            extensions={
                "timeout": httpx.Timeout(self._timeout_seconds).as_dict(),
                "sni_hostname": url.raw_host.decode("ascii"),
            },
        )
        async with transport:
            response = await transport.handle_async_request(request)
            try:
                return Answer(status=response.status_code, excerpt=await _excerpt(response))
            finally:
                await response.aclose()


def signed(body: bytes, *, message_id: UUID, timestamp: int, secrets: tuple[str, ...]) -> dict[str, str]:
    """Give the headers of a message: one signature for each secret, the newest first."""
    name = str(message_id)
    signatures = [
        sign(body, key=signing_key(secret), message_id=name, timestamp=timestamp) for secret in secrets
    ]
    return {
        "content-type": "application/json",
        "user-agent": "Prorata-Webhooks/1",
        "webhook-id": name,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }


def check_url(text: str, *, allows_loopback: bool) -> None:
    """Look at an endpoint's address as far as that can be done without looking its host up.

    Raises EndpointUrlRefused.
    """
    if len(text) > LONGEST_URL:
        raise EndpointUrlRefused(f"it is longer than {LONGEST_URL} characters")
    if not text.isascii() or not text.isprintable() or " " in text:
        raise EndpointUrlRefused("it holds letters that an address is not written with")
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        raise EndpointUrlRefused("it is not an address such as https://example.com/webhooks") from None
    host = url.raw_host.decode("ascii")
    if url.scheme not in {"https", "http"} or not host:
        raise EndpointUrlRefused("it is not an address such as https://example.com/webhooks")
    if url.scheme == "http" and not allows_loopback:
        raise EndpointUrlRefused("it must begin with https://")
    if url.userinfo:
        raise EndpointUrlRefused("it holds a name or password; the signature is what proves who sends")
    if url.fragment:
        raise EndpointUrlRefused("it holds a fragment, which is never sent")
    if url.port is not None and url.port != _usual_port(url) and url.port not in FREE_PORTS:
        raise EndpointUrlRefused(
            f"its port must be {HTTPS_PORT}, or from {FREE_PORTS[0]} to {FREE_PORTS[-1]}"
        )
    _check_literal(host, is_secure=url.scheme == "https", allows_loopback=allows_loopback)


def _check_literal(host: str, *, is_secure: bool, allows_loopback: bool) -> None:
    """Refuse a host that says by itself that it is not public; a name says nothing yet, unless it is localhost."""
    is_local_name = host == "localhost" or host.endswith(".localhost")
    try:
        is_here, is_fine = is_loopback(host), is_public(host)
    except ValueError:
        is_here, is_fine = is_local_name, is_secure and not is_local_name
    if not is_fine and not (is_here and allows_loopback):
        raise EndpointUrlRefused("its host is not a public one")
    if not is_secure and not is_here:
        raise EndpointUrlRefused("it must begin with https://")


def _host(url: str) -> str:
    try:
        return httpx.URL(url).raw_host.decode("ascii")
    except httpx.InvalidURL:
        return ""


def _usual_port(url: httpx.URL) -> int:
    return HTTPS_PORT if url.scheme == "https" else 80


async def _excerpt(response: httpx.Response) -> str:
    taken = b""
    async for chunk in response.aiter_raw():
        taken += chunk[: LONGEST_EXCERPT - len(taken)]
        if len(taken) >= LONGEST_EXCERPT:
            break
    return _plain(taken.decode(errors="replace"))


def _plain(text: str) -> str:
    """Leave out what PostgreSQL cannot store and a terminal would obey."""
    return "".join(letter for letter in text if letter.isprintable() or letter in "\n\t")[:LONGEST_EXCERPT]
