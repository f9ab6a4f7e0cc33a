"""Settings come from the environment; what is missing is named, and no secret is ever shown."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from adapters.gateway.chosen import gateway
from adapters.settings import SettingsError, load_settings

STRIPE = {
    "PRORATA_STRIPE_KEY": "sk_test_hidden-6-stripe-key",
    "PRORATA_STRIPE_WEBHOOK_SECRET": "whsec_hidden-7-stripe-secret",
    "PRORATA_STRIPE_RETURN_URL": "https://app.example/paid",
}
GIVEN = {
    "DATABASE_URL": "postgresql://prorata:hidden-1@db/prorata",
    "REDIS_URL": "redis://:hidden-2@redis/0",
    "PRORATA_SANDBOX_KEY": "hidden-3-sandbox-key",
    "PRORATA_WEBHOOK_SECRET": "whsec_hidden44webhooksecrethidden44web",
    "PRORATA_KEY_PEPPER": "hidden-5-key-pepper",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in GIVEN.items():
        monkeypatch.setenv(name, value)
    for name in ("PORT", "GRAPHIQL", "HOST", "SMTP_URL", "MAIL_FROM", "APP_URL", "PROVIDER"):
        monkeypatch.delenv(f"PRORATA_{name}", raising=False)


def test_what_is_not_secret_has_a_default() -> None:
    settings = load_settings()

    assert (settings.host, settings.port, settings.graphiql) == ("127.0.0.1", 8470, False)
    assert (settings.max_body_bytes, settings.usage_body_bytes, settings.usage_batch) == (
        1_048_576,
        4_194_304,
        1000,
    )


def test_websockets_are_limited_unless_told_otherwise() -> None:
    settings = load_settings()

    assert (settings.live_message_bytes, settings.live_sockets, settings.live_sockets_per_key) == (
        262_144,
        2000,
        5,
    )
    assert (settings.live_subscriptions, settings.live_init_seconds, settings.live_ping_seconds) == (
        20,
        10,
        20,
    )
    assert (settings.live_send_seconds, settings.live_updates_per_second, settings.live_pool_size) == (
        10,
        2,
        5,
    )


def test_a_variable_takes_the_place_of_a_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRORATA_PORT", "9000")
    monkeypatch.setenv("PRORATA_GRAPHIQL", "true")

    settings = load_settings()

    assert (settings.port, settings.graphiql) == (9000, True)


@pytest.mark.parametrize("name", GIVEN)
def test_a_missing_variable_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.delenv(name)

    with pytest.raises(SettingsError, match=rf"\n  {name}: Field required$"):
        load_settings()


def test_a_short_secret_is_refused_without_repeating_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRORATA_KEY_PEPPER", "short")

    with pytest.raises(SettingsError, match="PRORATA_KEY_PEPPER: String should have at least 16") as refused:
        load_settings()

    assert "'short'" not in str(refused.value)


def test_mail_is_off_unless_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRORATA_SMTP_URL", "")

    settings = load_settings()

    assert (settings.smtp_url, settings.mail_from, settings.app_url) == (None, None, None)


@pytest.mark.parametrize(
    "url",
    [
        "smtp://user:p%40ss@mail.example.com:587",
        "smtps://mail.example.com",
        "smtp+plain://127.0.0.1:8473",
    ],
)
def test_a_mail_server_is_an_address_and_needs_a_sender(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("PRORATA_SMTP_URL", url)

    with pytest.raises(SettingsError, match=r"PRORATA_MAIL_FROM: .*set it where PRORATA_SMTP_URL is set"):
        load_settings()

    monkeypatch.setenv("PRORATA_MAIL_FROM", "Acme Billing <billing@acme.example>")
    assert load_settings().smtp_url == url


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PRORATA_SMTP_URL", "http://mail.example.com"),
        ("PRORATA_SMTP_URL", "mail.example.com:25"),
        ("PRORATA_MAIL_FROM", "Acme Billing"),
        ("PRORATA_MAIL_FROM", "Acme\r\nBcc: x <a@b.test>"),
        ("PRORATA_APP_URL", "javascript:alert(1)"),
    ],
)
def test_what_cannot_be_mailed_with_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(SettingsError, match=rf"\n  {name}: "):
        load_settings()


def test_settings_do_not_show_their_secrets() -> None:
    assert "hidden" not in repr(load_settings())


@pytest.mark.parametrize("given", ["1 Main Street | 10119 Berlin|", "1 Main Street\n\n 10119 Berlin"])
def test_the_sellers_address_is_given_in_lines(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("PRORATA_SELLER_ADDRESS", given)

    assert load_settings().seller_lines == ("1 Main Street", "10119 Berlin")


def test_every_secret_is_named_for_the_log_to_leave_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRORATA_METRICS_TOKEN", "hidden-8-metrics-token")
    monkeypatch.setenv("DATABASE_URL", "postgresql://prorata:hidden%2F9@db/prorata")

    found = load_settings().secrets

    assert {"hidden-2", "hidden%2F9", "hidden/9", "hidden-8-metrics-token"} <= set(found)
    assert set(GIVEN.values()) - {GIVEN["DATABASE_URL"], GIVEN["REDIS_URL"]} <= set(found)


@pytest.mark.parametrize("name", ["PRORATA_METRICS_TOKEN", "PRORATA_WORKER_METRICS_PORT"])
def test_metrics_left_empty_are_metrics_not_set(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "")

    settings = load_settings()

    assert (settings.metrics_token, settings.worker_metrics_port) == (None, None)


def test_settings_do_not_change() -> None:
    settings = load_settings()

    with pytest.raises(ValidationError, match="frozen"):
        settings.port = 1


@pytest.fixture
def _stripe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRORATA_PROVIDER", "stripe")
    for name, value in STRIPE.items():
        monkeypatch.setenv(name, value)
    for name in ("PRORATA_SANDBOX_KEY", "PRORATA_WEBHOOK_SECRET"):
        monkeypatch.delenv(name)


async def test_the_sandbox_is_the_provider_unless_another_is_chosen() -> None:
    chosen = gateway(load_settings())
    await chosen.aclose()

    assert type(chosen).__name__ == "SandboxGateway"


@pytest.mark.usefixtures("_stripe")
async def test_stripe_is_chosen_and_needs_nothing_of_the_sandbox() -> None:
    settings = load_settings()
    chosen = gateway(settings)
    await chosen.aclose()

    assert type(chosen).__name__ == "StripeGateway"
    assert "hidden" not in repr(settings)


@pytest.mark.usefixtures("_stripe")
@pytest.mark.parametrize("name", STRIPE)
def test_what_stripe_needs_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.delenv(name)

    with pytest.raises(SettingsError, match=rf"^These.*:\n  {name}: Field required$"):
        load_settings()


@pytest.mark.usefixtures("_stripe")
@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("PRORATA_STRIPE_KEY", "sk_short", "String should have at least 16 characters"),
        ("PRORATA_STRIPE_WEBHOOK_SECRET", "short", "String should have at least 16 characters"),
        ("PRORATA_STRIPE_RETURN_URL", "app.example", "URL should begin with https:// or http://"),
        ("PRORATA_STRIPE_URL", "api.example", "URL should begin with https:// or http://"),
        ("PRORATA_PROVIDER", "paypal", "Input should be 'sandbox' or 'stripe'"),
    ],
)
def test_what_stripe_cannot_use_is_told(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(SettingsError, match=f"\n  {name}: {message}$"):
        load_settings()


OIDC = {
    "PRORATA_OIDC_ISSUER": "https://accounts.example",
    "PRORATA_OIDC_AUDIENCE": "prorata",
    "PRORATA_OIDC_JWKS_URL": "https://accounts.example/keys",
}


def test_without_an_issuer_there_is_none() -> None:
    settings = load_settings()

    assert (settings.oidc_issuer, settings.oidc_audience, settings.oidc_jwks_url) == (None, None, None)


@pytest.mark.parametrize(
    "address", ["https://accounts.example", "http://127.0.0.1:8474", "http://localhost:1", "http://[::1]:1"]
)
def test_an_issuer_has_tls_or_is_of_this_machine(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    for name, value in (OIDC | {"PRORATA_OIDC_ISSUER": address}).items():
        monkeypatch.setenv(name, value)

    assert load_settings().oidc_issuer == address


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"PRORATA_OIDC_ISSUER": "http://accounts.example"}, "PRORATA_OIDC_ISSUER"),
        ({"PRORATA_OIDC_ISSUER": "http://127.0.0.1.evil.example"}, "PRORATA_OIDC_ISSUER"),
        ({"PRORATA_OIDC_ISSUER": "accounts.example"}, "PRORATA_OIDC_ISSUER"),
        ({"PRORATA_OIDC_AUDIENCE": ""}, "PRORATA_OIDC_AUDIENCE: set it where PRORATA_OIDC_ISSUER is set"),
        ({"PRORATA_OIDC_ISSUER": ""}, "PRORATA_OIDC_AUDIENCE: set PRORATA_OIDC_ISSUER too"),
        ({"PRORATA_OIDC_JWKS_URL": "http://accounts.example/keys"}, "PRORATA_OIDC_JWKS_URL"),
    ],
)
def test_an_issuer_that_is_half_told_or_without_tls_is_refused(
    monkeypatch: pytest.MonkeyPatch, changed: dict[str, str], named: str
) -> None:
    for name, value in (OIDC | changed).items():
        monkeypatch.setenv(name, value)

    with pytest.raises(SettingsError, match=named):
        load_settings()
