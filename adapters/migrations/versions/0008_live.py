"""Notices are read: by an account, once, at a moment.

Revision ID: 0008
Revises: 0007
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE notification_reads (
            account_id uuid NOT NULL,
            notification_id uuid NOT NULL,
            read_at timestamptz NOT NULL,
            CONSTRAINT pk_notification_reads PRIMARY KEY (account_id, notification_id),
            CONSTRAINT fk_notification_reads_notifications FOREIGN KEY (account_id, notification_id)
                REFERENCES notifications (account_id, id)
        )
    """)
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON notification_reads "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    op.execute("DROP TABLE notification_reads")
