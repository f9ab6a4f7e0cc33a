"""Who may what, written by hand: the tests ask the running application about every place of these tables.

An `x` says that a role may, a dot that it may not; that is so for full and for lite seats, since what these permissions
need is open to both. `SCOPES` are what a key needs, all of them: `admin` stands for all that an admin may do.
"""

from __future__ import annotations

from typing import Final, NamedTuple

MUTATIONS: Final = """
                        ADMIN  BILLING  PEOPLE  DEVELOPER  AUDITOR  MEMBER  SCOPES

accountCreate             .       .       .         .         .       .     staff
apiKeyCreate              .       .       .         .         .       .     staff
apiKeyRotate              .       .       .         .         .       .     staff
apiKeyRevoke              .       .       .         .         .       .     staff
testClockCreate           .       .       .         .         .       .     staff
testClockAdvance          .       .       .         .         .       .     staff
earlyStageStart           .       .       .         .         .       .     staff
bookMigrate               .       .       .         .         .       .     staff
seatDatesCorrect          .       .       .         .         .       .     staff
workspaceMove             .       .       .         .         .       .     staff
creditNoteCreate          .       .       .         .         .       .     staff
invoiceVoid               .       .       .         .         .       .     staff
invoiceWriteOff           .       .       .         .         .       .     staff
refundCreate              .       .       .         .         .       .     staff
contractSign              .       .       .         .         .       .     account-manager
contractAmend             .       .       .         .         .       .     account-manager
contractEnd               .       .       .         .         .       .     account-manager

workspaceCreate           x       .       .         .         .       .     admin
billingContactsSet        x       x       .         .         .       .     billing.manage
subscriptionStart         x       x       .         .         .       .     billing.manage
trialStart                x       x       .         .         .       .     billing.manage
trialExtend               x       x       .         .         .       .     billing.manage
trialConvert              x       x       .         .         .       .     billing.manage
planChange                x       x       .         .         .       .     billing.manage
pspAdd                    x       x       .         .         .       .     billing.manage
pspRemove                 x       x       .         .         .       .     billing.manage
yearlyStart               x       x       .         .         .       .     billing.manage
seatsBuy                  x       x       .         .         .       .     billing.manage
renewalSet                x       x       .         .         .       .     billing.manage
subscriptionCancel        x       x       .         .         .       .     billing.manage
subscriptionResume        x       x       .         .         .       .     billing.manage
paymentMethodPageOpen     x       x       .         .         .       .     billing.manage
paymentMethodSet          x       x       .         .         .       .     billing.manage
invoicePay                x       x       .         .         .       .     billing.manage

teammateInvite            x       .       x         .         .       .     seats.manage
inviteResend              x       .       x         .         .       .     seats.manage
inviteRevoke              x       .       x         .         .       .     seats.manage
seatAccept                x       .       x         .         .       .     seats.manage
seatSwitch                x       .       x         .         .       .     seats.manage
teammateRemove            x       .       x         .         .       .     seats.manage
roleSet                   x       .       x         .         .       .     seats.manage

usageRecord               .       .       .         .         .       .     usage.record
usageTakeBack             .       .       .         .         .       .     usage.record
alertSet                  x       x       .         .         .       .     alerts.manage
alertTurnOff              x       x       .         .         .       .     alerts.manage
limitSet                  x       x       .         .         .       .     limits.manage
limitTurnOff              x       x       .         .         .       .     limits.manage
notificationRead          x       x       x         x         x       .     usage.view
notificationReadAll       x       x       x         x         x       .     usage.view

webhookEndpointCreate     x       .       .         x         .       .     webhooks.manage billing.view usage.view
webhookEndpointChange     x       .       .         x         .       .     webhooks.manage billing.view usage.view
webhookEndpointRemove     x       .       .         x         .       .     webhooks.manage billing.view usage.view
webhookSecretRotate       x       .       .         x         .       .     webhooks.manage billing.view usage.view
webhookRedeliver          x       .       .         x         .       .     webhooks.manage billing.view usage.view
webhookTest               x       .       .         x         .       .     webhooks.manage billing.view usage.view
"""

