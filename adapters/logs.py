"""What a process says on stderr: a line a record, as text or as JSON, and no secret in any of them.

Secrets are taken out of the finished text, so that it does not matter whether they came in a message, an argument or a
traceback. What Python itself would print past the log, such as an exception that ends the process, is led through it.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
from collections.abc import Iterable
from contextvars import ContextVar
from datetime import UTC, datetime
from enum import StrEnum
from types import TracebackType
from typing import Final

from adapters.spans import trace_id

REDACTED: Final = "[redacted]"
SHORTEST_SECRET: Final = 8

request_id: ContextVar[str] = ContextVar("request_id", default="-")
"""The id of the request being served, or "-" outside any."""

_TEXT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_LEVELS: Final = {
    "prorata": logging.INFO,
    "uvicorn": logging.INFO,
    "arq": logging.INFO,
    "arq.worker": logging.WARNING,  # not two lines for every tick
    "opentelemetry": logging.ERROR,  # not a line for each try to reach a collector that is away
}
# Each repetition has an end, so that no text takes long. A key may stand right behind a letter, as in "\npr_...".
_PATTERNS: Final = tuple(
    (re.compile(pattern, re.ASCII), rf"\g<before>{REDACTED}")
    for pattern in (
        r"(?P<before>)pr_[0-9A-Za-z]{4,64}_[-_0-9A-Za-z]{16,200}",
        r"(?P<before>)(?<![0-9A-Za-z])pr_[-_0-9A-Za-z]{6,200}",
        r"(?P<before>)eyJ[-_0-9A-Za-z]{10,1000}\.[-_0-9A-Za-z]{10,6000}\.[-_0-9A-Za-z]{10,1400}",
        r"(?P<before>)(?i:whsec)_[-_+/=0-9A-Za-z]{4,200}",
        r"(?P<before>)[sr]k_(?:live|test|sandbox)_[-_0-9A-Za-z]{1,300}",
        r"(?P<before>)(?<![0-9A-Za-z])[sr]k_[-_0-9A-Za-z]{6,300}",
        r"(?P<before>\b(?i:bearer)(?:\s|%20|\+|\\t){1,8})[^\s\"',;]{1,2000}",
        r"(?P<before>://[^\s:/?#@]{0,200}:)[^\s\"'<>]{1,300}(?=@)",
        r"(?P<before>\b(?i:password|passwd|secret|pepper)[\"']?\s{0,4}[=:]\s{0,4}[\"']?)[^\s\"'&,;)}]{1,300}",
    )
)


class LogFormat(StrEnum):
    """How a record is written."""

    TEXT = "text"
    JSON = "json"


class TextLines(logging.Formatter):
    """Records for people."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__(_TEXT)
        self._secrets = longest_first(secrets)

    def format(self, record: logging.LogRecord) -> str:
        """Write a record, its traceback below it."""
        return redact(super().format(record), self._secrets)


class JsonLines(logging.Formatter):
    """Records for programs: an object a line, in ASCII, with the ids of the request and of the trace it is part of."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        self._secrets = longest_first(secrets)

    def format(self, record: logging.LogRecord) -> str:
        """Write a record, its traceback as one field."""
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if (current := request_id.get()) != "-":
            fields["request_id"] = current
        if (trace := trace_id()) is not None:
            fields["trace_id"] = trace
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            fields["stack"] = record.stack_info
        return json.dumps({name: redact(text, self._secrets) for name, text in fields.items()})


class Stderr(logging.StreamHandler):  # type: ignore[type-arg]  # of the stream that stderr is
    """Writes to stderr. A record that cannot be written is told without what is in it, which may be secret."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Name the place of a record that could not be written."""
        sys.stderr.write(
            f"a record of {record.name} could not be written: {record.filename}:{record.lineno}\n"
        )


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Take out whatever looks like a secret, and the secrets given."""
    for secret in secrets:
        text = text.replace(secret, REDACTED)
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    return text


def longest_first(secrets: Iterable[str]) -> tuple[str, ...]:
    """Give the secrets to take out of texts, in the order to do it."""
    # A secret that holds another is to go as a whole; a very short one would take words apart.
    return tuple(sorted({each for each in secrets if len(each) >= SHORTEST_SECRET}, key=len, reverse=True))


def configure(form: LogFormat, *, secrets: Iterable[str] = ()) -> None:
    """Send all records of the process to stderr in one form, also those of libraries, without the secrets given."""
    handler = Stderr()
    handler.setFormatter(JsonLines(secrets) if form is LogFormat.JSON else TextLines(secrets))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name, level in _LEVELS.items():
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(level)
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_the_end
    sys.unraisablehook = _log_unraisable
    threading.excepthook = _log_thread


def _log_the_end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    logging.getLogger("prorata").critical("the process ends by an exception", exc_info=(kind, error, trace))


def _log_unraisable(told: sys.UnraisableHookArgs) -> None:
    error = told.exc_value
    logging.getLogger("prorata").error(
        "%s", told.err_msg or "an exception could not be raised", exc_info=error
    )


def _log_thread(told: threading.ExceptHookArgs) -> None:
    logging.getLogger("prorata").error("a thread ends by an exception", exc_info=told.exc_value)
