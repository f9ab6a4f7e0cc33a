"""Over WebSocket too the second wall stands alone: a process whose own check of ids is down follows nothing of another's."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.api.companies import key_of, new_company
from tests.application import Api
from tests.live.running_api import running_api, talk
from tests.live.test_between_processes import EVERY

FIRST_WALL_DOWN = """
from services.callers import Caller

Caller.may_reach = lambda *_: True

from workers.__main__ import main

main(["serve"])
"""
NODE = "query ($id: ID!) { node(id: $id) { __typename } }"


@pytest.fixture(scope="module")
def sabotaged_url(env: dict[str, str], operator_key: str) -> Iterator[str]:
    """The address of a process with one wall."""
    with running_api(env, None, FIRST_WALL_DOWN) as url:
        yield url


async def test_what_is_anothers_is_neither_followed_nor_asked_for(
    sabotaged_url: str, operator_key: str
) -> None:
    async with httpx.AsyncClient(base_url=sabotaged_url, timeout=60, trust_env=False) as http:
        operator = Api(http, operator_key)
        theirs, ours = [await new_company(operator, name=name) for name in "AB"]
        key = (await key_of(operator, ours.account)).key
    follows = [(query, getattr(theirs, kind)) for query, kind in EVERY.values()]

    async with talk(sabotaged_url, key=key) as socket:
        for number, (query, node) in enumerate([*follows, (NODE, theirs.invoice), (NODE, ours.invoice)]):
            payload = {"query": query, "variables": {"id": node}}
            await socket.say({"type": "subscribe", "id": str(number), "payload": payload})
        heard = [await socket.hear() for _ in range(len(follows) + 4)]

    errors = [each["payload"][0]["extensions"]["code"] for each in heard if each["type"] == "error"]
    values = {each["id"]: each["payload"]["data"] for each in heard if each["type"] == "next"}
    assert errors == ["NOT_FOUND"] * len(follows)
    assert values == {
        str(len(follows)): {"node": None},
        str(len(follows) + 1): {"node": {"__typename": "Invoice"}},
    }
