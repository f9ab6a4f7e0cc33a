"""A complete input for every mutation, made of given ids: what tests of all mutations start from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from graphql import GraphQLInputObjectType, GraphQLSchema, GraphQLUnionType, get_named_type

from adapters.ids import new_id
from api.node_ids import NodeRef, decode_node_id, encode_node_id
from api.schema import schema as strawberry_schema

SCHEMA: GraphQLSchema = strawberry_schema._schema

TERMS = {
    "plan": "ADVANCED",
    "months": 12,
    "billingMonths": 3,
    "seats": 3,
    "seatPrice": "90.00",
    "usage": [{"metric": "MESSAGES_SENT", "units": 2000, "monthlyPrice": "95.00"}],
    "pspFrom": "2026-09-10",
    "pspUntil": "2027-01-01",
}

PAYLOAD = "query ($id: ID!) { invoice(id: $id) { number } }"


@dataclass(frozen=True, slots=True)
class Ids:
    """Global ids of one account's things, and of the clock it hangs on."""

    account: str
    workspace: str
    teammate: str
    subscription: str
    invoice: str
    payment: str
    notification: str
    endpoint: str
    delivery: str
    clock: str

    def with_account(self, account_id: UUID) -> Ids:
        """Give the same things as if another account owned them."""
        return replace(self, **{name: moved(getattr(self, name), account_id) for name in self.owned()})

    def of_nothing(self) -> Ids:
        """Give ids of the same types that nothing has."""
        return Ids(**{name: nothing_like(getattr(self, name)) for name in self.__slots__})

    def owned(self) -> tuple[str, ...]:
        """Name the ids of what an account owns."""
        return tuple(name for name in self.__slots__ if name != "clock")


def moved(node: str, account_id: UUID) -> str:
    """Give the id of a thing as if another account owned it."""
    ref = decode_node_id(node)
    assert ref is not None
    local_id = str(account_id) if ref.type_name == "BillingAccount" else ref.local_id
    return encode_node_id(replace(ref, account_id=account_id, local_id=local_id))


def nothing_like(node: str) -> str:
    """Give an id of the same type that nothing has."""
    ref = decode_node_id(node)
    assert ref is not None
    local_id = new_id()
    account_id = local_id if ref.type_name == "BillingAccount" else ref.account_id and new_id()
    return encode_node_id(NodeRef(ref.type_name, account_id, str(local_id)))