FIELDS: Final = """
                                 ADMIN  BILLING  PEOPLE  DEVELOPER  AUDITOR  MEMBER

Query.viewer                       x       x       x         x         x       x
Query.account                      x       x       x         x         x       x
Query.accounts                     x       x       x         x         x       x
Query.workspace                    x       x       x         x         x       x
Query.entitlements                 x       x       x         x         x       x
Query.invoice                      x       x       .         x         x       .
Query.priceBook                    x       x       x         x         x       x
Query.preview                      x       x       .         .         .       .
Query.seatAbilities                x       x       x         x         x       x
Query.roles                        x       x       x         x         x       x
Query.testClock                    x       x       x         x         x       x
Query.node                         x       x       x         x         x       x

Viewer.kind                        x       x       x         x         x       x
Viewer.name                        x       x       x         x         x       x
Viewer.isOperator                  x       x       x         x         x       x
Viewer.account                     x       x       x         x         x       x
Viewer.permissions                 x       x       x         x         x       x
Viewer.memberships                 x       x       x         x         x       x

BillingAccount.id                  x       x       x         x         x       x
BillingAccount.name                x       x       x         x         x       x
BillingAccount.timeZone            x       x       x         x         x       x
BillingAccount.now                 x       x       x         x         x       x
BillingAccount.today               x       x       x         x         x       x
BillingAccount.frozenAt            x       x       x         x         x       x
BillingAccount.testClock           x       x       x         x         x       x
BillingAccount.workspaces          x       x       x         x         x       x
BillingAccount.paymentMethod       x       x       .         x         x       .
BillingAccount.creditBalance       x       x       .         x         x       .
BillingAccount.balance             x       x       .         x         x       .
BillingAccount.statement           x       x       .         x         x       .
BillingAccount.subscription        x       x       .         x         x       .
BillingAccount.mails               x       x       .         x         x       .
BillingAccount.invoices            x       x       .         x         x       .
BillingAccount.payments            x       x       .         x         x       .
BillingAccount.usage               x       x       x         x         x       .
BillingAccount.usageCsvUrl         x       x       x         x         x       .
BillingAccount.alerts              x       x       x         x         x       .
BillingAccount.limits              x       x       x         x         x       .
BillingAccount.limitLog            x       x       x         x         x       .
BillingAccount.notifications       x       x       x         x         x       .
BillingAccount.apiKeys             x       x       .         .         .       .
BillingAccount.auditLog            x       .       .         .         x       .
BillingAccount.webhookEndpoints    x       .       .         x         .       .

Workspace.id                       x       x       x         x         x       x
Workspace.name                     x       x       x         x         x       x
Workspace.createdAt                x       x       x         x         x       x
Workspace.teammates                x       x       x         x         x       x
Workspace.entitlements             x       x       x         x         x       x
Workspace.billingContacts          x       x       .         x         x       .
Workspace.usage                    x       x       x         x         x       .
Workspace.usageEvent               x       x       x         x         x       .
Workspace.alerts                   x       x       x         x         x       .
Workspace.limits                   x       x       x         x         x       .
Workspace.limitLog                 x       x       x         x         x       .
Workspace.notifications            x       x       x         x         x       .

Live.workspaceUsage                x       x       x         x         x       .
Live.notificationAdded             x       x       x         x         x       .
Live.alertFired                    x       x       x         x         x       .
Live.limitSwitched                 x       x       x         x         x       .
Live.invoiceChanged                x       x       .         x         x       .
"""

NODES: Final = """
                     ADMIN  BILLING  PEOPLE  DEVELOPER  AUDITOR  MEMBER

BillingAccount         x       x       x         x         x       x
Workspace              x       x       x         x         x       x
Teammate               x       x       x         x         x       x
Subscription           x       x       .         x         x       .
Invoice                x       x       .         x         x       .
Payment                x       x       .         x         x       .
Notification           x       x       x         x         x       .
WebhookEndpoint        x       .       .         x         .       .
WebhookDelivery        x       .       .         x         .       .
"""

DOORS: Final = """
                     ADMIN  BILLING  PEOPLE  DEVELOPER  AUDITOR  MEMBER

invoice.pdf            x       x       .         x         x       .
invoice.csv            x       x       .         x         x       .
usage.csv              x       x       x         x         x       .
usage                  .       .       .         .         .       .
"""

ADMIN_SCOPES: Final = frozenset(
    {
        "billing.view",
        "billing.manage",
        "seats.manage",
        "usage.view",
        "alerts.manage",
        "limits.manage",
        "webhooks.manage",
        "audit.view",
    }
)


class Row(NamedTuple):
    """Who may do one thing: roles, and the scopes that a key needs for it."""

    roles: frozenset[str]
    scopes: frozenset[str]


def read(table: str) -> dict[str, Row]:
    """Read a table: a heading, then a line for each thing."""
    heading, *lines = [line.split() for line in table.splitlines() if line.strip()]
    roles = [word for word in heading if word != "SCOPES"]
    rows: dict[str, Row] = {}
    for name, *rest in lines:
        marks, scopes = rest[: len(roles)], rest[len(roles) :]
        assert set(marks) <= {"x", "."}, name
        assert name not in rows, name
        rows[name] = Row(
            frozenset(role for role, mark in zip(roles, marks, strict=True) if mark == "x"),
            ADMIN_SCOPES if scopes == ["admin"] else frozenset(scopes),
        )
    return rows
