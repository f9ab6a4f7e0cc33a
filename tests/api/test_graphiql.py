"""GraphiQL comes whole from the package: the page names no other place, and its files are the recorded ones."""

import hashlib
import re
from pathlib import Path

import pytest
from graphql import parse
from httpx import ASGITransport, AsyncClient
from starlette.applications import Starlette

from api.graphiql import FILES, graphiql_page, graphiql_routes

RECORDED = dict(
    re.findall(r"^\| `([^`]+)` .* `([0-9a-f]{64})` \|$", (FILES / "VENDOR.md").read_text(), re.MULTILINE)
)


async def fetch(path: str) -> tuple[int, dict[str, str], bytes]:
    app = Starlette(routes=graphiql_routes())
    async with AsyncClient(transport=ASGITransport(app), base_url="http://prorata") as client:
        response = await client.get(path)
    return response.status_code, dict(response.headers), response.content


def test_the_page_and_its_own_files_name_no_other_origin() -> None:
    own = graphiql_page() + (FILES / "page.js").read_text() + (FILES / "page.css").read_text()

    assert "://" not in own
    assert not re.search(r"""(?:src|href|url)\s*[=(:]\s*["']?//""", own)


async def test_every_file_the_page_names_is_served() -> None:
    named = re.findall(r'(?:src|href)="(/[^"]+)"', graphiql_page())

    served = {path: (await fetch(path))[0] for path in named}

    assert len(named) == len(RECORDED) + 2
    assert set(served.values()) == {200}


def test_vendored_files_are_the_recorded_ones() -> None:
    own = {"page.js", "page.css"}

    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in FILES.glob("*.[jc]s*")}

    assert {name: found[name] for name in found.keys() - own} == RECORDED


@pytest.mark.parametrize("name", ["react-and-react-dom", "graphiql-and-plugin-explorer", "graphiql-explorer"])
def test_each_vendored_package_brings_its_licence(name: str) -> None:
    assert "Permission is hereby granted" in (FILES / "licenses" / f"{name}.txt").read_text()


async def test_the_browser_is_told_to_stay_here() -> None:
    status, headers, body = await fetch("/graphiql")

    assert status == 200
    assert b"<title>Prorata</title>" in body
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "connect-src 'self'" in headers["content-security-policy"]


@pytest.mark.parametrize("path", sorted((FILES / "examples").iterdir()), ids=lambda path: path.stem)
def test_each_example_is_graphql_and_in_the_page(path: Path) -> None:
    text = path.read_text()

    assert parse(text).definitions
    assert text.splitlines()[0] in graphiql_page()
