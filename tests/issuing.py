"""An OpenID Connect issuer that tests make say what they want: a real HTTP server with keys made for the test."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import get_default_algorithms

AUDIENCE = "prorata"
DISCOVERY = "/.well-known/openid-configuration"
MAKE: dict[str, Callable[[], Any]] = {
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
    # One for all tests: they take long to make.
    "RS256": cache(lambda: rsa.generate_private_key(65537, 2048)),
}


@dataclass(slots=True)
class Issuer:
    """An issuer. `documents` is what it answers by path, `asked` how often; a `pause` makes it slow."""

    url: str
    keys: dict[str, tuple[str, Any]] = field(default_factory=dict)
    documents: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    pause: float = 0.0
    is_down: bool = False

    def add_key(self, kid: str, algorithm: str = "ES256") -> None:
        """Make a key and publish it."""
        self.keys[kid] = (algorithm, MAKE[algorithm]())
        self.publish([self.public(each) for each in self.keys])

    def public(self, kid: str) -> dict[str, Any]:
        """Give the public half of a key."""
        algorithm, key = self.keys[kid]
        made = get_default_algorithms()[algorithm].to_jwk(key.public_key(), as_dict=True)
        return {**made, "kid": kid, "use": "sig", "alg": algorithm}

    def publish(self, keys: list[dict[str, Any]]) -> None:
        """Say which keys there are, and where."""
        self.say("/keys", {"keys": keys})
        self.say(DISCOVERY, {"issuer": self.url, "jwks_uri": f"{self.url}/keys"})

    def say(self, path: str, document: object, *, status: int = 200) -> None:
        """Answer a path with a document."""
        self.documents[path] = (status, json.dumps(document).encode())

    def token(self, email: str = "ada@example.com", *, kid: str = "first", **claims: Any) -> str:
        """Sign a token, of an hour unless the claims say otherwise; a claim that is None is left out."""
        algorithm, key = self.keys[kid]
        return jwt.encode(self.claims(email, **claims), key, algorithm=algorithm, headers={"kid": kid})

    def claims(self, email: str = "ada@example.com", **claims: Any) -> dict[str, Any]:
        """Give good claims, but for those told."""
        now = datetime.now(UTC)
        good = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": email,
            "email": email,
            "email_verified": True,
            "iat": now,
            "exp": now + timedelta(hours=1),
        }
        return {name: value for name, value in {**good, **claims}.items() if value is not None}


@contextmanager
def running_issuer() -> Iterator[Issuer]:
    """Start an issuer without keys, and stop it after."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked[self.path] += 1
            time.sleep(made.pause)
            if made.is_down:
                self.close_connection = True
                return
            status, body = made.documents.get(self.path, (404, b""))
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    made = Issuer(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    """A running issuer with a key."""
    with running_issuer() as running:
        running.add_key("first")
        yield running
