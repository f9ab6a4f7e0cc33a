"""Webhooks out: endpoints, events and deliveries; events are written by triggers, so that no change can forget to.

The triggers fire once a statement and see all rows it wrote, so that a bulk write costs one call each. Where nobody
has an enabled endpoint they end at one look into an index. An event of an account without one is not written.
Whoever writes an event has its deliveries written too, one for each endpoint that listens.
"""

from typing import Final

from alembic import op

revision: Final = "0009"
down_revision: Final = "0008"

NOTICES: Final = (
    "'ALERT', 'LIMIT_DISABLED', 'LIMIT_ENABLED', 'RENEWAL_REMINDER', 'INVOICE_ISSUED', 'PAYMENT_FAILED', "
    "'ACTION_NEEDED', 'FROZEN', 'RESTORED', 'INVITE'"
)

TABLES: Final = (
    """
    CREATE TABLE webhook_endpoints (
        account_id uuid NOT NULL,
        id uuid NOT NULL,
        url text NOT NULL,
        description text,
        kinds text[] NOT NULL,
        query text,
        secret text NOT NULL,
        previous_secret text,
        previous_until timestamptz,
        is_enabled boolean NOT NULL DEFAULT true,
        disabled_reason text,
        failing_since timestamptz,
        created_at timestamptz NOT NULL,
        removed_at timestamptz,
        CONSTRAINT pk_webhook_endpoints PRIMARY KEY (account_id, id),
        CONSTRAINT fk_webhook_endpoints_accounts FOREIGN KEY (account_id) REFERENCES accounts (account_id),
        CONSTRAINT ck_webhook_endpoints_removed CHECK (removed_at IS NULL OR NOT is_enabled)
    )
    """,
    "CREATE INDEX ix_webhook_endpoints_enabled ON webhook_endpoints (account_id) WHERE is_enabled",
    """
    CREATE TABLE events (
        account_id uuid NOT NULL,
        id uuid NOT NULL,
        kind text NOT NULL,
        subject_type text NOT NULL,
        subject_id uuid NOT NULL,
        at timestamptz NOT NULL,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        CONSTRAINT pk_events PRIMARY KEY (account_id, id),
        CONSTRAINT fk_events_accounts FOREIGN KEY (account_id) REFERENCES accounts (account_id),
        CONSTRAINT ck_events_kind CHECK (kind IN ('invoice.issued', 'invoice.updated', 'invoice.paid',
            'invoice.voided', 'invoice.uncollectible', 'payment.failed', 'payment.action_needed',
            'refund.succeeded', 'refund.failed', 'subscription.changed', 'seat.changed', 'alert.fired', 'limit.disabled', 'limit.enabled',
            'account.frozen', 'account.restored', 'ping'))
    )
    """,
    """
    CREATE TABLE webhook_deliveries (
        account_id uuid NOT NULL,
        id uuid NOT NULL,
        endpoint_id uuid NOT NULL,
        event_id uuid NOT NULL,
        subject_id uuid NOT NULL,
        status text NOT NULL DEFAULT 'WAITING',
        body bytea,
        renderings integer NOT NULL DEFAULT 0,
        attempts integer NOT NULL DEFAULT 0,
        next_attempt_at timestamptz NOT NULL,
        lease_until timestamptz,
        response_status integer,
        response_excerpt text,
        failure text,
        created_at timestamptz NOT NULL,
        finished_at timestamptz,
        CONSTRAINT pk_webhook_deliveries PRIMARY KEY (account_id, id),
        CONSTRAINT fk_webhook_deliveries_webhook_endpoints FOREIGN KEY (account_id, endpoint_id)
            REFERENCES webhook_endpoints (account_id, id),
        CONSTRAINT fk_webhook_deliveries_events FOREIGN KEY (account_id, event_id)
            REFERENCES events (account_id, id),
        CONSTRAINT uq_webhook_deliveries_event UNIQUE (account_id, endpoint_id, event_id),
        CONSTRAINT ck_webhook_deliveries_status CHECK (status IN ('WAITING', 'DELIVERED', 'GIVEN_UP')),
        CONSTRAINT ck_webhook_deliveries_attempts CHECK (attempts >= 0),
        CONSTRAINT ck_webhook_deliveries_renderings CHECK (renderings >= 0)
    )
    """,
    "CREATE INDEX ix_webhook_deliveries_log ON webhook_deliveries (account_id, endpoint_id, id)",
    """
    CREATE INDEX ix_webhook_deliveries_order ON webhook_deliveries (account_id, endpoint_id, subject_id, id)
        WHERE status = 'WAITING'
    """,
    "CREATE INDEX ix_webhook_deliveries_due ON webhook_deliveries (next_attempt_at) WHERE status = 'WAITING'",
)

