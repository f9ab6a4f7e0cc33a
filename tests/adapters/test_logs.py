"""No secret is in a line of the log, whatever brought it there; everything else stays readable."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
from typing import NoReturn

import pytest

from adapters.logs import JsonLines, TextLines, redact, request_id

KEY = "pr_a1b2c3d4_0123456789abcdefghijklmn"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"sent {KEY}.", KEY),
        (repr(f"two lines\n{KEY}"), KEY),
        ("pr_made_up", "pr_made_up"),
        ("whsec_bWFkZSB1cC9zZWNyZXQ+Pw==", "bWFkZSB1cC9zZWNyZXQ"),
        ("key=sk_live_51HxCanary", "51HxCanary"),
        ("rk_test_51HxCanary", "51HxCanary"),
        ("?token=%20sk_test_51HxCanary", "51HxCanary"),
        ("'authorization': 'Bearer abc.def-ghi'", "abc.def-ghi"),
        ("bearer%20abcdefgh", "abcdefgh"),
        ("eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJlIG9mIGl0", "c2lnbmF0dXJl"),
        ("postgresql://prorata:s3cr3t/p@ss@db:5432/prorata", "s3cr3t"),
        ("redis://:s3cr3t@redis/0", "s3cr3t"),
        ("connect(password='s3cr3t', user='x')", "s3cr3t"),
        ('{"password": "s3cr3t"}', "s3cr3t"),
    ],
)
def test_what_looks_like_a_secret_is_taken_out(text: str, secret: str) -> None:
    found = redact(text)

    assert secret not in found
    assert "[redacted]" in found


@pytest.mark.parametrize(
    "text",
    [
        "task_id=4711 desk_lamp work_queue",
        "graphql operation=usageRecord error=builtins.ValueError path=a.b at=api/app.py:10:expr_of",
        "http://127.0.0.1:8470/readyz answered; see a@b.test",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


def test_a_secret_of_the_settings_is_taken_out_in_any_place() -> None:
    assert redact("x0123456789y", ["0123456789"]) == "x[redacted]y"


@pytest.mark.parametrize(
    "part", ["://a:", "bearer ", "password=", "pr_", "eyJ", "sk_test_", "whsec_", "a" * 9 + "@"]
)
def test_no_text_takes_long(part: str) -> None:
    began = time.perf_counter()

    redact(part * 10_000)

    assert time.perf_counter() - began < 1.0


def record_of_failure() -> logging.LogRecord:
    try:
        fail()
    except ValueError as error:
        info = (type(error), error, error.__traceback__)
        return logging.LogRecord("prorata.api", logging.ERROR, __file__, 1, "failed for %r", (KEY,), info)


def fail() -> NoReturn:
    raise ValueError("postgresql://u:hidden-word@db/x") from OSError(f"refused {KEY}")


@pytest.mark.parametrize("formatter", [TextLines(), JsonLines()])
def test_arguments_and_tracebacks_are_told_without_their_secrets(formatter: logging.Formatter) -> None:
    line = formatter.format(record_of_failure())

    assert KEY not in line
    assert "hidden-word" not in line
    assert "ValueError" in line
    assert "record_of_failure" in line


def test_a_line_of_json_is_one_line_and_says_whose_request_it_was() -> None:
    token = request_id.set("request-0001")
    try:
        line = JsonLines().format(record_of_failure())
    finally:
        request_id.reset(token)

    told = json.loads(line)
    assert "\n" not in line
    assert told["time"].endswith("+00:00")
    assert (told["level"], told["logger"], told["request_id"]) == ("ERROR", "prorata.api", "request-0001")
    assert told["message"] == "failed for '[redacted]'"
    assert "Traceback (most recent call last)" in told["exception"]


def test_outside_any_request_none_is_named() -> None:
    line = JsonLines().format(logging.LogRecord("a", logging.INFO, "", 1, "x", (), None))

    assert "request_id" not in json.loads(line)


@pytest.mark.parametrize(
    "program",
    [
        "raise ValueError('CANARY')",
        "logging.getLogger('uvicorn.error').error('%d', 'CANARY')",
        "warnings.warn('CANARY')",
        "import threading; t = threading.Thread(target=int, args=('CANARY',)); t.start(); t.join()",
        "d = type('D', (), {'__del__': lambda self: int('CANARY')})(); del d",
        "logging.getLogger('any.library').warning('%s', {'authorization': 'CANARY'})",
    ],
)
@pytest.mark.parametrize("form", ["text", "json"])
def test_nothing_is_printed_past_the_log(program: str, form: str) -> None:
    head = f"import logging, warnings; from adapters import logs; logs.configure(logs.LogFormat('{form}'))\n"

    done = subprocess.run(
        [sys.executable, "-c", head + program.replace("CANARY", KEY[:3] + "' + '" + KEY[3:])],
        capture_output=True,
        text=True,
        check=False,
    )

    assert KEY not in done.stdout + done.stderr
    assert done.stderr
    if form == "json" and "%d" not in program:
        assert [json.loads(line)["level"] for line in done.stderr.splitlines()]
