"""Refunds, charges the customer confirms, and where dunning stands.

Revision ID: 0006
Revises: 0005
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ACCOUNTS = "'RECEIVABLE', 'REVENUE', 'CREDIT', 'CASH', 'WRITE_OFF'"
DUE = "'CLOSE', 'TRIAL_END', 'COLLECT', 'FREEZE', 'REMINDER'"
ATTEMPTS = "'PENDING', 'SUCCEEDED', 'DECLINED', 'UNKNOWN'"
IN_FLIGHT = "'PENDING', 'UNKNOWN'"


def _allow(table: str, column: str, values: str) -> None:
    op.execute(f"ALTER TABLE {table} DROP CONSTRAINT ck_{table}_{column}")
    op.execute(f"ALTER TABLE {table} ADD CONSTRAINT ck_{table}_{column} CHECK ({column} IN ({values}))")


def _one_in_flight(statuses: str) -> None:
    op.execute("DROP INDEX uq_payment_attempts_in_flight")
    op.execute(
        "CREATE UNIQUE INDEX uq_payment_attempts_in_flight ON payment_attempts (account_id, invoice_id) "
        f"WHERE status IN ({statuses})"
    )


def upgrade() -> None:
    op.execute("""
        CREATE TABLE refunds (
            account_id uuid NOT NULL,
            id uuid NOT NULL,
            payment_id uuid NOT NULL,
            invoice_id uuid NOT NULL,
            amount_cents bigint NOT NULL,
            reason text NOT NULL,
            status text NOT NULL,
            provider_reference text,
            failure text,
            created_at timestamptz NOT NULL,
            finished_at timestamptz,
            CONSTRAINT pk_refunds PRIMARY KEY (account_id, id),
            CONSTRAINT fk_refunds_payment_attempts FOREIGN KEY (account_id, payment_id)
                REFERENCES payment_attempts (account_id, id),
            CONSTRAINT ck_refunds_status CHECK (status IN ('PENDING', 'SUCCEEDED', 'FAILED', 'UNKNOWN')),
            CONSTRAINT ck_refunds_amount_cents CHECK (amount_cents >= 1)
        )
    """)
    op.execute("CREATE INDEX ix_refunds_payment ON refunds (account_id, payment_id)")
    op.execute("ALTER TABLE invoices ADD COLUMN dunning_state text NOT NULL DEFAULT 'RETRYING'")
    op.execute(
        "UPDATE invoices SET dunning_state = CASE WHEN is_hard_declined THEN 'STOPPED' ELSE 'USED_UP' END "
        "WHERE is_hard_declined OR ladder_step >= 4"
    )
    op.execute(
        "ALTER TABLE invoices ADD CONSTRAINT ck_invoices_dunning_state "
        "CHECK (dunning_state IN ('RETRYING', 'CONFIRMING', 'STOPPED', 'USED_UP'))"
    )
    op.execute("ALTER TABLE invoices DROP COLUMN is_hard_declined")
    op.execute("ALTER TABLE invoices ADD COLUMN action_url text")
    op.execute("ALTER TABLE payment_attempts ADD COLUMN card_brand text, ADD COLUMN card_last4 text")
    _allow("payment_attempts", "status", f"{ATTEMPTS}, 'ACTION_NEEDED'")
    _one_in_flight(f"{IN_FLIGHT}, 'ACTION_NEEDED'")
    _allow("ledger_entries", "ledger_account", f"{ACCOUNTS}, 'REFUND'")
    _allow("due_work", "kind", f"{DUE}, 'REFUND'")


def downgrade() -> None:
    _allow("due_work", "kind", DUE)
    _allow("ledger_entries", "ledger_account", ACCOUNTS)
    _one_in_flight(IN_FLIGHT)
    _allow("payment_attempts", "status", ATTEMPTS)
    op.execute("ALTER TABLE payment_attempts DROP COLUMN card_last4, DROP COLUMN card_brand")
    op.execute("ALTER TABLE invoices DROP COLUMN action_url")
    op.execute("ALTER TABLE invoices ADD COLUMN is_hard_declined boolean NOT NULL DEFAULT false")
    op.execute("UPDATE invoices SET is_hard_declined = true WHERE dunning_state = 'STOPPED'")
    op.execute("ALTER TABLE invoices DROP COLUMN dunning_state")
    op.execute("DROP TABLE refunds")
