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
    for name in ("PRORATA_PORT", "PRORATA_GRAPHIQL", "PRORATA_HOST"):
        monkeypatch.delenv(name, raising=False)


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


def test_settings_do_not_show_their_secrets() -> None:
    assert "hidden" not in repr(load_settings())


def test_settings_do_not_change() -> None:
    settings = load_settings()

    with pytest.raises(ValidationError, match="frozen"):
        settings.port = 1
