"""The development secrets are made once, differ between installations, and are their owner's alone."""

from __future__ import annotations

from pathlib import Path

from workers.devsecrets import keep_secrets, kept_secrets


def test_the_secrets_stay_the_same_from_start_to_start(tmp_path: Path) -> None:
    first = kept_secrets(tmp_path / "secrets.json")

    assert kept_secrets(tmp_path / "secrets.json") == first
    assert first.keys() == {"sandbox_key", "webhook_secret", "key_pepper", "database_password"}


def test_two_installations_have_no_secret_in_common(tmp_path: Path) -> None:
    one, other = kept_secrets(tmp_path / "one.json"), kept_secrets(tmp_path / "other.json")

    assert not set(one.values()) & set(other.values())


def test_only_the_owner_reads_the_file_also_when_it_is_written_again(tmp_path: Path) -> None:
    path = tmp_path / "data" / "secrets.json"

    kept = kept_secrets(path)
    keep_secrets(path, kept | {"operator_key": "shown once"})

    assert path.stat().st_mode & 0o777 == 0o600
    assert kept_secrets(path)["operator_key"] == "shown once"
