"""Alerts and hard limits, and what people are told of them."""

from typing import Final

from alembic import op

revision: Final = "0004"
down_revision: Final = "0003"

APPEND_ONLY: Final = ("alert_levels", "limit_switches", "notifications")

TABLES: Final = (
    """
    CREATE TABLE alerts (
        account_id uuid NOT NULL,
        id uuid NOT NULL,
        workspace_id uuid,
        metric text NOT NULL,
        threshold bigint,
        version integer,
        pending bigint,
        pending_version integer,
        also_at_50_and_80 boolean NOT NULL DEFAULT false,
        versions integer NOT NULL DEFAULT 0,
        cycle_start date NOT NULL,
        created_at timestamptz NOT NULL,
        CONSTRAINT pk_alerts PRIMARY KEY (account_id, id),
        CONSTRAINT fk_alerts_accounts FOREIGN KEY (account_id) REFERENCES accounts (account_id),
        CONSTRAINT fk_alerts_workspaces FOREIGN KEY (account_id, workspace_id)
            REFERENCES workspaces (account_id, id),
        CONSTRAINT uq_alerts_scope UNIQUE NULLS NOT DISTINCT (account_id, workspace_id, metric),
        CONSTRAINT ck_alerts_metric CHECK (metric IN ('MESSAGES_SENT', 'BULK_EMAIL', 'SMS_SEGMENT',
            'WHATSAPP_SENT', 'PHONE_MINUTE', 'FIN_RESOLUTION', 'FULL_SEATS', 'TOTAL_SPEND')),
        CONSTRAINT ck_alerts_threshold CHECK (threshold >= 1 AND (threshold IS NULL) = (version IS NULL)),
        CONSTRAINT ck_alerts_pending CHECK (pending >= 1 AND (pending IS NULL) = (pending_version IS NULL)),
        CONSTRAINT ck_alerts_versions CHECK (versions >= greatest(version, pending_version, 0)),
        CONSTRAINT ck_alerts_spend CHECK (metric <> 'TOTAL_SPEND' OR workspace_id IS NULL)
    )
    """,
    """
    CREATE TABLE alert_levels (
        account_id uuid NOT NULL,
        alert_id uuid NOT NULL,
        cycle_start date NOT NULL,
        version integer NOT NULL,
        level integer NOT NULL,
        threshold bigint NOT NULL,
        passing text NOT NULL,
        total bigint NOT NULL,
        at timestamptz NOT NULL,
        CONSTRAINT pk_alert_levels PRIMARY KEY (account_id, alert_id, cycle_start, version, level),
        CONSTRAINT fk_alert_levels_alerts FOREIGN KEY (account_id, alert_id) REFERENCES alerts (account_id, id),
        CONSTRAINT ck_alert_levels_passing CHECK (passing IN ('FIRED', 'COVERED', 'SKIPPED')),
        CONSTRAINT ck_alert_levels_level CHECK (level IN (50, 80, 100)),
        CONSTRAINT ck_alert_levels_threshold CHECK (threshold >= 1)
    )
    """,
    """
    CREATE TABLE hard_limits (
        account_id uuid NOT NULL,
        id uuid NOT NULL,
        workspace_id uuid,
        metric text NOT NULL,
        units bigint,
        is_disabled boolean NOT NULL DEFAULT false,
        cycle_start date NOT NULL,
        created_at timestamptz NOT NULL,
        CONSTRAINT pk_hard_limits PRIMARY KEY (account_id, id),
        CONSTRAINT fk_hard_limits_accounts FOREIGN KEY (account_id) REFERENCES accounts (account_id),
        CONSTRAINT fk_hard_limits_workspaces FOREIGN KEY (account_id, workspace_id)
            REFERENCES workspaces (account_id, id),
        CONSTRAINT uq_hard_limits_scope UNIQUE NULLS NOT DISTINCT (account_id, workspace_id, metric),
        CONSTRAINT ck_hard_limits_metric CHECK (metric IN ('MESSAGES_SENT', 'BULK_EMAIL', 'SMS_SEGMENT',
            'WHATSAPP_SENT', 'PHONE_MINUTE', 'FIN_RESOLUTION')),
        CONSTRAINT ck_hard_limits_units CHECK (units >= 0),
        CONSTRAINT ck_hard_limits_is_disabled CHECK (NOT is_disabled OR units IS NOT NULL)
    )
    """,
    """
    CREATE TABLE limit_switches (
        account_id uuid NOT NULL,
        id uuid NOT NULL,
        limit_id uuid NOT NULL,
        is_disabled boolean NOT NULL,
        cause text NOT NULL,
        units bigint,
        total bigint NOT NULL,
        at timestamptz NOT NULL,
        day date NOT NULL,
        is_mailed boolean NOT NULL,
        CONSTRAINT pk_limit_switches PRIMARY KEY (account_id, id),
        CONSTRAINT fk_limit_switches_hard_limits FOREIGN KEY (account_id, limit_id)
            REFERENCES hard_limits (account_id, id),
        CONSTRAINT ck_limit_switches_cause
            CHECK (cause IN ('USAGE', 'LIMIT_SET', 'LIMIT_TURNED_OFF', 'NEW_PERIOD'))
    )
    """,
    """
    CREATE UNIQUE INDEX uq_limit_switches_mailed
        ON limit_switches (account_id, limit_id, is_disabled, day) WHERE is_mailed
    """,
    """
    CREATE TABLE notifications (
        account_id uuid NOT NULL,
        id uuid NOT NULL,
        workspace_id uuid,
        kind text NOT NULL,
        title text NOT NULL,
        body text NOT NULL,
        at timestamptz NOT NULL,
        CONSTRAINT pk_notifications PRIMARY KEY (account_id, id),
        CONSTRAINT fk_notifications_workspaces FOREIGN KEY (account_id, workspace_id)
            REFERENCES workspaces (account_id, id),
        CONSTRAINT ck_notifications_kind CHECK (kind IN ('ALERT', 'LIMIT_DISABLED', 'LIMIT_ENABLED'))
    )
    """,
    """
    CREATE TABLE outbox (
        account_id uuid NOT NULL,
        notification_id uuid NOT NULL,
        address text NOT NULL,
        created_at timestamptz NOT NULL,
        sent_at timestamptz,
        CONSTRAINT pk_outbox PRIMARY KEY (account_id, notification_id, address),
        CONSTRAINT fk_outbox_notifications FOREIGN KEY (account_id, notification_id)
            REFERENCES notifications (account_id, id)
    )
    """,
    "CREATE INDEX ix_outbox_unsent ON outbox (notification_id) WHERE sent_at IS NULL",
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    for table in ("outbox", "notifications", "limit_switches", "hard_limits", "alert_levels", "alerts"):
        op.execute(f"DROP TABLE {table}")
