"""A person is found by address in all workspaces.

Revision ID: 0012
Revises: 0011
"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_teammates_email")
        op.execute("""
            CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_teammates_email
            ON teammates (lower(email)) WHERE status IN ('PENDING', 'ACTIVE')
        """)


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_teammates_email")
