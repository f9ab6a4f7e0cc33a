"""Idempotency keys with what was done under each, and what was answered.

Revision ID: 0015
Revises: 0013
"""

from alembic import op

revision = "0015"
down_revision = "0013"
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


def downgrade() -> None:
    op.execute("DROP TABLE idempotency_keys")
