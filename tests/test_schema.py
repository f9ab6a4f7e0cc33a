"""The public schema: what is committed is what is served, everything is described, and the conventions hold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLUnionType,
    get_named_type,
    get_nullable_type,
    is_list_type,
    is_specified_scalar_type,
    parse,
    validate,
    validate_schema,
)
from hypothesis import given
from hypothesis import strategies as st

from api.node_ids import NodeRef, decode_node_id, encode_node_id
from api.nodes import FINDERS
from api.schema import schema as served

SDL = Path(__file__).parent.parent / "api" / "schema.graphql"
SCHEMA = served._schema
MUTATIONS = SCHEMA.mutation_type.fields if SCHEMA.mutation_type else {}
RENEW = "The schema changed. Look at the difference, then: python -m api.schema > api/schema.graphql"
VERBS = "Create|Open|Revoke|Advance|Set|Invite|Resend|Accept|Switch|Remove|Start|Extend|Convert|Change|Add|Record|TakeBack|TurnOff|Pay|Buy|Cancel|Resume|Migrate|Sign|Amend|End|Move|Correct|Void|WriteOff|Read|ReadAll|Rotate|Redeliver|Test"
MUTATION = re.compile(rf"[a-z]+([A-Z][a-z]+)*?({VERBS})")
# Every list that is no connection, and why it is never long.
SHORT_LISTS = {
    "Query.seatAbilities": "a table of the rules",
    "Query.roles": "a table of the rules",
    "RolePermissions.permissions": "a table of the rules",
    "Membership.permissions": "a table of the rules",
    "Viewer.permissions": "a table of the rules",
    "Viewer.memberships": "the workspaces of one person",
    "PriceBook.plans": "a table of the rules",
    "PriceBook.metrics": "a table of the rules",
    "MetricPrices.tiers": "a table of the rules",
    "BillingAccount.workspaces": "places where teams work, opened one by one",
    "Workspace.billingContacts": "at most 50",
    "Teammate.seatHistory": "one person's changes of seat",
    "Invoice.sections": "at most three",
    "Invoice.lines": "a few for each day of a period on which something changed",
    "Invoice.creditNotes": "made by hand",
    "Verification.differences": "at most a few for each line",
    "UsageEventTrace.tiers": "a table of the rules",
    "UsageEventTrace.billedOn": "one, and the adjustments of one period",
    "UsageEventTrace.alertsFired": "at most three for each alert",
    "Payment.refunds": "made by hand",
    "StatementLine.entries": "at most three",
    "Invoice.payments": "four by themselves, and those made by hand",
    "UpcomingInvoice.sections": "at most three",
    "InvoiceSectionGroup.lines": "part of an invoice's",
    "InvoiceSectionGroup.changes": "one for each day of a period on which something changed",
    "ProrationChange.lines": "two",
    "InvoiceLine.tiers": "a table of the rules",
    "InvoiceLine.causes": "what happened on one day",
    "BillingAccount.alerts": "at most one for each thing to watch",
    "BillingAccount.limits": "at most one for each metric",
    "Workspace.alerts": "at most one for each thing to watch",
    "Workspace.limits": "at most one for each metric",
    "Workspace.entitlements": "a table of the rules",
    "Query.entitlements": "a table of the rules",
    "Alert.levels": "at most three",
    "Alert.fired": "at most three for each threshold set in a period",
    "UsageOverview.metrics": "a table of the rules",
    "UsageOverview.seats": "one for each day of a period",
    "MetricUsage.series": "one for each day of a period",
    "MetricUsage.channels": "a table of the rules",
    "Contract.usage": "at most one for each metric",
    "BillDifference.dueNow": "at most two: what a change issues at once",
    "BillDifference.addedLines": "part of an invoice's",
    "BillDifference.droppedLines": "part of an invoice's",
    "YearlyStartPayload.invoices": "at most two: what a change issues at once",
    "SeatsBuyPayload.invoices": "at most two: what a change issues at once",
    "RenewalSetPayload.invoices": "at most two: what a change issues at once",
    "SubscriptionCancelPayload.invoices": "at most two: what a change issues at once",
    "SubscriptionResumePayload.invoices": "at most two: what a change issues at once",
    "EarlyStageStartPayload.invoices": "at most two: what a change issues at once",
    "BookMigratePayload.invoices": "at most two: what a change issues at once",
    "ContractSignPayload.invoices": "at most two: what a change issues at once",
    "ContractAmendPayload.invoices": "at most two: what a change issues at once",
    "ContractEndPayload.invoices": "at most two: what a change issues at once",
    "NotificationReadPayload.notifications": "at most 100, those given",
    "BillingAccount.apiKeys": "made by hand",
    "ApiKey.scopes": "a table of the rules",
    "BillingAccount.webhookEndpoints": "at most ten, by setting",
    "AuditEntry.permissions": "a table of the rules",
    "AuditEntry.changes": "at most 100",
    "AuditChange.fields": "the columns of a row",
    "WebhookEndpoint.kinds": "a table of the rules",
    "UsageRecordPayload.outcomes": "one for each event sent, at most 1,000",
}


def test_the_committed_schema_is_the_one_served() -> None:
    assert SDL.read_text() == f"{served.as_str()}\n", RENEW


def test_the_schema_is_valid() -> None:
    assert validate_schema(SCHEMA) == []


def test_everything_public_is_described() -> None:
    assert [place for place, text in descriptions() if not (text or "").strip()] == []


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_mutation_takes_one_input_and_answers_with_one_union(name: str) -> None:
    field = MUTATIONS[name]
    prefix = name[0].upper() + name[1:]
    result = get_nullable_type(field.type)
    assert isinstance(result, GraphQLUnionType)
    payload, *refusals = result.types

    assert MUTATION.fullmatch(name), f"{name} does not begin with its noun and end with its verb"
    assert {argument: str(of.type) for argument, of in field.args.items()} == {"input": f"{prefix}Input!"}
    assert (str(field.type), result.name, payload.name) == (
        f"{prefix}Result",
        f"{prefix}Result",
        f"{prefix}Payload",
    )
    assert refusals
    assert all("UserError" in [each.name for each in refusal.interfaces] for refusal in refusals)


def test_refusals_are_shown_by_mutations_and_nothing_else_is_one() -> None:
    interface = SCHEMA.type_map["UserError"]
    assert isinstance(interface, GraphQLInterfaceType)
    shown = {
        member.name
        for field in MUTATIONS.values()
        for member in getattr(get_nullable_type(field.type), "types", ())
        if not member.name.endswith("Payload")
    }

    # A preview tells which refusal the mutation would answer.
    assert {kind.name for kind in SCHEMA.get_possible_types(interface)} == shown | {"ChangeRefused"}


def test_every_list_is_a_connection_or_short_by_its_nature() -> None:
    lists = {
        f"{kind.name}.{name}"
        for kind in objects()
        for name, field in kind.fields.items()
        if is_list_type(get_nullable_type(field.type)) and not kind.name.endswith("Connection")
    }

    assert lists == set(SHORT_LISTS)


def test_connections_take_pages_and_nothing_else_does() -> None:
    for kind in objects():
        for name, field in kind.fields.items():
            is_connection = get_named_type(field.type).name.endswith("Connection")
            assert ({"first", "after"} <= set(field.args)) == is_connection, f"{kind.name}.{name}"


def test_a_connection_has_the_shape_that_relay_pages_through() -> None:
    pages = [kind for kind in objects() if kind.name.endswith("Connection")]

    for page in pages:
        edge = SCHEMA.type_map[f"{page.name.removesuffix('Connection')}Edge"]
        assert isinstance(edge, GraphQLObjectType)
        assert str(page.fields["edges"].type) == f"[{edge.name}!]!"
        assert str(page.fields["pageInfo"].type) == "PageInfo!"
        assert str(edge.fields["cursor"].type) == "String!"
        assert "node" in edge.fields
    assert pages


def test_the_operations_of_the_audited_client_are_of_this_schema() -> None:
    operations = Path(__file__).parent / "audit" / "client" / "operations.graphql"

    assert validate(SCHEMA, parse(operations.read_text())) == []


def test_lists_hold_no_nulls() -> None:
    for kind in objects():
        for name, field in kind.fields.items():
            of = get_nullable_type(field.type)
            if isinstance(of, GraphQLList):
                assert isinstance(of.of_type, GraphQLNonNull), f"{kind.name}.{name}"


def test_no_number_of_the_schema_is_a_float() -> None:
    assert "Float" not in SCHEMA.type_map


def test_things_are_given_as_references_not_as_ids() -> None:
    for kind in objects():
        ids = {name for name, field in kind.fields.items() if get_named_type(field.type).name == "ID"}
        assert ids <= {"id"}, kind.name


def test_whatever_has_an_id_is_a_node() -> None:
    for kind in objects():
        is_node = "Node" in [each.name for each in kind.interfaces]
        assert ("id" in kind.fields) == is_node, kind.name


def test_every_node_is_found_by_its_id() -> None:
    nodes = {kind.name for kind in objects() if "Node" in [each.name for each in kind.interfaces]}

    assert nodes == FINDERS.keys()


@given(
    st.sampled_from(sorted(kind for kind in SCHEMA.type_map if not kind.startswith("_"))),
    st.none() | st.uuids(),
    st.uuids().map(str) | st.integers(min_value=0).map(str),
)
def test_a_node_id_leads_back_to_what_it_names(
    type_name: str, account_id: UUID | None, local_id: str
) -> None:
    ref = NodeRef(type_name, account_id, local_id)

    assert decode_node_id(encode_node_id(ref)) == ref


@given(st.text(max_size=100))
def test_a_text_is_the_only_id_of_what_it_names_or_names_nothing(text: str) -> None:
    ref = decode_node_id(text)

    assert ref is None or encode_node_id(ref) == text


def public_types() -> list[GraphQLNamedType]:
    """Every type of ours."""
    return [
        kind
        for name, kind in SCHEMA.type_map.items()
        if not name.startswith("__") and not is_specified_scalar_type(kind)
    ]


def objects() -> list[GraphQLObjectType]:
    """Every object type of ours."""
    return [kind for kind in public_types() if isinstance(kind, GraphQLObjectType)]


def descriptions() -> Iterator[tuple[str, str | None]]:
    """Everything that has to be described, with what it says."""
    for kind in public_types():
        yield kind.name, kind.description
        if isinstance(kind, GraphQLEnumType):
            for name, value in kind.values.items():
                yield f"{kind.name}.{name}", value.description
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            for name, field in kind.fields.items():
                yield f"{kind.name}.{name}", field.description
                for argument, of in getattr(field, "args", {}).items():
                    yield f"{kind.name}.{name}({argument})", of.description
