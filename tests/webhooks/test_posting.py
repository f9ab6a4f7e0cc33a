"""Messages on the wire: to public addresses only, to the very address that was judged, and never further."""

from __future__ import annotations

import ssl
import time
from collections.abc import AsyncIterator, Iterable

import pytest
import trustme

from adapters.webhooks_out import LONGEST_EXCERPT, Answer, WebhookClient, check_url
from domain.webhooks import EndpointUrlRefused
from tests.webhooks.receiving import Receiver, Reply, receiving

HEADERS = {"webhook-id": "a"}


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as server:
        yield server


async def post(client: WebhookClient, url: str) -> Answer:
    return await client.post(url, body=b"{}", headers=HEADERS)


def local(**given: float) -> WebhookClient:
    """Give a client that may speak to this machine."""
    return WebhookClient(allows_loopback=True, **given)  # type: ignore[arg-type]


def resolving(*answers: Iterable[str], allows_loopback: bool = False) -> tuple[WebhookClient, list[str]]:
    """Give a client whose names lead to these addresses, another list each time, and the names it looked up."""
    left, asked = list(answers), list[str]()

    async def resolve(host: str, _port: int) -> list[str]:
        asked.append(host)
        return list(left.pop(0))

    return WebhookClient(allows_loopback=allows_loopback, resolve=resolve, timeout_seconds=1), asked


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "ftp://example.com/",
        "//example.com/",
        "example.com",
        "",
        "https://",
        "https:///hooks",
        "https://user@example.com/",
        "https://user:pass@example.com/",
        "https://example.com/#part",
        "https://example.com:22/",
        "https://example.com:80/",
        "https://example.com:99999/",
        "https://localhost/",
        "https://api.localhost/",
        "https://127.0.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::a00:1]/",
        "https://exa mple.com/",
        "https://example.com/\r\nx: y",
        "https://example.com/\x00",
        "https://ex\u00e4mple.com/",
        "https://example.com/" + "a" * 2_000,
    ],
)
def test_an_address_that_cannot_be_an_endpoint_is_refused(url: str) -> None:
    with pytest.raises(EndpointUrlRefused):
        check_url(url, allows_loopback=False)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/webhooks?token=a",
        "https://example.com:8443/",
        "https://example.com:3000/",
        "https://xn--exmple-cua.com/",
        "https://1.1.1.1/",
        "https://[2606:4700::1111]/",
    ],
)
def test_an_address_of_the_internet_is_taken(url: str) -> None:
    check_url(url, allows_loopback=False)


@pytest.mark.parametrize(
    ("url", "is_taken"),
    [
        ("http://127.0.0.1:9000/", True),
        ("http://localhost:9000/", True),
        ("http://[::1]:9000/", True),
        ("https://localhost:9000/", True),
        ("http://example.com/", False),
        ("http://10.0.0.1:9000/", False),
        ("https://10.0.0.1:9000/", False),
    ],
)
def test_a_development_installation_may_be_told_of_this_machine_and_no_other(
    *, url: str, is_taken: bool
) -> None:
    if is_taken:
        check_url(url, allows_loopback=True)
        return
    with pytest.raises(EndpointUrlRefused):
        check_url(url, allows_loopback=True)


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["10.0.0.1"],
        ["100.64.0.1"],
        ["::1"],
        ["::ffff:127.0.0.1"],
        ["2002:7f00:1::"],
        ["fe80::1%lo"],
        ["93.184.215.14", "127.0.0.1"],
        ["2606:4700::1111", "fd00::1"],
        [],
    ],
)
async def test_a_name_that_leads_inside_by_any_of_its_addresses_is_not_asked(addresses: list[str]) -> None:
    client, _ = resolving(addresses)

    answer = await post(client, "https://example.com/")

    assert answer.status is None
    assert answer.failure is not None
    assert answer.failure.startswith("the address is refused: its host ")


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1", "0177.0.0.1", "localtest"])
async def test_odd_spellings_of_this_machine_are_seen_through(receiver: Receiver, host: str) -> None:
    answer = await post(WebhookClient(timeout_seconds=5), f"https://{host}:{receiver.port}/")

    assert answer.status is None
    assert receiver.got == []