# Ids are made after the sorting, so that they grow in the order given: a delivery waits for those before it.
WRITE: Final = """
    CREATE FUNCTION write_events(whose uuid[], what text[], whom uuid[], type_of_all text)
    RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO events (account_id, id, kind, subject_type, subject_id, at)
        SELECT happened.account_id, uuidv7(), happened.kind, type_of_all, happened.subject_id,
               coalesce(clock.now_at, transaction_timestamp())
            FROM unnest(whose, what, whom) WITH ORDINALITY AS happened (account_id, kind, subject_id, place)
            JOIN accounts account ON account.account_id = happened.account_id
            LEFT JOIN test_clocks clock ON clock.id = account.test_clock_id
            WHERE EXISTS (SELECT 1 FROM webhook_endpoints endpoint
                WHERE endpoint.account_id = happened.account_id AND endpoint.is_enabled)
            ORDER BY happened.place;
    END
    $$
"""

DELIVER: Final = """
    CREATE FUNCTION write_deliveries() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO webhook_deliveries
            (account_id, id, endpoint_id, event_id, subject_id, next_attempt_at, created_at)
        SELECT event.account_id, uuidv7(), endpoint.id, event.id, event.subject_id, event.created_at,
               event.created_at
            FROM added event
            JOIN webhook_endpoints endpoint ON endpoint.account_id = event.account_id
            WHERE endpoint.is_enabled AND event.kind <> 'ping'
                AND (endpoint.kinds = '{}' OR event.kind = ANY (endpoint.kinds))
            ORDER BY event.id;
        RETURN NULL;
    END
    $$
"""

# Of each source: the events its written rows make, and what their subject is. An invoice of which nothing is left to
# pay changes its status in the same transaction, and that is what is told.
SOURCES: Final = {
    "invoices_issued": (
        "invoices",
        "INSERT",
        "Invoice",
        """
        SELECT added.account_id, made.kind, added.id, row_number() OVER (ORDER BY added.number, made.place)
            FROM added CROSS JOIN (VALUES ('invoice.issued', 1), ('invoice.paid', 2)) made (kind, place)
            WHERE made.kind = 'invoice.issued' OR added.status = 'PAID'
        """,
    ),
    "invoices_changed": (
        "invoices",
        "UPDATE",
        "Invoice",
        """
        SELECT added.account_id,
               CASE WHEN added.status = before.status THEN 'invoice.updated'
                    WHEN added.status = 'PAID' THEN 'invoice.paid'
                    WHEN added.status = 'VOID' THEN 'invoice.voided'
                    WHEN added.status = 'UNCOLLECTIBLE' THEN 'invoice.uncollectible'
                    ELSE 'invoice.updated' END,
               added.id, row_number() OVER (ORDER BY added.number)
            FROM added JOIN before ON (before.account_id, before.id) = (added.account_id, added.id)
            WHERE added.status <> before.status
                OR (added.due_cents <> before.due_cents AND added.due_cents > 0)
        """,
    ),
    "payments_failed": (
        "payment_attempts",
        "UPDATE",
        "Payment",
        """
        SELECT added.account_id,
               CASE added.status WHEN 'DECLINED' THEN 'payment.failed' ELSE 'payment.action_needed' END,
               added.id, row_number() OVER (ORDER BY added.id)
            FROM added JOIN before ON (before.account_id, before.id) = (added.account_id, added.id)
            WHERE added.status <> before.status AND added.status IN ('DECLINED', 'ACTION_NEEDED')
        """,
    ),
    "refunds_settled": (
        "refunds",
        "UPDATE",
        "Payment",
        """
        SELECT added.account_id,
               CASE added.status WHEN 'SUCCEEDED' THEN 'refund.succeeded' ELSE 'refund.failed' END,
               added.payment_id, row_number() OVER (ORDER BY added.id)
            FROM added JOIN before ON (before.account_id, before.id) = (added.account_id, added.id)
            WHERE added.status <> before.status AND added.status IN ('SUCCEEDED', 'FAILED')
        """,
    ),
    "subscriptions_changed": (
        "subscription_facts",
        "INSERT",
        "Subscription",
        """
        SELECT account_id, 'subscription.changed', subscription_id, min(position)
            FROM added GROUP BY account_id, subscription_id
        """,
    ),
    "seats_changed": (
        "seat_changes",
        "INSERT",
        "Teammate",
        """
        SELECT account_id, 'seat.changed', teammate_id, min(position)
            FROM added GROUP BY account_id, teammate_id
        """,
    ),
    "notices_written": (
        "notifications",
        "INSERT",
        "Notification",
        """
        SELECT added.account_id, made.kind, added.id, row_number() OVER (ORDER BY added.id)
            FROM added JOIN (VALUES ('ALERT', 'alert.fired'), ('LIMIT_DISABLED', 'limit.disabled'),
                ('LIMIT_ENABLED', 'limit.enabled')) made (notice, kind) ON made.notice = added.kind
        """,
    ),
}

