"""The sandbox provider as a real process, and somebody on a real port who receives its webhooks."""

import contextlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

API_KEY = "sk_test_provider"
WEBHOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@dataclass(frozen=True, slots=True)
class RunningProvider:
    """A provider that listens at `url`. Its `log` is the judge of what was charged."""

    url: str
    process: subprocess.Popen[str]
    client: httpx.Client

    def request(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        """Ask the provider directly, with the API key unless other headers are given for it."""
        return self.client.request(method, path, **kwargs)

    def log(self, key: str) -> list[dict[str, Any]]:
        """Return what the provider says it charged under a key."""
        charges: list[dict[str, Any]] = self.request("GET", "/v1/charges").json()["charges"]
        return [charge for charge in charges if charge["idempotency_key"] == key]

    def misbehave(self, *faults: dict[str, object]) -> None:
        """Order faults."""
        self.request("POST", "/_faults", json=list(faults)).raise_for_status()

    def webhooks(self) -> dict[str, int]:
        """Return how many webhooks are pending, delivered and so on."""
        tally: dict[str, int] = self.request("GET", "/_webhooks").json()
        return tally


@contextlib.contextmanager
def running_provider(*options: str) -> Iterator[RunningProvider]:
    """Start a provider on a free port with the options, and stop it after."""
    with running(
        "adapters.gateway.sandbox_server", "--port", "0", "--api-key", API_KEY, *options
    ) as provider:
        yield provider


@contextlib.contextmanager
def running(module: str, *options: str) -> Iterator[RunningProvider]:
    """Start a provider's program, which prints its address first, and stop it after."""
    command = [sys.executable, "-m", module, *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            url = process.stdout.readline().strip()
            headers = {"authorization": f"Bearer {API_KEY}"}
            with httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=10) as client:
                yield RunningProvider(url=url, process=process, client=client)
        finally:
            process.terminate()


@dataclass(frozen=True, slots=True)
class Delivery:
    """One webhook as it came in."""

    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Receiver:
    """Answers each webhook with the next of `answers`, then with 200, and keeps them all."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)

    def about(self, key: str) -> list[Delivery]:
        """Return the deliveries that name an idempotency key."""
        return [delivery for delivery in self.deliveries if f'"{key}"'.encode() in delivery.body]


@contextlib.contextmanager
def receiver() -> Iterator[Receiver]:
    """Receive webhooks on a free port."""
    receives = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receives.deliveries.append(Delivery(headers=headers, body=body))
            planned = receives.answers.pop(0) if receives.answers else 200
            self.send_response(planned if self.path == "/webhooks" else 404)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receives.url = f"http://127.0.0.1:{server.server_address[1]}/webhooks"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield receives
        server.shutdown()
