"""All tables of the first release. What the tables cannot say, revision 0002 adds as triggers."""

from typing import Final

from alembic import op

revision: Final = "0001"
down_revision: Final = None

REFERENCE: Final = (
    """
    CREATE TABLE test_clocks (
        id uuid NOT NULL,
        name text NOT NULL,
        now_at timestamptz NOT NULL,
        target_at timestamptz,
        lease_until timestamptz,
        created_at timestamptz NOT NULL,
        CONSTRAINT pk_test_clocks PRIMARY KEY (id),
        CONSTRAINT ck_test_clocks_target_at CHECK (target_at >= now_at)
    )
    """,
    """
    CREATE TABLE price_books (
        version integer NOT NULL,
        effective_on date NOT NULL,
        content jsonb NOT NULL,
        created_at timestamptz NOT NULL,
        CONSTRAINT pk_price_books PRIMARY KEY (version),
        CONSTRAINT ck_price_books_version CHECK (version >= 1)
    )
    """,
    """
    CREATE TABLE api_keys (
        id text NOT NULL,
        account_id uuid,
        name text NOT NULL,
        secret_hash bytea NOT NULL,
        created_at timestamptz NOT NULL,
        revoked_at timestamptz,
        CONSTRAINT pk_api_keys PRIMARY KEY (id)
    )
    """,
    """
    CREATE TABLE provider_events (
        id text NOT NULL,
        kind text NOT NULL,
        received_at timestamptz NOT NULL,
        CONSTRAINT pk_provider_events PRIMARY KEY (id)
    )
    """,
)

WHO: Final = (
    """
    CREATE TABLE accounts (
        account_id uuid NOT NULL,
        name text NOT NULL,
        time_zone text NOT NULL,
        test_clock_id uuid,
        next_invoice_number integer NOT NULL DEFAULT 1,
        next_position integer NOT NULL DEFAULT 1,
        frozen_at timestamptz,
        provider_customer text,
        payment_method text,
        card_brand text,
        card_last4 text,
        created_at timestamptz NOT NULL,
        CONSTRAINT pk_accounts PRIMARY KEY (account_id),
        CONSTRAINT fk_accounts_test_clocks FOREIGN KEY (test_clock_id) REFERENCES test_clocks (id),
        CONSTRAINT ck_accounts_next_invoice_number CHECK (next_invoice_number >= 1),
        CONSTRAINT ck_accounts_next_position CHECK (next_position >= 1)
    )
    """,
    """
    CREATE TABLE workspaces (
        account_id uuid NOT NULL,
        id uuid NOT NULL,
        name text NOT NULL,
        created_at timestamptz NOT NULL,
        CONSTRAINT pk_workspaces PRIMARY KEY (account_id, id),
        CONSTRAINT fk_workspaces_accounts FOREIGN KEY (account_id) REFERENCES accounts (account_id)
    )
    """,
    """
    CREATE TABLE billing_contacts (
        account_id uuid NOT NULL,
        workspace_id uuid NOT NULL,
        email text NOT NULL,
        created_at timestamptz NOT NULL,
        CONSTRAINT pk_billing_contacts PRIMARY KEY (account_id, workspace_id, email),
        CONSTRAINT fk_billing_contacts_workspaces FOREIGN KEY (account_id, workspace_id)
            REFERENCES workspaces (account_id, id)
    )
    """,
    """
    CREATE TABLE teammates (
        account_id uuid NOT NULL,
        id uuid NOT NULL,
        workspace_id uuid NOT NULL,
        name text NOT NULL,
        email text NOT NULL,
        seat text NOT NULL,
        status text NOT NULL,
        invited_at timestamptz NOT NULL,
        invite_expires_at timestamptz NOT NULL,
        accepted_at timestamptz,
        removed_at timestamptz,
        CONSTRAINT pk_teammates PRIMARY KEY (account_id, id),
        CONSTRAINT fk_teammates_workspaces FOREIGN KEY (account_id, workspace_id)
            REFERENCES workspaces (account_id, id),
        CONSTRAINT ck_teammates_seat CHECK (seat IN ('FULL', 'LITE')),
        CONSTRAINT ck_teammates_status CHECK (status IN ('PENDING', 'ACTIVE', 'REMOVED', 'REVOKED'))
    )
    """,
    """
    CREATE UNIQUE INDEX uq_teammates_present_email
        ON teammates (account_id, workspace_id, lower(email)) WHERE status IN ('PENDING', 'ACTIVE')
    """,
    """
    CREATE TABLE seat_changes (
        account_id uuid NOT NULL,
        position integer NOT NULL,
        workspace_id uuid NOT NULL,
        teammate_id uuid NOT NULL,
        seat text,
        at timestamptz NOT NULL,
        recorded_at timestamptz NOT NULL,
        CONSTRAINT pk_seat_changes PRIMARY KEY (account_id, position),
        CONSTRAINT fk_seat_changes_teammates FOREIGN KEY (account_id, teammate_id)
            REFERENCES teammates (account_id, id),
        CONSTRAINT fk_seat_changes_workspaces FOREIGN KEY (account_id, workspace_id)
            REFERENCES workspaces (account_id, id),
        CONSTRAINT ck_seat_changes_seat CHECK (seat IN ('FULL', 'LITE')),
        CONSTRAINT ck_seat_changes_position CHECK (position >= 1)
    )
    """,
)