def inputs(ids: Ids) -> dict[str, dict[str, Any]]:
    """Give an input that is well-formed for each mutation by name."""
    event = {
        "eventId": "an event",
        "metric": "MESSAGES_SENT",
        "quantity": 1,
        "at": "2026-09-01T10:00:00Z",
        "channel": "POST",
        "conversationId": "a conversation",
        "properties": {"campaign": "spring"},
    }
    account, workspace, teammate = (
        {"accountId": ids.account},
        {"workspaceId": ids.workspace},
        {"teammateId": ids.teammate},
    )
    endpoint = {"endpointId": ids.endpoint}
    return {
        "accountCreate": {"name": "Acme", "timeZone": "UTC", "testClockId": ids.clock},
        "apiKeyCreate": {
            **account,
            "name": "backend",
            "scopes": ["USAGE_VIEW"],
            "expiresAt": "2099-01-01T00:00:00Z",
        },
        "apiKeyRotate": {"publicId": "0123456789ab", "overlapHours": 1},
        "apiKeyRevoke": {"publicId": "0123456789ab"},
        "testClockCreate": {"name": "Ahead", "now": "2026-09-01T00:00:00Z"},
        "testClockAdvance": {"testClockId": ids.clock, "to": "2026-09-02T00:00:00Z"},
        "workspaceCreate": {
            **account,
            "name": "Sales",
            "creatorName": "Bo",
            "creatorEmail": "bo@example.com",
        },
        "billingContactsSet": {**workspace, "emails": ["pay@example.com"]},
        "teammateInvite": {
            **workspace,
            "name": "Cy",
            "email": "cy@example.com",
            "seat": "FULL",
            "role": "BILLING",
        },
        "inviteResend": teammate,
        "inviteRevoke": teammate,
        "seatAccept": teammate,
        "seatSwitch": {**teammate, "seat": "LITE"},
        "teammateRemove": teammate,
        "roleSet": {**teammate, "role": "ADMIN"},
        "subscriptionStart": {**account, "plan": "ADVANCED", "psp": True},
        "trialStart": {**account, "plan": "ADVANCED"},
        "trialExtend": account,
        "trialConvert": {**account, "plan": "ADVANCED", "psp": True, "when": "NOW"},
        "planChange": {**account, "plan": "EXPERT"},
        "pspAdd": account,
        "pspRemove": account,
        "yearlyStart": {**account, "plan": "ADVANCED", "seats": 2, "psp": True},
        "seatsBuy": {**account, "seats": 5, "invoiceNow": True},
        "renewalSet": {**account, "seats": 3, "plan": "ESSENTIAL", "psp": False, "monthly": False},
        "subscriptionCancel": account,
        "subscriptionResume": account,
        "earlyStageStart": account,
        "bookMigrate": {**account, "version": 2, "on": "2026-10-01"},
        "contractSign": {**account, "terms": TERMS},
        "contractAmend": {**account, "terms": TERMS},
        "contractEnd": account,
        "usageRecord": {**workspace, "events": [event]},
        "usageTakeBack": {**workspace, "eventId": "an event", "reason": "by mistake"},
        "alertSet": {**account, **workspace, "metric": "BULK_EMAIL", "threshold": 10, "alsoAt50And80": True},
        "alertTurnOff": {**account, **workspace, "metric": "BULK_EMAIL"},
        "limitSet": {**account, **workspace, "metric": "BULK_EMAIL", "limit": 10},
        "notificationRead": {"notificationIds": [ids.notification]},
        "notificationReadAll": {**account, **workspace},
        "limitTurnOff": {**account, **workspace, "metric": "BULK_EMAIL"},
        "paymentMethodPageOpen": {**account, "returnUrl": "https://app.example/billing"},
        "paymentMethodSet": {**account, "token": "tok_visa"},
        "invoicePay": {"invoiceId": ids.invoice},
        "webhookEndpointCreate": {
            **account,
            "url": "https://example.com/webhooks",
            "description": "our books",
            "kinds": ["INVOICE_ISSUED"],
            "query": PAYLOAD,
        },
        "webhookEndpointChange": {
            **endpoint,
            "url": "https://example.com/webhooks",
            "description": "our books",
            "kinds": ["INVOICE_ISSUED"],
            "query": PAYLOAD,
            "isEnabled": False,
        },
        "webhookEndpointRemove": endpoint,
        "webhookSecretRotate": endpoint,
        "webhookRedeliver": {"deliveryId": ids.delivery},
        "webhookTest": endpoint,
        "seatDatesCorrect": {**teammate, "acceptedOn": "2026-09-01", "removedOn": "2026-09-02"},
        "workspaceMove": {**workspace, "toAccountId": ids.account},
        "creditNoteCreate": {"invoiceId": ids.invoice, "amount": "1.00", "reason": "Sorry"},
        "invoiceVoid": {"invoiceId": ids.invoice, "reason": "Wrong"},
        "invoiceWriteOff": {"invoiceId": ids.invoice, "reason": "Bust"},
        "refundCreate": {"paymentId": ids.payment, "amount": "1.00", "reason": "Sorry"},
    }


def mutations() -> list[str]:
    """Name the mutations of the schema."""
    assert SCHEMA.mutation_type is not None
    return list(SCHEMA.mutation_type.fields)


def keyed() -> list[str]:
    """Name the mutations that take an idempotency key."""
    return [name for name in mutations() if "idempotencyKey" in input_type(name).fields]


def previewed() -> list[str]:
    """Name the mutations whose change can be previewed."""
    change = SCHEMA.type_map["ChangeInput"]
    assert isinstance(change, GraphQLInputObjectType)
    return list(change.fields)


def input_type(mutation: str) -> GraphQLInputObjectType:
    """Give the input type of a mutation."""
    assert SCHEMA.mutation_type is not None
    named = get_named_type(SCHEMA.mutation_type.fields[mutation].args["input"].type)
    assert isinstance(named, GraphQLInputObjectType)
    return named


def refusals_shown() -> set[tuple[str, str]]:
    """Name every mutation with every refusal its result may be."""
    assert SCHEMA.mutation_type is not None
    shown = set()
    for name, field in SCHEMA.mutation_type.fields.items():
        result = get_named_type(field.type)
        assert isinstance(result, GraphQLUnionType)
        shown |= {(name, member.name) for member in result.types if not member.name.endswith("Payload")}
    return shown


def document(mutation: str, on_refusal: str = "") -> str:
    """Write a mutation that asks for the type and message of a refusal, and more of one type of it."""
    name = mutation[0].upper() + mutation[1:]
    return f"""
        mutation ($input: {name}Input!) {{
          {mutation}(input: $input) {{ __typename ... on UserError {{ message }} {on_refusal} }}
        }}"""
