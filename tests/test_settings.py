"""Settings come from the environment; what is missing is named, and no secret is ever shown."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from adapters.settings import SettingsError, load_settings

GIVEN = {
    "DATABASE_URL": "postgresql://prorata:hidden-1@db/prorata",
    "REDIS_URL": "redis://:hidden-2@redis/0",
    "PRORATA_SANDBOX_KEY": "hidden-3-sandbox-key",
    "PRORATA_WEBHOOK_SECRET": "hidden-4-webhook-secret",
    "PRORATA_KEY_PEPPER": "hidden-5-key-pepper",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in GIVEN.items():
        monkeypatch.setenv(name, value)
    for name in ("PORT", "GRAPHIQL", "HOST", "SMTP_URL", "MAIL_FROM", "APP_URL"):
        monkeypatch.delenv(f"PRORATA_{name}", raising=False)


def test_what_is_not_secret_has_a_default() -> None:
    settings = load_settings()

    assert (settings.host, settings.port, settings.graphiql) == ("127.0.0.1", 8470, False)
    assert (settings.max_body_bytes, settings.usage_body_bytes, settings.usage_batch) == (
        1_048_576,
        4_194_304,
        1000,
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


def test_settings_do_not_change() -> None:
    settings = load_settings()

    with pytest.raises(ValidationError, match="frozen"):
        settings.port = 1