CONTRACT: Final = (
    """
    CREATE TABLE subscriptions (
        account_id uuid NOT NULL,
        id uuid NOT NULL,
        status text NOT NULL,
        plan text NOT NULL,
        price_book_version integer NOT NULL,
        is_psp boolean NOT NULL,
        anchor_on date NOT NULL,
        period_start date NOT NULL,
        period_end date NOT NULL,
        dirty_from date,
        started_at timestamptz NOT NULL,
        ended_at timestamptz,
        CONSTRAINT pk_subscriptions PRIMARY KEY (account_id, id),
        CONSTRAINT fk_subscriptions_accounts FOREIGN KEY (account_id) REFERENCES accounts (account_id),
        CONSTRAINT fk_subscriptions_price_books FOREIGN KEY (price_book_version)
            REFERENCES price_books (version),
        CONSTRAINT ck_subscriptions_status CHECK (status IN ('TRIAL', 'ACTIVE', 'ENDED')),
        CONSTRAINT ck_subscriptions_plan CHECK (plan IN ('ESSENTIAL', 'ADVANCED', 'EXPERT')),
        CONSTRAINT ck_subscriptions_period CHECK (period_start <= period_end)
    )
    """,
    "CREATE UNIQUE INDEX uq_subscriptions_live ON subscriptions (account_id) WHERE status <> 'ENDED'",
    """
    CREATE TABLE subscription_facts (
        account_id uuid NOT NULL,
        position integer NOT NULL,
        subscription_id uuid NOT NULL,
        kind text NOT NULL,
        at timestamptz NOT NULL,
        recorded_at timestamptz NOT NULL,
        payload jsonb NOT NULL,
        CONSTRAINT pk_subscription_facts PRIMARY KEY (account_id, position),
        CONSTRAINT fk_subscription_facts_subscriptions FOREIGN KEY (account_id, subscription_id)
            REFERENCES subscriptions (account_id, id),
        CONSTRAINT ck_subscription_facts_position CHECK (position >= 1)
    )
    """,
)

