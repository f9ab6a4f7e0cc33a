"""The roles of teammates are checked, those from before as well.

Revision ID: 0013
Revises: 0012
"""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE teammates VALIDATE CONSTRAINT ck_teammates_role")


def downgrade() -> None:
    pass
