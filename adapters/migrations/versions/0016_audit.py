"""The audit log: a chain of entries for each account, which are only ever added, and the head of each chain.

An entry cannot be changed or removed, nor can the tables be emptied; a head moves on by one entry at a time.

Revision ID: 0016
Revises: 0015
"""

from typing import Final

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

STATEMENTS: Final = (
    """
    CREATE TABLE audit_entries (
        account_id uuid NOT NULL,
        seq bigint NOT NULL,
        at timestamptz NOT NULL,
        actor_kind text NOT NULL,
        actor_id text NOT NULL,
        actor_name text NOT NULL,
        permissions text[] NOT NULL,
        action text NOT NULL,
        subject text,
        input jsonb NOT NULL,
        changes jsonb NOT NULL,
        left_out bigint NOT NULL DEFAULT 0,
        reason text,
        request_id text,
        previous bytea NOT NULL,
        hash bytea NOT NULL,
        CONSTRAINT pk_audit_entries PRIMARY KEY (account_id, seq),
        CONSTRAINT ck_audit_entries_actor_kind CHECK (actor_kind IN ('KEY', 'USER', 'SYSTEM')),
        CONSTRAINT ck_audit_entries_seq CHECK (seq >= 1),
        CONSTRAINT ck_audit_entries_left_out CHECK (left_out >= 0),
        CONSTRAINT ck_audit_entries_hashes CHECK (length(previous) = 32 AND length(hash) = 32)
    )
    """,
    """
    CREATE TABLE audit_heads (
        account_id uuid NOT NULL,
        seq bigint NOT NULL,
        hash bytea NOT NULL,
        CONSTRAINT pk_audit_heads PRIMARY KEY (account_id),
        CONSTRAINT ck_audit_heads_seq CHECK (seq >= 0),
        CONSTRAINT ck_audit_heads_hash CHECK (length(hash) = 32)
    ) WITH (fillfactor = 50)
    """,
    """
    CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_entries
        FOR EACH ROW EXECUTE FUNCTION refuse_change()
    """,
    """
    CREATE TRIGGER never_emptied BEFORE TRUNCATE ON audit_entries
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """,
    """
    CREATE TRIGGER never_removed BEFORE DELETE ON audit_heads
        FOR EACH ROW EXECUTE FUNCTION refuse_change()
    """,
    """
    CREATE TRIGGER never_emptied BEFORE TRUNCATE ON audit_heads
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """,
    """
    CREATE TRIGGER moves_on_by_one BEFORE UPDATE ON audit_heads FOR EACH ROW
        WHEN (NEW.account_id <> OLD.account_id OR NEW.seq <> OLD.seq + 1) EXECUTE FUNCTION refuse_change()
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
    for table in ("audit_entries", "audit_heads"):
        op.execute(f"""
            CREATE POLICY own_account ON {table}
                USING ((SELECT sees_all_accounts()) OR account_id = ANY ((SELECT seen_accounts())::uuid[]))
        """)
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    op.execute("DROP TABLE audit_heads")
    op.execute("DROP TABLE audit_entries")