USAGE: Final = (
    """
    CREATE TABLE usage_events (
        account_id uuid NOT NULL,
        workspace_id uuid NOT NULL,
        event_id text NOT NULL,
        metric text NOT NULL,
        quantity bigint NOT NULL,
        units bigint NOT NULL,
        at timestamptz NOT NULL,
        day date NOT NULL,
        channel text,
        conversation_id text,
        properties jsonb,
        fingerprint bytea NOT NULL,
        recorded_at timestamptz NOT NULL,
        CONSTRAINT pk_usage_events PRIMARY KEY (account_id, workspace_id, event_id),
        CONSTRAINT ck_usage_events_metric CHECK (metric IN ('MESSAGES_SENT', 'BULK_EMAIL',
            'SMS_SEGMENT', 'WHATSAPP_SENT', 'PHONE_MINUTE', 'FIN_RESOLUTION')),
        CONSTRAINT ck_usage_events_channel CHECK (channel IN ('POST', 'MOBILE_PUSH',
            'PRODUCT_TOUR', 'MOBILE_CAROUSEL', 'SURVEY')),
        CONSTRAINT ck_usage_events_quantity CHECK (quantity BETWEEN 1 AND 1000000000),
        CONSTRAINT ck_usage_events_units CHECK (units BETWEEN 1 AND 1000000000),
        CONSTRAINT ck_usage_events_event_id CHECK (length(event_id) BETWEEN 1 AND 255),
        CONSTRAINT ck_usage_events_conversation_id CHECK (length(conversation_id) BETWEEN 1 AND 255),
        CONSTRAINT ck_usage_events_resolution
            CHECK (metric <> 'FIN_RESOLUTION' OR conversation_id IS NOT NULL)
    )
    """,
    """
    CREATE TABLE usage_takebacks (
        account_id uuid NOT NULL,
        workspace_id uuid NOT NULL,
        event_id text NOT NULL,
        reason text NOT NULL,
        taken_back_at timestamptz NOT NULL,
        recorded_at timestamptz NOT NULL,
        CONSTRAINT pk_usage_takebacks PRIMARY KEY (account_id, workspace_id, event_id),
        CONSTRAINT fk_usage_takebacks_usage_events FOREIGN KEY (account_id, workspace_id, event_id)
            REFERENCES usage_events (account_id, workspace_id, event_id)
    )
    """,
    """
    CREATE TABLE standing_resolutions (
        account_id uuid NOT NULL,
        workspace_id uuid NOT NULL,
        conversation_id text NOT NULL,
        event_id text NOT NULL,
        CONSTRAINT pk_standing_resolutions PRIMARY KEY (account_id, workspace_id, conversation_id),
        CONSTRAINT fk_standing_resolutions_usage_events FOREIGN KEY (account_id, workspace_id, event_id)
            REFERENCES usage_events (account_id, workspace_id, event_id) DEFERRABLE INITIALLY DEFERRED
    )
    """,
    """
    CREATE TABLE usage_days (
        account_id uuid NOT NULL,
        workspace_id uuid NOT NULL,
        metric text NOT NULL,
        day date NOT NULL,
        channel text NOT NULL DEFAULT '',
        units bigint NOT NULL,
        events bigint NOT NULL,
        CONSTRAINT pk_usage_days PRIMARY KEY (account_id, workspace_id, metric, day, channel),
        CONSTRAINT fk_usage_days_workspaces FOREIGN KEY (account_id, workspace_id)
            REFERENCES workspaces (account_id, id),
        CONSTRAINT ck_usage_days_metric CHECK (metric IN ('MESSAGES_SENT', 'BULK_EMAIL',
            'SMS_SEGMENT', 'WHATSAPP_SENT', 'PHONE_MINUTE', 'FIN_RESOLUTION')),
        CONSTRAINT ck_usage_days_channel CHECK (channel IN ('', 'POST', 'MOBILE_PUSH',
            'PRODUCT_TOUR', 'MOBILE_CAROUSEL', 'SURVEY')),
        CONSTRAINT ck_usage_days_units CHECK (units >= 0),
        CONSTRAINT ck_usage_days_events CHECK (events >= 0)
    ) WITH (fillfactor = 50)
    """,
)