async def test_a_name_that_changes_its_mind_is_looked_up_once_and_asked_where_it_was_judged(
    receiver: Receiver,
) -> None:
    client, asked = resolving(["127.0.0.1"], ["10.0.0.1"], allows_loopback=True)

    answer = await post(client, f"http://hooks.localhost:{receiver.port}/hooks")

    assert answer.is_delivered
    assert asked == ["hooks.localhost"]
    assert [each.headers["host"] for each in receiver.got] == [f"hooks.localhost:{receiver.port}"]


async def test_the_next_address_is_asked_where_nobody_listens_at_one(receiver: Receiver) -> None:
    client, _ = resolving(["127.9.9.9", "127.0.0.1"], allows_loopback=True)

    answer = await post(client, f"http://hooks.localhost:{receiver.port}/hooks")

    assert answer.is_delivered


async def test_a_receiver_gets_the_bytes_the_headers_and_its_own_name(receiver: Receiver) -> None:
    answer = await post(local(), f"http://localhost:{receiver.port}/hooks?a=1")

    (got,) = receiver.got
    assert answer == Answer(status=200, excerpt="thank you")
    assert (got.path, got.body, got.headers["webhook-id"]) == ("/hooks?a=1", b"{}", "a")
    assert got.headers["host"] == f"localhost:{receiver.port}"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed(receiver: Receiver, status: int) -> None:
    receiver.always = Reply(status, headers=(f"location: http://127.0.0.1:{receiver.port}/inside",))

    answer = await post(local(), receiver.url)

    assert (answer.status, answer.is_delivered) == (status, False)
    assert [each.path for each in receiver.got] == ["/hooks"]


async def test_proxies_of_the_environment_are_not_used(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    assert (await post(local(), receiver.url)).is_delivered


async def test_of_an_answer_without_end_a_kilobyte_is_read(receiver: Receiver) -> None:
    receiver.always = Reply(500, body=b"\x00a\xff" * 10, is_endless=True)

    answer = await post(local(), receiver.url)

    assert answer.status == 500
    assert answer.excerpt is not None
    assert "\x00" not in answer.excerpt
    assert LONGEST_EXCERPT - 20 <= len(answer.excerpt) <= LONGEST_EXCERPT


async def test_a_silent_receiver_is_waited_for_until_the_timeout(receiver: Receiver) -> None:
    receiver.always = Reply(after_seconds=30)
    began = time.monotonic()

    answer = await post(local(timeout_seconds=0.3), receiver.url)

    assert answer == Answer(failure="no answer within 0.3 seconds")
    assert time.monotonic() - began < 2


async def test_a_port_where_nobody_listens_is_a_failure_in_words() -> None:
    async with receiving() as gone:
        url = gone.url

    answer = await post(local(), url)

    assert answer.failure is not None
    assert answer.failure.startswith("the request failed: ")


async def test_the_certificate_must_be_for_the_name_though_the_address_is_asked() -> None:
    authority = trustme.CA()
    trusted, server = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.configure_trust(trusted)
    authority.issue_cert("hooks.localhost").configure_cert(server)

    async def here(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    async with receiving(tls=server) as receiver:
        client = WebhookClient(allows_loopback=True, resolve=here, tls=trusted)
        named = await post(client, f"https://hooks.localhost:{receiver.port}/hooks")
        misnamed = await post(client, f"https://other.localhost:{receiver.port}/hooks")

    assert named.is_delivered
    assert misnamed.failure is not None
    assert "certificate verify failed" in misnamed.failure
    assert [each.headers["host"] for each in receiver.got] == [f"hooks.localhost:{receiver.port}"]
