"""Rows of every table, complete and plausible; a test names only what it is about."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from adapters.ids import new_id
from adapters.tables.accounts import Account
from adapters.tables.alerts import Alert, AlertLevel
from adapters.tables.columns import Record
from adapters.tables.duework import DueWork
from adapters.tables.invoices import Invoice, InvoiceLine
from adapters.tables.ledger import LedgerEntry
from adapters.tables.limits import HardLimit, LimitSwitch
from adapters.tables.notifications import Mail, Notification, NotificationRead
from adapters.tables.payments import PaymentAttempt
from adapters.tables.pricebooks import PriceBook
from adapters.tables.subscriptions import Subscription, SubscriptionFact
from adapters.tables.teammates import SeatChange, Teammate
from adapters.tables.testclocks import TestClock
from adapters.tables.usage import StandingResolution, UsageDay, UsageEvent, UsageTakeback
from adapters.tables.webhooks import Event, WebhookDelivery, WebhookEndpoint
from adapters.tables.workspaces import BillingContact, Workspace

NOW = datetime(2026, 9, 15, 12, tzinfo=UTC)
START, END = date(2026, 9, 1), date(2026, 10, 1)


def price_book(**given: Any) -> PriceBook:
    return PriceBook(**_of(given, version=1, effective_on=START, content={}, created_at=NOW))


def clock(**given: Any) -> TestClock:
    return TestClock(**_of(given, id=new_id(), name="Ahead", now_at=NOW, created_at=NOW))


def account(**given: Any) -> Account:
    return Account(**_of(given, account_id=new_id(), name="Acme", time_zone="UTC", created_at=NOW))


def workspace(account_id: UUID, **given: Any) -> Workspace:
    return Workspace(**_of(given, account_id=account_id, id=new_id(), name="Desk", created_at=NOW))


def billing_contact(workspace: Workspace, **given: Any) -> BillingContact:
    return BillingContact(**_of(given, **_in(workspace), email="pay@acme.test", created_at=NOW))


def teammate(workspace: Workspace, **given: Any) -> Teammate:
    seat = {"seat": "FULL", "status": "ACTIVE", "invited_at": NOW, "invite_expires_at": NOW}
    return Teammate(**_of(given, **_in(workspace), id=new_id(), name="Ada", email="ada@acme.test", **seat))


def seat_change(teammate: Teammate, **given: Any) -> SeatChange:
    holder = {"workspace_id": teammate.workspace_id, "teammate_id": teammate.id}
    change = {"position": 2, "seat": "FULL", "at": NOW, "recorded_at": NOW}
    return SeatChange(**_of(given, account_id=teammate.account_id, **holder, **change))


def subscription(account_id: UUID, **given: Any) -> Subscription:
    terms = {"status": "ACTIVE", "plan": "ESSENTIAL", "price_book_version": 1, "is_psp": False}
    dates = {"anchor_on": START, "period_start": START, "period_end": END, "started_at": NOW}
    return Subscription(**_of(given, account_id=account_id, id=new_id(), **terms, **dates))


def subscription_fact(subscription: Subscription, **given: Any) -> SubscriptionFact:
    owner = {"account_id": subscription.account_id, "subscription_id": subscription.id}
    fact = {"position": 1, "kind": "STARTED", "at": NOW, "recorded_at": NOW, "payload": {"plan": "ESSENTIAL"}}
    return SubscriptionFact(**_of(given, **owner, **fact))


def invoice(subscription: Subscription, **given: Any) -> Invoice:
    owner = {"account_id": subscription.account_id, "subscription_id": subscription.id}
    issue = {"number": 1, "stream": "MONTHLY", "invoice_on": END, "made_at": NOW, "issued_at": NOW}
    money = {"status": "OPEN", "total_cents": 3900, "credit_applied_cents": 0, "due_cents": 3900}
    dates = {"period_start": START, "period_end": END, "ladder_on": END}
    return Invoice(**_of(given, **owner, id=new_id(), **issue, **money, **dates))


def invoice_line(invoice: Invoice, **given: Any) -> InvoiceLine:
    owner = {
        "account_id": invoice.account_id,
        "invoice_id": invoice.id,
        "subscription_id": invoice.subscription_id,
    }
    charge = {
        "position": 1,
        "key": "seats",
        "section": "SUBSCRIPTION",
        "description": "Essential",
        "tiers": [],
    }
    dates = {"period_start": START, "period_end": END, "service_start": START, "service_end": END}
    money = {
        "amount_cents": 3900,
        "explanation": "1 seat x $39.00 = $39.00",
        "is_adjustment": False,
        "causes": [],
    }
    return InvoiceLine(**_of(given, **owner, **charge, **dates, **money))


def payment_attempt(invoice: Invoice, **given: Any) -> PaymentAttempt:
    owner = {"account_id": invoice.account_id, "id": new_id(), "invoice_id": invoice.id}
    attempt = {"attempt": 1, "status": "PENDING", "amount_cents": 3900, "payment_method": "pm_1"}
    return PaymentAttempt(**_of(given, **owner, **attempt, created_at=NOW))


def ledger_entry(account_id: UUID, **given: Any) -> LedgerEntry:
    entry = {"id": new_id(), "transaction_id": new_id(), "ledger_account": "CASH", "amount_cents": 3900}
    return LedgerEntry(**_of(given, account_id=account_id, **entry, kind="PAID", at=NOW, recorded_at=NOW))


def due_work(account_id: UUID, **given: Any) -> DueWork:
    return DueWork(**_of(given, account_id=account_id, kind="CLOSE", subject_id=new_id(), due_at=NOW))


def usage_event(workspace: Workspace, **given: Any) -> UsageEvent:
    event = {"event_id": "e-1", "metric": "SMS_SEGMENT", "quantity": 1, "units": 1, "at": NOW}
    rest = {"day": NOW.date(), "fingerprint": b"one", "recorded_at": NOW}
    return UsageEvent(**_of(given, **_in(workspace), **event, **rest))


def usage_takeback(event: UsageEvent, **given: Any) -> UsageTakeback:
    owner = {"account_id": event.account_id, "workspace_id": event.workspace_id, "event_id": event.event_id}
    return UsageTakeback(**_of(given, **owner, reason="wrong", taken_back_at=NOW, recorded_at=NOW))


def standing_resolution(event: UsageEvent, **given: Any) -> StandingResolution:
    owner = {"account_id": event.account_id, "workspace_id": event.workspace_id, "event_id": event.event_id}
    return StandingResolution(**_of(given, **owner, conversation_id="c-1"))


def usage_day(workspace: Workspace, **given: Any) -> UsageDay:
    return UsageDay(**_of(given, **_in(workspace), metric="SMS_SEGMENT", day=START, units=1, events=1))


def alert(workspace: Workspace, **given: Any) -> Alert:
    watched = {"metric": "SMS_SEGMENT", "threshold": 10, "version": 1, "versions": 1, "cycle_start": START}
    return Alert(**_of(given, **_in(workspace), id=new_id(), **watched, created_at=NOW))


def alert_level(alert: Alert, **given: Any) -> AlertLevel:
    owner = {"account_id": alert.account_id, "alert_id": alert.id, "cycle_start": alert.cycle_start}
    passed = {"version": 1, "level": 100, "threshold": 10, "passing": "FIRED", "total": 12, "at": NOW}
    return AlertLevel(**_of(given, **owner, **passed))


def hard_limit(workspace: Workspace, **given: Any) -> HardLimit:
    limit = {"metric": "SMS_SEGMENT", "units": 10, "is_disabled": True, "cycle_start": START}
    return HardLimit(**_of(given, **_in(workspace), id=new_id(), **limit, created_at=NOW))


def limit_switch(limit: HardLimit, **given: Any) -> LimitSwitch:
    owner = {"account_id": limit.account_id, "id": new_id(), "limit_id": limit.id}
    switch = {"is_disabled": True, "cause": "USAGE", "units": 10, "total": 12, "is_mailed": True}
    return LimitSwitch(**_of(given, **owner, **switch, at=NOW, day=NOW.date()))


def notification(workspace: Workspace, **given: Any) -> Notification:
    notice = {"kind": "ALERT", "title": "Texts reached 10", "body": "Nothing was stopped.", "at": NOW}
    return Notification(**_of(given, **_in(workspace), id=new_id(), **notice))


def notification_read(notification: Notification, **given: Any) -> NotificationRead:
    """That a notice was read."""
    owner = {"account_id": notification.account_id, "notification_id": notification.id}
    return NotificationRead(**_of(given, **owner, read_at=NOW))


def mail(notification: Notification, **given: Any) -> Mail:
    owner = {"account_id": notification.account_id, "notification_id": notification.id}
    return Mail(**_of(given, **owner, address="pay@acme.test", created_at=NOW))


def webhook_endpoint(account_id: UUID, **given: Any) -> WebhookEndpoint:
    terms = {"url": "https://acme.test/hooks", "kinds": [], "secret": "whsec_secret", "is_enabled": False}
    return WebhookEndpoint(**_of(given, account_id=account_id, id=new_id(), **terms, created_at=NOW))


def event(notification: Notification, **given: Any) -> Event:
    subject = {"subject_type": "Notification", "subject_id": notification.id}
    owner = {"account_id": notification.account_id, "id": new_id()}
    return Event(**_of(given, **owner, kind="alert.fired", **subject, at=NOW))


def webhook_delivery(endpoint: WebhookEndpoint, event: Event, **given: Any) -> WebhookDelivery:
    owner = {"account_id": endpoint.account_id, "id": new_id(), "endpoint_id": endpoint.id}
    about = {"event_id": event.id, "subject_id": event.subject_id}
    return WebhookDelivery(**_of(given, **owner, **about, next_attempt_at=NOW, created_at=NOW))


def whole_account() -> list[Record]:
    """One row of every table of an account, children before their parents."""
    owner = account(test_clock_id=(frozen := clock()).id)
    desk = workspace(owner.account_id)
    ada = teammate(desk)
    contract = subscription(owner.account_id)
    bill = invoice(contract)
    used = usage_event(desk)
    watched, limit, notice = alert(desk), hard_limit(desk), notification(desk)
    endpoint, fired = webhook_endpoint(owner.account_id), event(notice)
    pair = {"transaction_id": new_id(), "invoice_id": bill.id}
    return [
        webhook_delivery(endpoint, fired),
        fired,
        endpoint,
        due_work(owner.account_id),
        ledger_entry(owner.account_id, ledger_account="RECEIVABLE", **pair),
        ledger_entry(owner.account_id, ledger_account="REVENUE", amount_cents=-3900, **pair),
        payment_attempt(bill),
        invoice_line(bill),
        bill,
        mail(notice),
        notification_read(notice),
        notice,
        limit_switch(limit),
        limit,
        alert_level(watched),
        watched,
        usage_takeback(used),
        standing_resolution(used),
        used,
        usage_day(desk),
        subscription_fact(contract),
        contract,
        seat_change(ada),
        ada,
        billing_contact(desk),
        desk,
        owner,
        frozen,
    ]


def _in(workspace: Workspace) -> dict[str, Any]:
    return {"account_id": workspace.account_id, "workspace_id": workspace.id}


def _of(given: dict[str, Any], **usual: Any) -> dict[str, Any]:
    """The usual values, but for those a test has given."""
    return usual | given
