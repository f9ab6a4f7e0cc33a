"""The audits: each a command that ends well or not, and a line of what it says that tells the counts."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

PACKAGES: Final = (
    "graphql@16",
    "graphql-http@1.23.1",
    "graphql-schema-linter@3.0.1",
    "graphql-ws@6.4.2",
    "relay-compiler@21.0.1",
    "standardwebhooks@1",
    "ws@8",
)
CODEGEN: Final = "ariadne-codegen==0.19.0"
SCHEMATHESIS: Final = "schemathesis==4.32.5"
LINTER_RULES: Final = (
    "arguments-have-descriptions",
    "defined-types-are-used",
    "deprecations-have-a-reason",
    "enum-values-all-caps",
    "enum-values-have-descriptions",
    "fields-are-camel-cased",
    "fields-have-descriptions",
    "input-object-values-are-camel-cased",
    "input-object-values-have-descriptions",
    "relay-connection-arguments-spec",
    "relay-connection-types-spec",
    "relay-page-info-spec",
    "types-are-capitalized",
    "types-have-descriptions",
)
CASES: Final = 300
"""How many requests schemathesis sends to each field of Query and Mutation."""

_COLOURS: Final = re.compile(r"\x1b\[[0-9;]*m")
_SHOWN: Final = 4000


@dataclass(frozen=True, slots=True)
class Place:
    """Where the audits run, and the API they judge; `ids` name things of one account."""

    folder: Path
    url: str
    key: str
    ids: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Audit:
    """One tool's: `counts` finds in what it says the text to tell. `commands` end at the first that fails."""

    name: str
    counts: str
    commands: tuple[Sequence[str | Path], ...]
    folder: str = "."
    env: Mapping[str, str] = field(default_factory=dict)


def audits(place: Place) -> Iterator[Audit]:
    """Give the audits in order; the last one leaves nothing of the account as it was."""
    api = (place.url, place.key)
    client = (place.ids["account"], place.ids["workspace"])
    modules = place.folder / "node_modules" / ".bin"
    yield Audit("standardwebhooks", r"\d+ of \d+ .*", (("sh", "-c", "node verify_webhook.mjs < messages"),))
    yield Audit("graphql-ws", r"\d+ of \d+ .*", (("node", "graphql_ws.mjs", *api),))
    yield Audit("graphql-http", r"\d+ of \d+ .*", (("node", "graphql_http.mjs", *api),))
    yield Audit(
        "graphql-schema-linter",
        r"\d+ errors? detected",
        ((modules / "graphql-schema-linter", "schema.graphql", "--rules", ",".join(LINTER_RULES)),),
    )
    yield Audit(
        "relay-compiler",
        r"\d+ reader, .*",
        ((modules / "relay-compiler", "relay.config.json"),),
        folder="relay",
    )
    yield Audit(
        "ariadne-codegen",
        r"\d+ of \d+ .*",
        (
            (*_from(CODEGEN), "ariadne-codegen"),
            (*_from(CODEGEN), "python", "use_client.py", *api, *client),
        ),
        folder="client",
    )
    options = ("--seed", "3", "--no-color", "--exclude-checks", "positive_data_acceptance")
    asked = ("--url", f"{place.url}/graphql", "-H", f"Authorization: Bearer {place.key}")
    yield Audit(
        "schemathesis",
        r"\d+ generated, .*",
        (
            (
                *_from(SCHEMATHESIS),
                "schemathesis",
                "run",
                "schema.graphql",
                "-n",
                str(CASES),
                *options,
                *asked,
            ),
        ),
        env={"SCHEMATHESIS_HOOKS": "scalars", "AUDIT_IDS": " ".join(place.ids.values())},
    )


def run(audit: Audit, place: Place) -> bool:
    """Run an audit, tell its counts in a line, or what it said if it ended badly, and give whether it ended well."""
    said, code = "", 0
    for command in audit.commands:
        done = subprocess.run(
            command,
            cwd=place.folder / audit.folder,
            env=os.environ | audit.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        said, code = said + _COLOURS.sub("", done.stdout), done.returncode
        if code:
            break
    found = re.findall(audit.counts, said)
    is_good = code == 0 and bool(found)
    sys.stdout.write(
        f"{'ok  ' if is_good else 'BAD '} {audit.name}: {found[-1] if found else 'nothing counted'}\n"
    )
    if not is_good:
        sys.stdout.write(f"{said[-_SHOWN:]}\n")
    sys.stdout.flush()
    return is_good


def _from(package: str) -> tuple[str | Path, ...]:
    # An environment of its own, kept by uv: some of these tools want other versions of what we use.
    uv = Path(sys.executable).parent / "uv"
    return (uv, "tool", "run", "--quiet", "--python", sys.executable, "--from", package)
