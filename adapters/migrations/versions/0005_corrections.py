"""Corrections and proof: credit notes, voids, corrected dates, what was known when; workspaces that move; reminders.

Revision ID: 0005
Revises: 0004
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ACCOUNTS = "'RECEIVABLE', 'REVENUE', 'CREDIT', 'CASH'"


DUE = "'CLOSE', 'TRIAL_END', 'COLLECT', 'FREEZE'"
NOTICES = "'ALERT', 'LIMIT_DISABLED', 'LIMIT_ENABLED'"


def _allow(table: str, column: str, values: str) -> None:
    op.execute(f"ALTER TABLE {table} DROP CONSTRAINT ck_{table}_{column}")
    op.execute(f"ALTER TABLE {table} ADD CONSTRAINT ck_{table}_{column} CHECK ({column} IN ({values}))")


def upgrade() -> None:
    op.execute("""
        CREATE TABLE credit_notes (
            account_id uuid NOT NULL,
            id uuid NOT NULL,
            invoice_id uuid NOT NULL,
            amount_cents bigint NOT NULL,
            to_due_cents bigint NOT NULL,
            reason text NOT NULL,
            at timestamptz NOT NULL,
            recorded_at timestamptz NOT NULL,
            CONSTRAINT pk_credit_notes PRIMARY KEY (account_id, id),
            CONSTRAINT fk_credit_notes_invoices FOREIGN KEY (account_id, invoice_id)
                REFERENCES invoices (account_id, id),
            CONSTRAINT ck_credit_notes_amount_cents CHECK (amount_cents >= 1),
            CONSTRAINT ck_credit_notes_to_due_cents CHECK (to_due_cents BETWEEN 0 AND amount_cents)
        )
    """)
    op.execute("CREATE INDEX ix_credit_notes_invoice ON credit_notes (account_id, invoice_id)")
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON credit_notes "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute("ALTER TABLE invoices ADD COLUMN closed_reason text")
    op.execute("ALTER TABLE invoices ADD COLUMN voided_at timestamptz")
    op.execute("ALTER TABLE invoices ADD COLUMN known_at timestamptz NOT NULL DEFAULT clock_timestamp()")
    op.execute("ALTER TABLE invoices ADD COLUMN known_position bigint NOT NULL DEFAULT 1")
    op.execute("ALTER TABLE usage_events ADD COLUMN known_at timestamptz NOT NULL DEFAULT clock_timestamp()")
    op.execute(
        "ALTER TABLE usage_takebacks ADD COLUMN known_at timestamptz NOT NULL DEFAULT clock_timestamp()"
    )
    op.execute("ALTER TABLE seat_changes ADD COLUMN corrects bigint")
    op.execute("ALTER TABLE seat_changes ADD CONSTRAINT ck_seat_changes_corrects CHECK (corrects < position)")
    op.execute("ALTER TABLE workspaces ADD COLUMN joined_at timestamptz")
    op.execute("ALTER TABLE workspaces ADD COLUMN left_at timestamptz")
    _allow("ledger_entries", "ledger_account", f"{ACCOUNTS}, 'WRITE_OFF'")
    _allow("due_work", "kind", f"{DUE}, 'REMINDER'")
    _allow("notifications", "kind", f"{NOTICES}, 'RENEWAL_REMINDER'")


def downgrade() -> None:
    _allow("notifications", "kind", NOTICES)
    _allow("due_work", "kind", DUE)
    _allow("ledger_entries", "ledger_account", ACCOUNTS)
    op.execute("ALTER TABLE workspaces DROP COLUMN left_at")
    op.execute("ALTER TABLE workspaces DROP COLUMN joined_at")
    op.execute("ALTER TABLE seat_changes DROP COLUMN corrects")
    op.execute("ALTER TABLE usage_takebacks DROP COLUMN known_at")
    op.execute("ALTER TABLE usage_events DROP COLUMN known_at")
    for column in ("known_position", "known_at", "voided_at", "closed_reason"):
        op.execute(f"ALTER TABLE invoices DROP COLUMN {column}")
    op.execute("DROP TABLE credit_notes")
