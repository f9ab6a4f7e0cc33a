"""What the documents and the examples name is there: commands, variables, files, and every piece of GraphQL."""

from __future__ import annotations

import re
from pathlib import Path
from typing import cast

import click
import pytest
from graphql import parse, validate

from adapters.settings import Settings
from api.graphiql import FILES
from api.guard import GuardLimits
from api.schema import schema
from workers.__main__ import main

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / name for name in ("README.md", "OPERATIONS.md", "CONTRIBUTING.md", "CHANGELOG.md")]
README, OPERATIONS = (path.read_text() for path in DOCUMENTS[:2])
SNIPPETS = re.findall(r"```graphql\n(.*?)```", README, flags=re.DOTALL)
EXAMPLES = sorted((FILES / "examples").glob("*.graphql"))
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))


def code(path: Path) -> list[str]:
    """What a document shows as code, in lines and inside them."""
    text = path.read_text()
    blocks = re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    return lines + re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_graphql_in_the_readme_fits_the_schema(snippet: str) -> None:
    assert validate(schema._schema, parse(snippet)) == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_in_graphiql_fits_the_schema(path: Path) -> None:
    assert validate(schema._schema, parse(path.read_text())) == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_fits_its_half_of_a_window(path: Path) -> None:
    assert [line for line in path.read_text().splitlines() if len(line) > 54] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_every_make_target_named_is_there(path: Path) -> None:
    named = {found[1] for text in code(path) if (found := re.match(r"make ([a-z]+)", text))}

    assert named <= TARGETS


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_every_command_named_is_there(path: Path) -> None:
    for text in code(path):
        if found := re.match(r"prorata ([a-z-]+)(?: ([a-z]+))?", text):
            command = main.commands[found[1]]
            if found[2]:
                assert found[2] in cast("click.Group", command).commands


def test_every_setting_is_told_with_its_name_and_no_other_is() -> None:
    settings = {
        str(field.validation_alias or f"PRORATA_{name.upper()}")
        for name, field in Settings.model_fields.items()
    }
    told = set(re.findall(r"\bPRORATA_[A-Z_]+\b|\b[A-Z]+_URL\b|\bOTEL_[A-Z_]+\b", README + OPERATIONS))
    of_migrate = {str(option.envvar) for option in main.commands["migrate"].params}
    ports_of_dev = {
        f"PRORATA_{name}_PORT" for name in ("POSTGRES", "VALKEY", "MAILBOX", "MAILBOX_SMTP", "ISSUER")
    }
    read_by_the_sdk = {"OTEL_TRACES_SAMPLER", "OTEL_SERVICE_NAME"}

    assert told == settings | of_migrate | ports_of_dev | read_by_the_sdk


def test_the_limits_told_are_the_limits() -> None:
    limits = GuardLimits()
    told = (
        f"{limits.tokens:,} tokens, {limits.operations} operations, {limits.fragments} fragments, depth {limits.depth}, "
        f"{limits.fields} fields, {limits.aliases} aliases, {limits.directives} directives, {limits.cost:,} objects"
    )

    assert told in OPERATIONS


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_every_file_linked_or_named_is_there(path: Path) -> None:
    text = path.read_text()
    linked = [link for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
    named = [
        word for word in code(path) if re.fullmatch(r"[a-z]+(/[\w.]+)*/|[\w/]+\.(py|md|yaml|graphql)", word)
    ]

    missing = [name for name in linked + named if not (ROOT / name).exists()]

    assert [
        name
        for name in missing
        if name
        not in {"tables/", "queries/", "migrations/", "gateway/", "embedded/", "mailbox/", "issuer/", "oidc/"}
    ] == []