MONEY: Final = (
    """
    CREATE TABLE invoices (
        account_id uuid NOT NULL,
        id uuid NOT NULL,
        number integer NOT NULL,
        subscription_id uuid NOT NULL,
        stream text NOT NULL,
        invoice_on date NOT NULL,
        made_at timestamptz NOT NULL,
        issued_at timestamptz NOT NULL,
        period_start date NOT NULL,
        period_end date NOT NULL,
        status text NOT NULL,
        currency text NOT NULL DEFAULT 'USD',
        total_cents bigint NOT NULL,
        credit_applied_cents bigint NOT NULL,
        due_cents bigint NOT NULL,
        paid_at timestamptz,
        ladder_on date NOT NULL,
        ladder_step integer NOT NULL DEFAULT 0,
        next_attempt_at timestamptz,
        is_hard_declined boolean NOT NULL DEFAULT false,
        failure text,
        issued_in bigint NOT NULL DEFAULT (pg_current_xact_id()::text)::bigint,
        CONSTRAINT pk_invoices PRIMARY KEY (account_id, id),
        CONSTRAINT fk_invoices_subscriptions FOREIGN KEY (account_id, subscription_id)
            REFERENCES subscriptions (account_id, id),
        CONSTRAINT uq_invoices_number UNIQUE (account_id, number),
        CONSTRAINT uq_invoices_stream UNIQUE (account_id, subscription_id, stream, invoice_on),
        CONSTRAINT ck_invoices_status CHECK (status IN ('OPEN', 'PAID', 'UNCOLLECTIBLE', 'VOID')),
        CONSTRAINT ck_invoices_currency CHECK (currency IN ('USD')),
        CONSTRAINT ck_invoices_number CHECK (number >= 1),
        CONSTRAINT ck_invoices_period CHECK (period_start <= period_end),
        CONSTRAINT ck_invoices_due_cents CHECK (due_cents >= 0),
        CONSTRAINT ck_invoices_never_over_total
            CHECK (due_cents + credit_applied_cents <= greatest(total_cents, 0)),
        CONSTRAINT ck_invoices_ladder_step CHECK (ladder_step >= 0)
    )
    """,
    """
    CREATE TABLE invoice_lines (
        account_id uuid NOT NULL,
        invoice_id uuid NOT NULL,
        position integer NOT NULL,
        subscription_id uuid NOT NULL,
        key text NOT NULL,
        section text NOT NULL,
        description text NOT NULL,
        quantity bigint,
        unit_price bigint,
        tiers jsonb NOT NULL,
        period_start date NOT NULL,
        period_end date NOT NULL,
        service_start date NOT NULL,
        service_end date NOT NULL,
        amount_cents bigint NOT NULL,
        explanation text NOT NULL,
        is_adjustment boolean NOT NULL,
        change_key text,
        causes jsonb NOT NULL,
        CONSTRAINT pk_invoice_lines PRIMARY KEY (account_id, invoice_id, position),
        CONSTRAINT fk_invoice_lines_invoices FOREIGN KEY (account_id, invoice_id)
            REFERENCES invoices (account_id, id),
        CONSTRAINT ck_invoice_lines_section
            CHECK (section IN ('ADDITIONAL_USAGE', 'PRORATIONS', 'SUBSCRIPTION')),
        CONSTRAINT ck_invoice_lines_position CHECK (position >= 1),
        CONSTRAINT ck_invoice_lines_period CHECK (period_start <= period_end),
        CONSTRAINT ck_invoice_lines_service CHECK (service_start <= service_end)
    )
    """,
    "CREATE INDEX ix_invoice_lines_period ON invoice_lines (account_id, subscription_id, period_start)",
    """
    CREATE TABLE payment_attempts (
        account_id uuid NOT NULL,
        id uuid NOT NULL,
        invoice_id uuid NOT NULL,
        attempt integer NOT NULL,
        status text NOT NULL,
        amount_cents bigint NOT NULL,
        payment_method text NOT NULL,
        provider_reference text,
        decline_code text,
        is_hard boolean NOT NULL DEFAULT false,
        reason text,
        created_at timestamptz NOT NULL,
        finished_at timestamptz,
        CONSTRAINT pk_payment_attempts PRIMARY KEY (account_id, id),
        CONSTRAINT fk_payment_attempts_invoices FOREIGN KEY (account_id, invoice_id)
            REFERENCES invoices (account_id, id),
        CONSTRAINT uq_payment_attempts_attempt UNIQUE (account_id, invoice_id, attempt),
        CONSTRAINT ck_payment_attempts_status
            CHECK (status IN ('PENDING', 'SUCCEEDED', 'DECLINED', 'UNKNOWN')),
        CONSTRAINT ck_payment_attempts_attempt CHECK (attempt >= 1),
        CONSTRAINT ck_payment_attempts_amount_cents CHECK (amount_cents >= 1)
    )
    """,
    """
    CREATE UNIQUE INDEX uq_payment_attempts_in_flight
        ON payment_attempts (account_id, invoice_id) WHERE status IN ('PENDING', 'UNKNOWN')
    """,
    """
    CREATE TABLE ledger_entries (
        account_id uuid NOT NULL,
        id uuid NOT NULL,
        transaction_id uuid NOT NULL,
        ledger_account text NOT NULL,
        amount_cents bigint NOT NULL,
        kind text NOT NULL,
        invoice_id uuid,
        at timestamptz NOT NULL,
        recorded_at timestamptz NOT NULL,
        CONSTRAINT pk_ledger_entries PRIMARY KEY (account_id, id),
        CONSTRAINT fk_ledger_entries_accounts FOREIGN KEY (account_id) REFERENCES accounts (account_id),
        CONSTRAINT fk_ledger_entries_invoices FOREIGN KEY (account_id, invoice_id)
            REFERENCES invoices (account_id, id),
        CONSTRAINT ck_ledger_entries_ledger_account
            CHECK (ledger_account IN ('RECEIVABLE', 'REVENUE', 'CREDIT', 'CASH')),
        CONSTRAINT ck_ledger_entries_amount_cents CHECK (amount_cents <> 0)
    )
    """,
    "CREATE INDEX ix_ledger_entries_transaction ON ledger_entries (account_id, transaction_id)",
)

