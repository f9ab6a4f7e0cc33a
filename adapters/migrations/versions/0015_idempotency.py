"""Idempotency keys with what was done under each, and what was answered.

Revision ID: 0015
Revises: 0014
"""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE idempotency_keys (
            account_id uuid NOT NULL,
            key text NOT NULL,
            mutation text NOT NULL,
            fingerprint bytea NOT NULL,
            answer json NOT NULL,
            created_at timestamp with time zone NOT NULL,
            CONSTRAINT pk_idempotency_keys PRIMARY KEY (account_id, key)
        )
    """)
    op.execute("CREATE INDEX ix_idempotency_keys_created_at ON idempotency_keys (created_at)")
    op.execute("""
        CREATE POLICY own_account ON idempotency_keys
            USING ((SELECT sees_all_accounts()) OR account_id = ANY ((SELECT seen_accounts())::uuid[]))
    """)
    op.execute("ALTER TABLE idempotency_keys ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE idempotency_keys FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    op.execute("DROP TABLE idempotency_keys")
