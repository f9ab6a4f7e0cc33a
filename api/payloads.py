"""What a webhook tells: the answer to a GraphQL query, the endpoint's own or the usual one of what happened.

A query is looked at when it is saved: one operation over one variable, `$id`, the id of what the event is about.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    Visitor,
    parse,
    print_ast,
    validate,
    visit,
)

from api.guard import GuardLimits, check_document
from domain.webhooks import PayloadQueryRefused

LONGEST_QUERY: Final = 10_000
LIMITS: Final = GuardLimits()

_MONEY: Final = "{ amount currency }"
_NOTICE: Final = "kind scope workspaceName title body at"

USUAL: Final[Mapping[str, str]] = {
    "Invoice": f"""
        query ($id: ID!) {{ invoice(id: $id) {{
          id number status invoiceOn issuedAt paidAt
          total {_MONEY} creditApplied {_MONEY} due {_MONEY}
          period {{ start end }} collection {{ state confirmUrl nextAttemptAt freezeOn explanation }}
        }} }}""",
    "Payment": f"""
        query ($id: ID!) {{ node(id: $id) {{ id ... on Payment {{
          attempt status amount {_MONEY} declineCode isHardDecline reason createdAt finishedAt
          refunds {{ status amount {_MONEY} reason failure }}
        }} }} }}""",
    "Subscription": """
        query ($id: ID!) { node(id: $id) { id ... on Subscription {
          status billing plan startedAt currentPeriod { start end } liteSeatsIncluded
        } } }""",
    "Teammate": """
        query ($id: ID!) { node(id: $id) { id ... on Teammate {
          name email seat status invitedAt acceptedAt removedAt
        } } }""",
    "Notification": f"query ($id: ID!) {{ node(id: $id) {{ id ... on Notification {{ {_NOTICE} }} }} }}",
    "BillingAccount": f"""
        query ($id: ID!) {{ account(id: $id) {{ id name frozenAt creditBalance {_MONEY} }} }}""",
    "WebhookEndpoint": "query ($id: ID!) { node(id: $id) { id ... on WebhookEndpoint { url description } } }",
}
"""The query for each type of thing that something can happen to."""


def check_query(text: str, *, schema: GraphQLSchema) -> None:
    """Look at the query of an endpoint: it must be one that will always be answered.

    Raises PayloadQueryRefused, with what validation says.
    """
    if len(text) > LONGEST_QUERY:
        raise PayloadQueryRefused(f"it is longer than {LONGEST_QUERY} characters.")
    try:
        document = parse(text, max_tokens=LIMITS.tokens)
        check_document(document, limits=LIMITS, schema=schema, variables={})
    except GraphQLError as error:
        raise PayloadQueryRefused(_sentence(error)) from None
    _check_operation(document)
    if _Introspection.is_in(document):
        raise PayloadQueryRefused("it asks for the schema; it may only ask for data.")
    if errors := validate(schema, document):
        raise PayloadQueryRefused(_sentence(errors[0]))


def _check_operation(document: DocumentNode) -> None:
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    others = [
        node
        for node in document.definitions
        if not isinstance(node, OperationDefinitionNode | FragmentDefinitionNode)
    ]
    if others or len(operations) != 1 or operations[0].operation is not OperationType.QUERY:
        raise PayloadQueryRefused("it must hold exactly one operation, and that a query.")
    given = [
        f"${variable.variable.name.value}: {print_ast(variable.type)}"
        for variable in operations[0].variable_definitions or ()
    ]
    if given != ["$id: ID!"]:
        raise PayloadQueryRefused("it must take exactly one variable: query ($id: ID!) { ... }.")


class _Introspection(Visitor):
    """Looks for fields that tell of the schema; a type's own name is data."""

    def __init__(self) -> None:
        super().__init__()
        self.found = False

    @classmethod
    def is_in(cls, document: DocumentNode) -> bool:
        looker = cls()
        visit(document, looker)
        return looker.found

    def enter_field(self, node: FieldNode, *_: object) -> None:
        self.found |= node.name.value.startswith("__") and node.name.value != "__typename"


def _sentence(error: GraphQLError) -> str:
    where = f" (line {error.locations[0].line})" if error.locations else ""
    return f"{error.message}{where}"
