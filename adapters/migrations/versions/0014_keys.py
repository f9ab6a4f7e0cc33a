"""Keys expire, tell when they were used last, and name their successor.

Revision ID: 0014
Revises: 0013
"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The index has a transaction of its own: should it fail, the columns are there at the next try.
    for column in ("expires_at timestamptz", "last_used_at timestamptz", "successor_id text"):
        op.execute(f"ALTER TABLE api_keys ADD COLUMN IF NOT EXISTS {column}")
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_api_keys_account")
        op.execute("CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_api_keys_account ON api_keys (account_id)")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_api_keys_account")
    for column in ("successor_id", "last_used_at", "expires_at"):
        op.execute(f"ALTER TABLE api_keys DROP COLUMN {column}")
