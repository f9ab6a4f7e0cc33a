"""Who may ask what (section 1): one table of every mutation and of every field that is more than its parent shows.

The schema does not start with anything undeclared. What somebody cannot reach looks like what does not exist; what they
reach without the permission is refused by name, and nothing of it is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

from domain.permissions import ROLES, Permission, Role

Needs: TypeAlias = tuple[Permission, ...]
"""All of these are needed; none of them: to reach the account is enough."""

REACH: Final[Needs] = ()
VIEW_BILLING: Final[Needs] = (Permission.BILLING_VIEW,)
MANAGE_BILLING: Final[Needs] = (Permission.BILLING_MANAGE,)
MANAGE_SEATS: Final[Needs] = (Permission.SEATS_MANAGE,)
VIEW_USAGE: Final[Needs] = (Permission.USAGE_VIEW,)
RECORD_USAGE: Final[Needs] = (Permission.USAGE_RECORD,)
MANAGE_ALERTS: Final[Needs] = (Permission.ALERTS_MANAGE,)
MANAGE_LIMITS: Final[Needs] = (Permission.LIMITS_MANAGE,)
# Messages show invoices and usage: nobody has them sent who may not see them.
MANAGE_WEBHOOKS: Final[Needs] = (Permission.WEBHOOKS_MANAGE, Permission.BILLING_VIEW, Permission.USAGE_VIEW)
# Whoever opens a workspace names its admin, who may do all of this also to what belongs to the account: nobody gives that
# who does not hold it.
OPEN_WORKSPACES: Final[Needs] = tuple(sorted(ROLES[Role.ADMIN]))
VIEW_AUDIT: Final[Needs] = (Permission.AUDIT_VIEW,)
SIGN_CONTRACTS: Final[Needs] = (Permission.ACCOUNT_MANAGER,)
STAFF: Final[Needs] = (Permission.STAFF,)

MUTATIONS: Final[Mapping[str, Needs]] = {
    "accountCreate": STAFF,
    "apiKeyCreate": STAFF,
    "apiKeyRotate": STAFF,
    "apiKeyRevoke": STAFF,
    "testClockCreate": STAFF,
    "testClockAdvance": STAFF,
    "earlyStageStart": STAFF,
    "bookMigrate": STAFF,
    "seatDatesCorrect": STAFF,
    "workspaceMove": STAFF,
    "creditNoteCreate": STAFF,
    "invoiceVoid": STAFF,
    "invoiceWriteOff": STAFF,
    "refundCreate": STAFF,
    "contractSign": SIGN_CONTRACTS,
    "contractAmend": SIGN_CONTRACTS,
    "contractEnd": SIGN_CONTRACTS,
    "workspaceCreate": OPEN_WORKSPACES,
    "billingContactsSet": MANAGE_BILLING,
    "subscriptionStart": MANAGE_BILLING,
    "trialStart": MANAGE_BILLING,
    "trialExtend": MANAGE_BILLING,
    "trialConvert": MANAGE_BILLING,
    "planChange": MANAGE_BILLING,
    "pspAdd": MANAGE_BILLING,
    "pspRemove": MANAGE_BILLING,
    "yearlyStart": MANAGE_BILLING,
    "seatsBuy": MANAGE_BILLING,
    "renewalSet": MANAGE_BILLING,
    "subscriptionCancel": MANAGE_BILLING,
    "subscriptionResume": MANAGE_BILLING,
    "paymentMethodPageOpen": MANAGE_BILLING,
    "paymentMethodSet": MANAGE_BILLING,
    "invoicePay": MANAGE_BILLING,
    "teammateInvite": MANAGE_SEATS,
    "inviteResend": MANAGE_SEATS,
    "inviteRevoke": MANAGE_SEATS,
    "seatAccept": MANAGE_SEATS,
    "seatSwitch": MANAGE_SEATS,
    "teammateRemove": MANAGE_SEATS,
    "roleSet": MANAGE_SEATS,
    "usageRecord": RECORD_USAGE,
    "usageTakeBack": RECORD_USAGE,
    "alertSet": MANAGE_ALERTS,
    "alertTurnOff": MANAGE_ALERTS,
    "limitSet": MANAGE_LIMITS,
    "limitTurnOff": MANAGE_LIMITS,
    "notificationRead": VIEW_USAGE,
    "notificationReadAll": VIEW_USAGE,
    "webhookEndpointCreate": MANAGE_WEBHOOKS,
    "webhookEndpointChange": MANAGE_WEBHOOKS,
    "webhookEndpointRemove": MANAGE_WEBHOOKS,
    "webhookSecretRotate": MANAGE_WEBHOOKS,
    "webhookRedeliver": MANAGE_WEBHOOKS,
    "webhookTest": MANAGE_WEBHOOKS,
}

BY_INVITEE: Final = frozenset({"seatAccept"})
"""Mutations that whoever is invited may run, about their own invite."""

NODES: Final[Mapping[str, Needs]] = {
    "BillingAccount": REACH,
    "Workspace": REACH,
    "Teammate": REACH,
    "PriceBook": REACH,
    "TestClock": REACH,
    "Subscription": VIEW_BILLING,
    "Invoice": VIEW_BILLING,
    "Payment": VIEW_BILLING,
    "Notification": VIEW_USAGE,
    "WebhookEndpoint": MANAGE_WEBHOOKS,
    "WebhookDelivery": MANAGE_WEBHOOKS,
}
"""What it takes to be shown a thing by its id."""

OPEN: Final[Mapping[str, Mapping[str, Needs]]] = {
    "Query": {
        "viewer": REACH,
        "account": REACH,
        "accounts": REACH,
        "workspace": REACH,
        "entitlements": REACH,
        "invoice": REACH,
        "priceBook": REACH,
        "preview": REACH,
        "seatAbilities": REACH,
        "roles": REACH,
        "testClock": REACH,
        "node": REACH,
    },
    "Live": {
        "workspaceUsage": VIEW_USAGE,
        "notificationAdded": VIEW_USAGE,
        "alertFired": VIEW_USAGE,
        "limitSwitched": VIEW_USAGE,
        "invoiceChanged": VIEW_BILLING,
    },
    "Viewer": {
        "kind": REACH,
        "name": REACH,
        "isOperator": REACH,
        "account": REACH,
        "permissions": REACH,
        "memberships": REACH,
    },
    "BillingAccount": {
        "id": REACH,
        "name": REACH,
        "timeZone": REACH,
        "now": REACH,
        "today": REACH,
        "frozenAt": REACH,
        "testClock": REACH,
        "workspaces": REACH,
        "paymentMethod": VIEW_BILLING,
        "creditBalance": VIEW_BILLING,
        "balance": VIEW_BILLING,
        "apiKeys": MANAGE_BILLING,
        "statement": VIEW_BILLING,
        "subscription": VIEW_BILLING,
        "mails": VIEW_BILLING,
        "invoices": VIEW_BILLING,
        "payments": VIEW_BILLING,
        "usage": VIEW_USAGE,
        "usageCsvUrl": VIEW_USAGE,
        "alerts": VIEW_USAGE,
        "limits": VIEW_USAGE,
        "limitLog": VIEW_USAGE,
        "notifications": VIEW_USAGE,
        "webhookEndpoints": MANAGE_WEBHOOKS,
        "auditLog": VIEW_AUDIT,
    },
    "Workspace": {
        "id": REACH,
        "name": REACH,
        "createdAt": REACH,
        "teammates": REACH,
        "entitlements": REACH,
        "billingContacts": VIEW_BILLING,
        "usage": VIEW_USAGE,
        "alerts": VIEW_USAGE,
        "limits": VIEW_USAGE,
        "limitLog": VIEW_USAGE,
        "notifications": VIEW_USAGE,
        "usageEvent": VIEW_USAGE,
    },
}
"""Types that are shown to whoever reaches the account, and what each of their fields takes."""

PARTS: Final[Mapping[str, Mapping[str, Needs]]] = {
    "ChangePreview": {"bill": VIEW_BILLING, "otherBill": VIEW_BILLING},
    "UsageEventTrace": {"billedOn": VIEW_BILLING},
}
"""Fields that take more than the field that leads to their type: whoever meters, hires or is invited sees no bills."""

WITH_PARENT: Final = frozenset(
    [
        "Ability",
        "AccountStanding",
        "Alert",
        "AlertFiring",
        "AlertLevel",
        "ApiKey",
        "AuditActor",
        "AuditChange",
        "AuditEntry",
        "AuditField",
        "BillDifference",
        "BilledOn",
        "Cause",
        "ChangePreview",
        "ChannelUsage",
        "Collection",
        "CommittedUsage",
        "Contract",
        "CreditNote",
        "Entitlement",
        "FiredAlert",
        "FiredLevel",
        "HardLimit",
        "InvoiceLine",
        "InvoiceSectionGroup",
        "LedgerPosting",
        "LimitSwitch",
        "Mail",
        "Membership",
        "MetricPrices",
        "MetricUsage",
        "Money",
        "PageInfo",
        "PaymentMethod",
        "Period",
        "PlanPrices",
        "ProrationChange",
        "PspAddOn",
        "Refund",
        "RenewalChanges",
        "RolePermissions",
        "SeatChange",
        "SeatPoint",
        "StatementLine",
        "Tier",
        "TierPart",
        "UpcomingInvoice",
        "UsageEventOutcome",
        "UsageEventTrace",
        "UsageOverview",
        "UsagePoint",
        "Verification",
    ]
)
"""Types that are shown to whoever is shown the field that leads to them: whole, but for `PARTS`."""
