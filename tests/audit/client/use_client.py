"""A program of a client: it calls a running API by a generated package, which knows the schema's types.

`use_client.py ADDRESS KEY ACCOUNT WORKSPACE`, beside the package.
"""

from __future__ import annotations

import asyncio
import sys
from importlib import import_module
from typing import Any


async def use(address: str, key: str, account_id: str, workspace_id: str) -> None:
    """Ask each operation and look at what its types hold."""
    # Generated a moment ago: no checker of types can know it.
    package: Any = import_module("prorata_client")
    headers = {"Authorization": f"Bearer {key}"}
    async with package.Client(url=f"{address}/graphql", headers=headers) as client:
        assert (await client.me()).viewer.is_operator

        account = (await client.account_by_id(id=account_id)).account
        (edge,) = account.invoices.edges
        assert (account.id, account.name) == (account_id, "Acme")
        assert (edge.node.number, edge.node.status) == (1, package.InvoiceStatus.PAID)
        assert not account.invoices.page_info.has_next_page

        given = {"workspaceId": workspace_id, "name": "Grace", "email": "grace@example.com"}
        wanted = package.TeammateInviteInput(**given)
        invited = (await client.invite(input=wanted)).teammate_invite
        again = (await client.invite(input=wanted)).teammate_invite
        assert invited.teammate.status is package.TeammateStatus.PENDING
        assert again.typename__ == "AlreadyPresent", again


if __name__ == "__main__":
    asyncio.run(use(*sys.argv[1:]))
    sys.stdout.write("3 of 3 operations called\n")
