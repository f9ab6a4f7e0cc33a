"""A small client of the API: queries, mutations and the bulk door for usage, over plain HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

TIMEOUT_SECONDS = 60


class CallFailedError(Exception):
    """The API answered with an error or a refusal; the message is the API's own."""


@dataclass(frozen=True, slots=True)
class Client:
    """The API under one key."""

    http: httpx.Client

    def ask(self, query: str, **variables: Any) -> Any:
        """Send a GraphQL document and give its data."""
        answer = self._sent("/graphql", json={"query": query, "variables": variables}).json()
        if "errors" in answer:
            raise CallFailedError(answer["errors"][0]["message"])
        return answer["data"]

    def do(self, mutation: str, fields: str, **given: Any) -> Any:
        """Run a mutation and give the named fields of its payload; a refusal is raised."""
        name = mutation[0].upper() + mutation[1:]
        result = self.ask(
            f"""mutation {name}($input: {name}Input!) {{
              {mutation}(input: $input) {{
                ... on {name}Payload {{ {fields} }}
                ... on UserError {{ __typename message }}
              }}
            }}""",
            input=given,
        )[mutation]
        if "message" in result:
            raise CallFailedError(f"{mutation}: {result['__typename']}: {result['message']}")
        return result

    def post_usage(self, workspace_id: str, events: Sequence[dict[str, Any]]) -> list[Any]:
        """Send usage events through the bulk door and give their outcomes, in order."""
        response = self._sent(
            "/usage",
            params={"workspace": workspace_id},
            content="\n".join(map(json.dumps, events)),
            headers={"content-type": "application/x-ndjson"},
        )
        return [json.loads(line) for line in response.text.splitlines()]

    def _sent(self, path: str, **request: Any) -> httpx.Response:
        try:
            response = self.http.post(path, **request)
        except httpx.HTTPError as error:
            raise CallFailedError(
                f"{self.http.base_url}{path}: {str(error) or type(error).__name__}"
            ) from error
        if not response.is_success:
            raise CallFailedError(f"{response.status_code} from {path}: {response.text}")
        return response


@contextmanager
def connect(url: str, key: str) -> Iterator[Client]:
    """Give a client for an address and a key; proxies named in the environment are passed by."""
    headers = {"authorization": f"Bearer {key}"}
    with httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT_SECONDS, trust_env=False) as http:
        yield Client(http)
