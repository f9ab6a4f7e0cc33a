"""What every file of the repository keeps to: no addresses in the locks, no leftovers, one idea told at the top."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("api", "domain", "services", "adapters", "workers")
# Of SQLAlchemy, what a layer above the adapters needs to name the session it was given.
SESSION_TYPES = {"AsyncSession", "async_sessionmaker", "AsyncEngine"}

# Put together here, so that this file holds none of them.
LEFTOVERS = [f"{first}{rest}" for first, rest in (("TO", "DO"), ("FIX", "ME"), ("XX", "X"), ("HA", "CK"))]
ELSEWHERE = [
    *(f"/{folder}/" for folder in ("work/main", "work/shared", "tmp/brief")),
    *(f"{host}.{domain}" for host, domain in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"))),
    *(f"{host}.{domain}" for host, domain in (("unpkg", "com"), ("jsdelivr", "net"), ("docker", "io"))),
]
MEANT_FOR_OTHERS = {"LICENSE"}
# Vendored as published: its own text may say what ours may not.
VENDORED = ("api/static/graphiql/",)


def own_files() -> list[Path]:
    """The files git keeps or would keep; in a copy without git, all but what is hidden or made by tools."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode == 0:
        paths = [ROOT / line for line in listed.stdout.splitlines()]
    else:
        ignored = {
            ".git",
            ".venv",
            ".hypothesis",
            ".data",
            "__pycache__",
            "prorata.egg-info",
            "mutants",
            "results",
        }
        paths = [
            path
            for path in ROOT.rglob("*")
            if not any(p in ignored or p.endswith("_cache") for p in path.parts)
        ]
    return [path for path in paths if path.is_file()]


def own_texts() -> Iterator[tuple[str, str]]:
    for path in own_files():
        name = path.relative_to(ROOT).as_posix()
        if name not in MEANT_FOR_OTHERS and not name.startswith(VENDORED):
            yield name, path.read_text(errors="replace")


def modules(*packages: str) -> Iterator[tuple[str, ast.Module]]:
    for package in packages:
        for path in sorted((ROOT / package).rglob("*.py")):
            if source := path.read_text():  # an empty __init__.py has nothing to say
                yield path.relative_to(ROOT).as_posix(), ast.parse(source)


@pytest.mark.parametrize("name", ["requirements.lock", "requirements.deploy.lock"])
def test_a_lock_names_no_address_and_has_a_hash_for_every_package(name: str) -> None:
    text = (ROOT / name).read_text()

    assert "://" not in text
    unhashed = re.findall(r"^\S+==\S+.*(?<!\\)$", text, flags=re.MULTILINE)
    assert unhashed == []


def test_no_file_speaks_of_the_place_it_was_made_in() -> None:
    found = [(name, word) for name, text in own_texts() for word in ELSEWHERE if word in text]

    assert found == []


def test_nothing_is_left_to_do() -> None:
    marks = re.compile(rf"\b({'|'.join(LEFTOVERS)})\b")

    assert [(name, found[0]) for name, text in own_texts() if (found := marks.search(text))] == []


def test_every_module_says_its_idea_at_the_top() -> None:
    assert [name for name, tree in modules(*PACKAGES, "tests") if not ast.get_docstring(tree)] == []


def test_above_the_adapters_sqlalchemy_is_only_the_type_of_a_session() -> None:
    found = [
        (name, ast.unparse(node))
        for name, tree in modules("api", "services", "workers")
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom) and not names_sessions_only(node)
    ]

    assert found == []


@pytest.mark.parametrize(
    ("line", "is_fine"),
    [
        ("from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker", True),
        ("import sqlalchemy", False),
        ("import sqlalchemy.ext.asyncio as aio", False),
        ("from sqlalchemy import select", False),
        ("from sqlalchemy.ext import asyncio", False),
        ("from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine", False),
        ("import json", True),
    ],
)
def test_an_import_of_sqlalchemy_is_seen(line: str, is_fine: object) -> None:
    node = ast.parse(line).body[0]

    assert isinstance(node, ast.Import | ast.ImportFrom)
    assert names_sessions_only(node) is is_fine


def names_sessions_only(node: ast.Import | ast.ImportFrom) -> bool:
    """Tell whether the import leaves SQLAlchemy alone, but for the types of a session."""
    if isinstance(node, ast.Import):
        return not any(alias.name.partition(".")[0] == "sqlalchemy" for alias in node.names)
    if node.module == "sqlalchemy.ext.asyncio":
        return {alias.name for alias in node.names} <= SESSION_TYPES
    return (node.module or "").partition(".")[0] != "sqlalchemy"
