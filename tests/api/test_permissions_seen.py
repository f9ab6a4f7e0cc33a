"""Every field that is more than its parent shows, every node and every door, by every role, compared with the tables."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest
from graphql import GraphQLInterfaceType, GraphQLObjectType, get_named_type, is_leaf_type

from adapters.settings import Settings
from api.permissions import OPEN
from tests.api.companies import key_of, new_company
from tests.api.inputs import SCHEMA, Ids
from tests.api.people import ROLES, SEATS, Crew, codes, crew
from tests.api.permission_table import DOORS, FIELDS, NODES, read
from tests.application import Api
from tests.issuing import AUDIENCE, Issuer

SEEN = read(FIELDS)
# Clocks are operators'; the price book is everybody's.
OF_NO_ACCOUNT = {"PriceBook", "TestClock"}
THING = {
    "BillingAccount": "account",
    "WebhookEndpoint": "endpoint",
    "WebhookDelivery": "delivery",
}


@pytest.fixture(scope="module")
def settings(settings: Settings, issuer: Issuer) -> Settings:
    """Settings of an installation that takes the issuer's tokens."""
    return settings.model_copy(update={"oidc_issuer": issuer.url, "oidc_audience": AUDIENCE})


@pytest.fixture(scope="module")
async def company(operator: Api, issuer: Issuer) -> Crew:
    """A company with a person of each role and seat."""
    return await crew(operator, issuer, await new_company(operator))


def question(field: str, ids: Ids) -> str:
    """Write the shortest question for a field, about a company."""
    type_name, name = field.split(".")
    kind = SCHEMA.type_map[type_name]
    assert isinstance(kind, GraphQLObjectType)
    about = {
        "Query.account": f'(id: "{ids.account}")',
        "Query.workspace": f'(id: "{ids.workspace}")',
        "Query.invoice": f'(id: "{ids.invoice}")',
        "Query.testClock": f'(id: "{ids.clock}")',
        "Query.node": f'(id: "{ids.account}")',
        "Query.entitlements": f'(workspaceId: "{ids.workspace}")',
        "Query.preview": f'(change: {{planChange: {{accountId: "{ids.account}", plan: EXPERT}}}})',
        "Workspace.usageEvent": '(eventId: "an event")',
    }.get(field, "")
    asked = name + about + ("" if is_leaf_type(get_named_type(kind.fields[name].type)) else " { __typename }")
    around = {
        "Query": "{ %s }",
        "Viewer": "{ viewer { %s } }",
        "BillingAccount": f'{{ account(id: "{ids.account}") {{ %s }} }}',
        "Workspace": f'{{ workspace(id: "{ids.workspace}") {{ %s }} }}',
    }
    return around[type_name] % asked


def test_the_tables_know_every_field_and_node_and_no_other() -> None:
    interface = SCHEMA.type_map["Node"]
    assert isinstance(interface, GraphQLInterfaceType)

    assert set(SEEN) == {f"{type_name}.{name}" for type_name in OPEN for name in fields_of(type_name)}
    assert set(read(NODES)) == {kind.name for kind in SCHEMA.get_possible_types(interface)} - OF_NO_ACCOUNT


def fields_of(type_name: str) -> set[str]:
    kind = SCHEMA.type_map[type_name]
    assert isinstance(kind, GraphQLObjectType)
    return set(kind.fields)


@pytest.mark.parametrize("seat", SEATS)
@pytest.mark.parametrize("role", ROLES)
async def test_a_person_is_shown_the_fields_of_the_role_and_no_others(
    company: Crew, role: str, seat: str
) -> None:
    asked = [field for field in SEEN if not field.startswith("Live.")]

    found = {
        field: codes(await company.people[role, seat].post(question(field, company.ids))) for field in asked
    }

    assert {field for field, errors in found.items() if errors} == {
        field for field in asked if role not in SEEN[field].roles
    }
    assert {code for errors in found.values() for code in errors} <= {"FORBIDDEN"}


@pytest.mark.parametrize("seat", SEATS)
@pytest.mark.parametrize("role", ROLES)
async def test_a_person_is_shown_the_nodes_of_the_role_and_no_others(
    company: Crew, role: str, seat: str
) -> None:
    table = read(NODES)

    for name, row in table.items():
        node = getattr(company.ids, THING.get(name, name.lower()))
        answer = await company.people[role, seat].post(f'{{ node(id: "{node}") {{ __typename id }} }}')
        if role in row.roles:
            assert answer["data"] == {"node": {"__typename": name, "id": node}}, name
        else:
            assert (answer["data"], codes(answer)) == ({"node": None}, {"FORBIDDEN"}), name


@pytest.mark.parametrize("seat", SEATS)
@pytest.mark.parametrize("role", ROLES)
async def test_a_person_is_let_through_the_doors_of_the_role_and_no_others(
    http: httpx.AsyncClient, company: Crew, role: str, seat: str
) -> None:
    ids = company.ids
    headers = {"authorization": f"Bearer {company.people[role, seat].key}"}
    event = (
        f'{{"eventId": "{role}{seat}", "metric": "BULK_EMAIL", "quantity": 1, "at": "2026-09-10T08:00:00Z"}}'
    )
    doors = {
        "invoice.pdf": http.build_request("GET", f"/invoices/{ids.invoice}.pdf", headers=headers),
        "invoice.csv": http.build_request("GET", f"/invoices/{ids.invoice}.csv", headers=headers),
        "usage.csv": http.build_request(
            "GET", f"/accounts/{ids.account}/usage.csv?from=2026-09-01&to=2026-09-10", headers=headers
        ),
        "usage": http.build_request(
            "POST",
            f"/usage?workspace={ids.workspace}",
            headers={**headers, "content-type": "application/x-ndjson"},
            content=event,
        ),
    }

    statuses = {name: (await http.send(request)).status_code for name, request in doors.items()}

    assert statuses == {name: 200 if role in row.roles else 403 for name, row in read(DOORS).items()}


async def test_the_keys_of_an_account_are_shown_without_their_secrets(operator: Api, company: Crew) -> None:
    own = await key_of(operator, company.ids.account)
    fields = "publicId name scopes createdAt expiresAt lastUsedAt revokedAt successorPublicId"
    query = f'{{ account(id: "{company.ids.account}") {{ apiKeys {{ {fields} }} }} }}'

    answer = await company.people["BILLING", "LITE"].post(query)

    shown = answer["data"]["account"]["apiKeys"][-1]
    made_at = datetime.fromisoformat(shown.pop("createdAt"))
    assert abs((datetime.now(UTC) - made_at).total_seconds()) < 60
    assert shown == {
        "publicId": own.key.split("_")[1],
        "name": "backend",
        "scopes": sorted(shown["scopes"]),
        "expiresAt": None,
        "lastUsedAt": None,
        "revokedAt": None,
        "successorPublicId": None,
    }
    assert own.key.split("_", 2)[2] not in str(answer)
