"""Everything that differs from one installation to the next, read once from the environment."""

from __future__ import annotations

import re
from enum import StrEnum
from importlib.util import find_spec
from typing import Annotated
from urllib.parse import unquote, urlsplit

from pydantic import Field, NonNegativeInt, PositiveInt, ValidationError, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

from adapters.logs import LogFormat


class SettingsError(Exception):
    """Variables are missing or wrong; the message names each."""


SECRET_LENGTH = 16
MOST_POINTS = 1_000_000_000
"""So that a bucket's contents, in millionths of points, are exact in Lua's numbers."""
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
Secret = Annotated[str, Field(min_length=SECRET_LENGTH, repr=False)]


class Provider(StrEnum):
    """Who takes the payments."""

    SANDBOX = "sandbox"
    STRIPE = "stripe"


NEEDED_BY = {
    "sandbox_key": Provider.SANDBOX,
    "webhook_secret": Provider.SANDBOX,
    "stripe_key": Provider.STRIPE,
    "stripe_webhook_secret": Provider.STRIPE,
    "stripe_return_url": Provider.STRIPE,
}


class Settings(BaseSettings):
    """The settings of the API and the worker. Each is the variable of the same name, with PRORATA_ before it.

    The two addresses are `DATABASE_URL` and `REDIS_URL`, as hosts call them. What has no default must be given.
    """

    model_config = SettingsConfigDict(
        env_prefix="PRORATA_", frozen=True, extra="ignore", populate_by_name=True, hide_input_in_errors=True
    )

    database_url: str = Field(validation_alias="DATABASE_URL", repr=False)
    redis_url: str = Field(validation_alias="REDIS_URL", repr=False)

    host: str = "127.0.0.1"
    port: int = 8470
    graphiql: bool = False

    provider: Provider = Provider.SANDBOX
    """The payment provider. What it needs is required, what only the other needs is not read."""

    sandbox_port: int = 8471
    sandbox_url: str = "http://127.0.0.1:8471"
    sandbox_key: str = Field(default="", validate_default=True, repr=False)
    webhook_secret: str = Field(default="", validate_default=True, repr=False)

    stripe_key: str = Field(default="", validate_default=True, repr=False)
    stripe_webhook_secret: str = Field(default="", validate_default=True, repr=False)
    stripe_return_url: str = Field(default="", validate_default=True)
    """The page a customer is sent to after confirming a payment at the bank."""
    stripe_url: str = ""
    """Takes the place of Stripe's own address."""

    key_pepper: Secret

    oidc_issuer: str | None = None
    """Who signs the tokens of people, as it stands in their `iss`; without it, only keys are taken."""
    oidc_audience: str | None = Field(default=None, validate_default=True)
    """What stands in their `aud`: us."""
    oidc_jwks_url: str | None = Field(default=None, validate_default=True)
    """Where the issuer's keys are; without it, they are found by discovery."""

    smtp_url: str | None = Field(default=None, pattern=r"^(smtps?|smtp\+plain)://[^/\s]+/?$", repr=False)
    """Where mail is handed in; without it mail waits in the outbox."""
    mail_from: str | None = Field(
        default=None, validate_default=True, pattern=r"^[^<>\r\n]*<?[^@<>\s]+@[^@<>\s]+>?$"
    )
    """Who sends it: `Acme Billing <billing@acme.example>`."""
    app_url: str | None = Field(default=None, pattern=r"^https?://\S+$")
    """Where the mails' buttons lead: the page of the product about billing."""

    max_body_bytes: PositiveInt = 1024 * 1024
    usage_body_bytes: PositiveInt = 4 * 1024 * 1024
    usage_batch: PositiveInt = 1000
    """Events in one report."""

    rate_points: NonNegativeInt = Field(default=10_000, le=MOST_POINTS)
    """What a caller may spend at once, in points; 0 for no limit."""
    rate_restore: PositiveInt = Field(default=500, le=MOST_POINTS)
    """Points that come back in a second."""
    sign_in_failures: NonNegativeInt = Field(default=30, le=MOST_POINTS)
    """Wrong keys that an address may send at once; 0 for no limit."""
    sign_in_restore_seconds: PositiveInt = 2
    """After how long it may send one more."""

    seller_name: str = "Prorata"
    """Who issues the invoices, as it stands on the PDF."""
    seller_address: str = ""
    """Lines below the name, such as address and tax number, parted by `|` or line breaks."""
    live_message_bytes: PositiveInt = 256 * 1024
    """The longest message a client may send over a WebSocket."""
    live_sockets: PositiveInt = 2000
    """WebSockets that one API process holds."""
    live_sockets_per_key: PositiveInt = 5
    """WebSockets that one key may have open at one API process."""
    live_subscriptions: PositiveInt = 20
    """Operations that may run at once on one WebSocket."""
    live_init_seconds: PositiveInt = 10
    """How long a WebSocket may stay open without `connection_init`."""
    live_ping_seconds: PositiveInt = 20
    """How often a WebSocket is pinged, and how long the answer may take."""
    live_send_seconds: PositiveInt = 10
    """How long a client may take to read a message before it is cut off."""
    live_updates_per_second: PositiveInt = 2
    """The most values a second that a subscription to usage gives."""
    live_pool_size: PositiveInt = 5
    """Connections to PostgreSQL for what WebSockets ask, beside those for requests."""
    webhook_endpoints: PositiveInt = 10
    """Endpoints an account may have."""
    webhook_overlap_hours: PositiveInt = 24
    """How long the old secret of an endpoint signs beside the new one."""
    webhook_private_hosts: bool = False
    """Whether webhooks may be sent to this very machine, there also without TLS: for development."""

    idempotency_days: PositiveInt = 30
    """How long what was done under an idempotency key is remembered."""

    api_pool_size: PositiveInt = 10
    worker_pool_size: PositiveInt = 10

    log_format: LogFormat = LogFormat.TEXT
    """How the log is written, on stderr: as lines of text or of JSON."""
    metrics_token: str | None = Field(default=None, min_length=SECRET_LENGTH, repr=False)
    """The bearer token of `/metrics`; without it, only callers on this machine see them."""
    worker_metrics_port: int | None = Field(default=None, ge=1, le=65535)
    """Where a worker shows its metrics; without it, nowhere."""

    tracing_endpoint: str | None = Field(
        default=None, validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT", pattern=r"^https?://\S+$", repr=False
    )
    """The OpenTelemetry collector that spans are sent to, over HTTP; without it, there are no spans."""
    tracing_headers: str = Field(default="", validation_alias="OTEL_EXPORTER_OTLP_HEADERS", repr=False)
    """What the exporter sends with them: `authorization=Bearer%20...`. It reads the variable itself."""

    @field_validator(
        "smtp_url",
        "mail_from",
        "app_url",
        "metrics_token",
        "worker_metrics_port",
        "tracing_endpoint",
        "oidc_issuer",
        "oidc_audience",
        "oidc_jwks_url",
        mode="before",
    )
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return value or None

    @field_validator("mail_from")
    @classmethod
    def _mail_has_a_sender(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None and info.data.get("smtp_url"):
            raise ValueError("set it where PRORATA_SMTP_URL is set")
        return value

    @field_validator("tracing_endpoint")
    @classmethod
    def _tracing_is_installed(cls, value: str | None) -> str | None:
        if value is not None and not _is_installed("opentelemetry.exporter.otlp.proto.http"):
            raise ValueError("nothing that sends spans is installed: install prorata[tracing], or unset it")
        return value

    @field_validator("oidc_issuer", "oidc_jwks_url")
    @classmethod
    def _asked_over_tls(cls, value: str | None) -> str | None:
        if value is None or value.startswith("https://"):
            return value
        if urlsplit(value).scheme == "http" and urlsplit(value).hostname in LOOPBACK:
            return value
        raise PydanticCustomError("url", "URL should begin with https://, or be of this machine")

    @field_validator("oidc_audience", "oidc_jwks_url")
    @classmethod
    def _an_issuer_and_for_whom(cls, value: str | None, info: ValidationInfo) -> str | None:
        has_issuer = info.data.get("oidc_issuer") is not None
        if value is None and has_issuer and info.field_name == "oidc_audience":
            raise PydanticCustomError("missing", "set it where PRORATA_OIDC_ISSUER is set")
        if value is not None and not has_issuer:
            raise PydanticCustomError("missing", "set PRORATA_OIDC_ISSUER too")
        return value

    @property
    def secrets(self) -> tuple[str, ...]:
        """Everything in the settings that must never be shown."""
        urls = " ".join((self.database_url, self.redis_url, self.smtp_url or "", self.tracing_endpoint or ""))
        passwords = re.findall(r"://[^\s:/?#@]*:(\S+)@", urls)
        headers = [header.partition("=")[2].strip() for header in self.tracing_headers.split(",")]
        keys = (self.sandbox_key, self.webhook_secret, self.stripe_key, self.stripe_webhook_secret)
        return (
            *filter(None, (*keys, self.key_pepper, self.metrics_token)),
            *passwords,
            *map(unquote, passwords),
            *filter(None, headers),
            *filter(None, map(unquote, headers)),
        )

    @property
    def seller_lines(self) -> tuple[str, ...]:
        """The lines below the seller's name."""
        lines = self.seller_address.replace("|", "\n").splitlines()
        return tuple(line.strip() for line in lines if line.strip())

    @field_validator(*NEEDED_BY)
    @classmethod
    def _given_if_needed(cls, value: str, info: ValidationInfo) -> str:
        if info.data.get("provider") != NEEDED_BY[info.field_name or ""]:
            return value
        if not value:
            raise PydanticCustomError("missing", "Field required")
        if info.field_name != "stripe_return_url" and len(value) < SECRET_LENGTH:
            message = f"String should have at least {SECRET_LENGTH} characters"
            raise PydanticCustomError("string_too_short", message)
        return value

    @field_validator("stripe_return_url", "stripe_url")
    @classmethod
    def _a_web_address(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise PydanticCustomError("url", "URL should begin with https:// or http://")
        return value


def load_settings() -> Settings:
    """Read the environment.

    Raises:
        SettingsError: naming every variable that is missing or wrong.
    """
    try:
        return Settings()  # type: ignore[call-arg]  # the environment gives the rest
    except ValidationError as error:
        wrong = [f"  {_variable(str(each['loc'][0]))}: {each['msg']}" for each in error.errors()]
        raise SettingsError("\n".join(["These variables are missing or wrong:", *wrong])) from None


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # one of the packages that it would be in is not there
        return False


def _variable(location: str) -> str:
    return location if location.isupper() else f"{Settings.model_config['env_prefix']}{location}".upper()
