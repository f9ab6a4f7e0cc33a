"""Each benchmark runs at its smallest size: it checks what it did and prints its table; no figure is asserted."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize(
    ("name", "smallest"),
    [
        ("ingest", ["--rounds", "1", "--batches", "1"]),
        ("close", ["--rounds", "1", "--companies", "200"]),
        ("dashboard", ["--rounds", "1", "--requests", "4"]),
    ],
)
def test_a_benchmark_still_measures(name: str, smallest: list[str]) -> None:
    command = [sys.executable, "-m", f"benchmarks.{name}", *smallest]

    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=ROOT)

    assert ran.returncode == 0, ran.stderr
    assert "limit: " in ran.stdout
