"""Several who may, at the same moment: somebody is left who manages billing, and each entry of the log stands behind one."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest

from adapters.settings import Settings
from tests.api.companies import new_company
from tests.api.people import codes, join
from tests.application import Api
from tests.issuing import AUDIENCE, Issuer

LOG = "query ($id: ID!) { account(id: $id) { auditLog(first: 100) { edges { node { seq hash previousHash action } } } } }"
PEOPLE = "query ($id: ID!) { workspace(id: $id) { teammates { edges { node { role status } } } } }"


@pytest.fixture(scope="module")
def settings(settings: Settings, issuer: Issuer) -> Settings:
    """Settings of an installation that takes the issuer's tokens."""
    return settings.model_copy(update={"oidc_issuer": issuer.url, "oidc_audience": AUDIENCE})


@pytest.mark.parametrize("mutation", ["teammateRemove", "roleSet"])
async def test_two_admins_who_take_each_other_out_at_once_leave_one(
    operator: Api, issuer: Issuer, mutation: str
) -> None:
    ids = await new_company(operator)
    mine, theirs = [
        await join(operator, ids.workspace, f"{name}@example.com", role="ADMIN")
        for name in ("mine", "theirs")
    ]
    await operator.do("teammateRemove", "teammate { id }", teammateId=ids.teammate)
    other: dict[str, Any] = {} if mutation == "teammateRemove" else {"role": "MEMBER"}

    answers = await asyncio.gather(
        *(
            operator.with_key(issuer.token(f"{name}@example.com")).post(
                f"mutation ($input: {mutation[0].upper()}{mutation[1:]}Input!) {{ {mutation}(input: $input) "
                "{ __typename } }",
                {"input": {"teammateId": teammate, **other}},
            )
            for name, teammate in (("mine", theirs), ("theirs", mine))
        )
    )

    found = await operator.ask(PEOPLE, id=ids.workspace)
    people = [edge["node"] for edge in found["workspace"]["teammates"]["edges"]]
    assert [each for each in people if each == {"role": "ADMIN", "status": "ACTIVE"}] != []
    done = [each for each in answers if each["data"][mutation] and "Payload" in str(each["data"])]
    assert len(done) == 1
    log = await operator.ask(LOG, id=ids.account)
    entries = [edge["node"] for edge in log["account"]["auditLog"]["edges"]]
    assert all(
        newer["previousHash"] == older["hash"] and int(newer["seq"]) == int(older["seq"]) + 1
        for newer, older in itertools.pairwise(entries)
    )
    assert [each["action"] for each in entries[:2]] == [mutation, "teammateRemove"]


async def test_who_loses_the_role_in_a_document_does_nothing_more_in_it(
    operator: Api, issuer: Issuer
) -> None:
    ids = await new_company(operator)
    going = await join(operator, ids.workspace, "going@example.com", role="ADMIN")
    person = operator.with_key(issuer.token("going@example.com"))
    document = """
        mutation ($role: RoleSetInput!, $ally: TeammateInviteInput!, $leave: TeammateRemoveInput!) {
          first: roleSet(input: $role) { __typename }
          second: teammateInvite(input: $ally) { __typename }
          third: teammateRemove(input: $leave) { __typename }
        }"""
    ally = {"workspaceId": ids.workspace, "name": "Ally", "email": "ally@example.com", "role": "ADMIN"}
    role = {"teammateId": going, "role": "MEMBER"}

    answer = await person.post(document, {"role": role, "ally": ally, "leave": {"teammateId": ids.teammate}})

    assert answer["data"] == {"first": {"__typename": "RoleSetPayload"}, "second": None, "third": None}
    assert codes(answer) == {"FORBIDDEN"}
    log = await operator.ask(LOG, id=ids.account)
    assert log["account"]["auditLog"]["edges"][0]["node"]["action"] == "roleSet"
