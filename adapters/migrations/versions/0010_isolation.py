"""Rows of an account are seen and written only by whoever says to be at work for it, in the setting `app.accounts`.

The setting holds the ids of accounts parted by commas, or a star for all of them; where it is not set there are no rows.
FORCE, so that the tables' owner is no exception. Superusers and roles with BYPASSRLS are, hence the programs refuse to
be one. The functions stand in subqueries, which are worked out once a statement and not once a row. Foreign keys are
checked by PostgreSQL beside all policies, triggers within them.
"""

from typing import Final

from alembic import op

revision: Final = "0010"
down_revision: Final = "0009"

TABLES: Final = (
    "accounts",
    "alert_levels",
    "alerts",
    "api_keys",
    "billing_contacts",
    "credit_notes",
    "due_work",
    "events",
    "hard_limits",
    "invoice_lines",
    "invoices",
    "ledger_entries",
    "limit_switches",
    "notification_reads",
    "notifications",
    "outbox",
    "payment_attempts",
    "refunds",
    "seat_changes",
    "standing_resolutions",
    "subscription_facts",
    "subscriptions",
    "teammates",
    "usage_days",
    "usage_events",
    "usage_takebacks",
    "webhook_deliveries",
    "webhook_endpoints",
    "workspaces",
)

FUNCTIONS: Final = (
    """
    CREATE FUNCTION sees_all_accounts() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
        RETURN coalesce(current_setting('app.accounts', true) = '*', false)
    """,
    """
    CREATE FUNCTION seen_accounts() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
        RETURN string_to_array(nullif(current_setting('app.accounts', true), '*'), ',')::uuid[]
    """,
)


def upgrade() -> None:
    for function in FUNCTIONS:
        op.execute(function)
    for table in TABLES:
        op.execute(f"""
            CREATE POLICY own_account ON {table}
                USING ((SELECT sees_all_accounts()) OR account_id = ANY ((SELECT seen_accounts())::uuid[]))
        """)
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
        op.execute(f"DROP POLICY own_account ON {table}")
    op.execute("DROP FUNCTION seen_accounts()")
    op.execute("DROP FUNCTION sees_all_accounts()")