# For each row, since accounts are written at every change of a bill and their freezing is one account's matter: the
# condition is seen without a call, and not at all when the column is not set.
FROZEN: Final = (
    """
    CREATE FUNCTION tell_of_freezing() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM write_events(ARRAY[NEW.account_id],
            ARRAY[CASE WHEN NEW.frozen_at IS NULL THEN 'account.restored' ELSE 'account.frozen' END],
            ARRAY[NEW.account_id], 'BillingAccount');
        RETURN NULL;
    END
    $$
    """,
    """
    CREATE TRIGGER tell_of_freezing AFTER UPDATE OF frozen_at ON accounts FOR EACH ROW
        WHEN ((OLD.frozen_at IS NULL) <> (NEW.frozen_at IS NULL)) EXECUTE FUNCTION tell_of_freezing()
    """,
)


def _allow_notices(values: str) -> None:
    op.execute("ALTER TABLE notifications DROP CONSTRAINT ck_notifications_kind")
    op.execute(f"ALTER TABLE notifications ADD CONSTRAINT ck_notifications_kind CHECK (kind IN ({values}))")


def _tell(name: str, *, table: str, operation: str, subject: str, made: str) -> None:
    before = "OLD TABLE AS before " if operation == "UPDATE" else ""
    op.execute(f"""
        CREATE FUNCTION tell_of_{name}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF EXISTS (SELECT 1 FROM webhook_endpoints WHERE is_enabled) THEN
                PERFORM write_events(array_agg(made.account_id ORDER BY made.place),
                        array_agg(made.kind ORDER BY made.place),
                        array_agg(made.subject_id ORDER BY made.place), '{subject}')
                    FROM ({made}) made (account_id, kind, subject_id, place);
            END IF;
            RETURN NULL;
        END
        $$
    """)
    op.execute(
        f"CREATE TRIGGER tell_of_{name} AFTER {operation} ON {table} "
        f"REFERENCING {before}NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION tell_of_{name}()"
    )


def upgrade() -> None:
    for statement in (*TABLES, WRITE, DELIVER):
        op.execute(statement)
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON events "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER write_deliveries AFTER INSERT ON events "
        "REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION write_deliveries()"
    )
    for name, (table, operation, subject, made) in SOURCES.items():
        _tell(name, table=table, operation=operation, subject=subject, made=made)
    for statement in FROZEN:
        op.execute(statement)
    _allow_notices(f"{NOTICES}, 'WEBHOOK_DISABLED'")


def downgrade() -> None:
    _allow_notices(NOTICES)
    op.execute("DROP TRIGGER tell_of_freezing ON accounts")
    op.execute("DROP FUNCTION tell_of_freezing()")
    for name, (table, *_) in SOURCES.items():
        op.execute(f"DROP TRIGGER tell_of_{name} ON {table}")
        op.execute(f"DROP FUNCTION tell_of_{name}()")
    for table in ("webhook_deliveries", "events", "webhook_endpoints"):
        op.execute(f"DROP TABLE {table}")
    op.execute("DROP FUNCTION write_deliveries()")
    op.execute("DROP FUNCTION write_events(uuid[], text[], uuid[], text)")
