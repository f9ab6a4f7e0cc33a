"""Every import contract breaks when it is violated: a contract that cannot break protects nothing."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
PACKAGES = ("api", "domain", "services", "adapters", "workers")

# By contract: files with one import each that must break it.
VIOLATIONS = {
    "layers": {"adapters/planted.py": "import services", "api/planted.py": "import workers"},
    "domain-is-pure": {"domain/money.py": "import time", "domain/calendar.py": "import sqlalchemy"},
    "domain-in-order": {"domain/refusal.py": "import domain.billing", "domain/unplaced.py": ""},
    "strawberry-in-api": {"services/planted.py": "import strawberry"},
    "sql-in-adapters": {"workers/planted.py": "import sqlmodel", "services/planted_sql.py": "import asyncpg"},
    "no-cycles": {"services/one.py": "import services.other", "services/other.py": "import services.one"},
}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The packages and the contracts, to be spoiled."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


@pytest.mark.parametrize("contract", [each["id"] for each in CONTRACTS])
def test_a_planted_violation_breaks_the_contract(copy: Path, contract: str) -> None:
    assert VIOLATIONS[contract]
    for path, line in VIOLATIONS[contract].items():
        spoiled = copy / path
        before = spoiled.read_text() if spoiled.exists() else None
        spoiled.write_text(f'"""Planted."""\n\n{line}\n')
        if contract == "no-cycles" and path == "services/one.py":
            continue  # a cycle takes two

        checked = lint_imports(copy, contract)

        assert "BROKEN" in checked.stdout, checked.stdout + checked.stderr
        assert Path(path).stem in checked.stdout
        if before is None:
            spoiled.unlink()
        else:
            spoiled.write_text(before)


def lint_imports(folder: Path, contract: str) -> subprocess.CompletedProcess[str]:
    program = str(Path(sys.executable).with_name("lint-imports"))
    command = [program, "--no-logo", "--no-cache", "--contract", contract]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