DUE: Final = (
    """
    CREATE TABLE due_work (
        account_id uuid NOT NULL,
        kind text NOT NULL,
        subject_id uuid NOT NULL,
        due_at timestamptz NOT NULL,
        lease_until timestamptz,
        failures integer NOT NULL DEFAULT 0,
        parked_at timestamptz,
        parked_reason text,
        CONSTRAINT pk_due_work PRIMARY KEY (account_id, kind, subject_id),
        CONSTRAINT fk_due_work_accounts FOREIGN KEY (account_id) REFERENCES accounts (account_id),
        CONSTRAINT ck_due_work_kind CHECK (kind IN ('CLOSE', 'TRIAL_END', 'COLLECT', 'FREEZE')),
        CONSTRAINT ck_due_work_failures CHECK (failures >= 0)
    )
    """,
    "CREATE INDEX ix_due_work_due_at ON due_work (due_at) WHERE parked_at IS NULL",
)

# Children before parents.
DROPPED: Final = (
    "due_work",
    "ledger_entries",
    "payment_attempts",
    "invoice_lines",
    "invoices",
    "usage_days",
    "standing_resolutions",
    "usage_takebacks",
    "usage_events",
    "subscription_facts",
    "subscriptions",
    "seat_changes",
    "teammates",
    "billing_contacts",
    "workspaces",
    "accounts",
    "provider_events",
    "api_keys",
    "price_books",
    "test_clocks",
)


def upgrade() -> None:
    for statement in (*REFERENCE, *WHO, *CONTRACT, *USAGE, *MONEY, *DUE):
        op.execute(statement)


def downgrade() -> None:
    for table in DROPPED:
        op.execute(f"DROP TABLE {table}")
