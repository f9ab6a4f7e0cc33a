"""Mail that is sent: what a mail shows beside its text, tries and their outcome, notices of invoices, payments and invites.

Revision ID: 0007
Revises: 0006
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

BEFORE = "'ALERT', 'LIMIT_DISABLED', 'LIMIT_ENABLED', 'RENEWAL_REMINDER'"
ADDED = "'INVOICE_ISSUED', 'PAYMENT_FAILED', 'ACTION_NEEDED', 'FROZEN', 'RESTORED', 'INVITE'"


def _allow(values: str, *, validity: str = "") -> None:
    op.execute("ALTER TABLE notifications DROP CONSTRAINT ck_notifications_kind")
    op.execute(
        f"ALTER TABLE notifications ADD CONSTRAINT ck_notifications_kind CHECK (kind IN ({values})) {validity}"
    )


def upgrade() -> None:
    op.execute("ALTER TABLE notifications ADD COLUMN facts jsonb NOT NULL DEFAULT '{}'::jsonb")
    _allow(f"{BEFORE}, {ADDED}")
    op.execute("""
        ALTER TABLE outbox
            ADD COLUMN next_try_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            ADD COLUMN lease_until timestamptz,
            ADD COLUMN failures integer NOT NULL DEFAULT 0,
            ADD COLUMN last_error text,
            ADD COLUMN given_up_at timestamptz
    """)
    # Nobody waits any more for what was written before there was mail.
    op.execute("""
        UPDATE outbox SET given_up_at = now(), last_error = 'It was written before mail was sent.'
        WHERE sent_at IS NULL
    """)
    op.execute("ALTER TABLE outbox ADD CONSTRAINT ck_outbox_failures CHECK (failures >= 0)")
    op.execute(
        "ALTER TABLE outbox ADD CONSTRAINT ck_outbox_one_end CHECK (sent_at IS NULL OR given_up_at IS NULL)"
    )
    op.execute("DROP INDEX ix_outbox_unsent")
    op.execute(
        "CREATE INDEX ix_outbox_unsent ON outbox (next_try_at) WHERE sent_at IS NULL AND given_up_at IS NULL"
    )


def downgrade() -> None:
    op.execute("DROP INDEX ix_outbox_unsent")
    op.execute("ALTER TABLE outbox DROP CONSTRAINT ck_outbox_one_end")
    for column in ("given_up_at", "last_error", "failures", "lease_until", "next_try_at"):
        op.execute(f"ALTER TABLE outbox DROP COLUMN {column}")
    op.execute("CREATE INDEX ix_outbox_unsent ON outbox (notification_id) WHERE sent_at IS NULL")
    _allow(BEFORE, validity="NOT VALID")  # notices are never deleted: those of the newer kinds stay
    op.execute("ALTER TABLE notifications DROP COLUMN facts")
