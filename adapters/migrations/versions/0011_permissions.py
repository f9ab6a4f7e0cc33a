"""Teammates have roles, whoever opened a workspace is its admin; keys have scopes, all of them so far.

Revision ID: 0011
Revises: 0010
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE teammates ADD COLUMN role text NOT NULL DEFAULT 'MEMBER'")
    op.execute(
        "ALTER TABLE teammates ADD CONSTRAINT ck_teammates_role CHECK "
        "(role IN ('ADMIN', 'BILLING', 'PEOPLE', 'DEVELOPER', 'AUDITOR', 'MEMBER')) NOT VALID"
    )
    # Until now whoever had joined could do everything; the first of those who are still there is left to give roles.
    op.execute("""
        UPDATE teammates SET role = 'ADMIN'
        FROM (
            SELECT DISTINCT ON (account_id, workspace_id) account_id, id
            FROM teammates WHERE status = 'ACTIVE'
            ORDER BY account_id, workspace_id, accepted_at, id
        ) AS first
        WHERE teammates.account_id = first.account_id AND teammates.id = first.id
    """)
    op.execute("ALTER TABLE api_keys ADD COLUMN scopes text[] NOT NULL DEFAULT '{}'")
    op.execute("""
        UPDATE api_keys SET scopes = ARRAY[
            'billing.view', 'billing.manage', 'seats.manage', 'usage.view', 'usage.record', 'alerts.manage',
            'limits.manage', 'webhooks.manage', 'audit.view'
        ] || CASE WHEN account_id IS NULL THEN ARRAY['account-manager', 'staff'] ELSE '{}' END
    """)


def downgrade() -> None:
    op.execute("ALTER TABLE teammates DROP COLUMN role")
    op.execute("ALTER TABLE api_keys DROP COLUMN scopes")
