"""Terms, contracts and endings: how a subscription is billed, when it ends, and invoices of several streams a day.

Revision ID: 0003
Revises: 0002
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE subscriptions ADD COLUMN billing text NOT NULL DEFAULT 'MONTHLY'")
    op.execute("ALTER TABLE subscriptions ADD COLUMN billing_months integer NOT NULL DEFAULT 1")
    op.execute("ALTER TABLE subscriptions ADD COLUMN ends_on date")
    op.execute(
        "ALTER TABLE subscriptions ADD CONSTRAINT ck_subscriptions_billing "
        "CHECK (billing IN ('TRIAL', 'MONTHLY', 'EARLY_STAGE', 'YEARLY', 'CONTRACT'))"
    )
    op.execute(
        "ALTER TABLE subscriptions ADD CONSTRAINT ck_subscriptions_billing_months CHECK (billing_months >= 1)"
    )
    op.execute("UPDATE subscriptions SET billing = 'TRIAL' WHERE status = 'TRIAL'")
    op.execute("ALTER TABLE invoices ADD COLUMN occasion text NOT NULL DEFAULT 'CLOSE'")
    op.execute(
        "ALTER TABLE invoices ADD CONSTRAINT ck_invoices_occasion CHECK (occasion IN ('CLOSE', 'TURN', 'CHANGE'))"
    )
    op.execute("ALTER TABLE invoices DROP CONSTRAINT uq_invoices_stream")
    op.execute(
        "CREATE UNIQUE INDEX uq_invoices_stream ON invoices (account_id, subscription_id, stream, invoice_on) "
        "WHERE occasion = 'CLOSE' AND status <> 'VOID'"
    )


def downgrade() -> None:
    op.execute("DROP INDEX uq_invoices_stream")
    op.execute(
        "ALTER TABLE invoices ADD CONSTRAINT uq_invoices_stream "
        "UNIQUE (account_id, subscription_id, stream, invoice_on)"
    )
    op.execute("ALTER TABLE invoices DROP COLUMN occasion")
    for column in ("ends_on", "billing_months", "billing"):
        op.execute(f"ALTER TABLE subscriptions DROP COLUMN {column}")
