"""What no constraint can say: facts are never rewritten, and sums always agree.

Sums are checked when a transaction commits, by one indexed aggregate, so that an invoice and its lines may be
inserted in any number of statements. Lines come in the transaction that issues their invoice or not at all:
that is seen once a statement, where a sum for each line would cost as much as all the rest of a close.
"""

from typing import Final

from alembic import op

revision: Final = "0002"
down_revision: Final = "0001"

APPEND_ONLY: Final = (
    "seat_changes",
    "subscription_facts",
    "usage_events",
    "usage_takebacks",
    "invoice_lines",
    "ledger_entries",
)

FUNCTIONS: Final = (
    """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
            USING ERRCODE = 'restrict_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
    END
    $$
    """,
    """
    CREATE FUNCTION keep_issued_invoice() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'DELETE' THEN
            RAISE EXCEPTION 'invoice % is issued: DELETE refused', OLD.number
                USING ERRCODE = 'restrict_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
        END IF;
        IF (NEW.account_id, NEW.id, NEW.number, NEW.subscription_id, NEW.stream, NEW.invoice_on,
            NEW.made_at, NEW.issued_at, NEW.period_start, NEW.period_end, NEW.currency, NEW.total_cents,
            NEW.issued_in)
           IS DISTINCT FROM
           (OLD.account_id, OLD.id, OLD.number, OLD.subscription_id, OLD.stream, OLD.invoice_on,
            OLD.made_at, OLD.issued_at, OLD.period_start, OLD.period_end, OLD.currency, OLD.total_cents,
            OLD.issued_in)
        THEN
            RAISE EXCEPTION 'invoice % is issued: what it bills cannot change', OLD.number
                USING ERRCODE = 'restrict_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
        END IF;
        RETURN NEW;
    END
    $$
    """,
    """
    CREATE FUNCTION check_invoice_total() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        lines bigint;
    BEGIN
        SELECT coalesce(sum(amount_cents), 0) INTO lines FROM invoice_lines
            WHERE account_id = NEW.account_id AND invoice_id = NEW.id;
        IF lines <> NEW.total_cents THEN
            RAISE EXCEPTION 'invoice % totals % cents, its lines %', NEW.number, NEW.total_cents, lines
                USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
        END IF;
        RETURN NULL;
    END
    $$
    """,
    """
    CREATE FUNCTION refuse_late_lines() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        late integer;
    BEGIN
        SELECT invoice.number INTO late
            FROM (SELECT DISTINCT account_id, invoice_id FROM added) line
            JOIN invoices invoice ON invoice.account_id = line.account_id AND invoice.id = line.invoice_id
            WHERE invoice.issued_in <> (pg_current_xact_id()::text)::bigint LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'invoice % is issued: no line can be added', late
                USING ERRCODE = 'restrict_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
        END IF;
        RETURN NULL;
    END
    $$
    """,
    """
    CREATE FUNCTION check_transaction_balance() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        balance bigint;
    BEGIN
        SELECT sum(amount_cents) INTO balance FROM ledger_entries
            WHERE account_id = NEW.account_id AND transaction_id = NEW.transaction_id;
        IF balance <> 0 THEN
            RAISE EXCEPTION 'transaction % is off by % cents', NEW.transaction_id, balance
                USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
        END IF;
        RETURN NULL;
    END
    $$
    """,
)

TRIGGERS: Final = (
    """
    CREATE TRIGGER invoice_is_issued BEFORE UPDATE OR DELETE ON invoices
        FOR EACH ROW EXECUTE FUNCTION keep_issued_invoice()
    """,
    """
    CREATE CONSTRAINT TRIGGER total_is_sum_of_lines AFTER INSERT ON invoices
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_invoice_total()
    """,
    """
    CREATE TRIGGER lines_come_with_invoice AFTER INSERT ON invoice_lines
        REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION refuse_late_lines()
    """,
    """
    CREATE CONSTRAINT TRIGGER transaction_is_balanced AFTER INSERT ON ledger_entries
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_transaction_balance()
    """,
)


def upgrade() -> None:
    for statement in (*FUNCTIONS, *TRIGGERS):
        op.execute(statement)
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    for table in APPEND_ONLY:
        op.execute(f"DROP TRIGGER append_only ON {table}")
    op.execute("DROP TRIGGER transaction_is_balanced ON ledger_entries")
    op.execute("DROP TRIGGER lines_come_with_invoice ON invoice_lines")
    op.execute("DROP TRIGGER total_is_sum_of_lines ON invoices")
    op.execute("DROP TRIGGER invoice_is_issued ON invoices")
    for function in (
        "check_transaction_balance",
        "refuse_late_lines",
        "check_invoice_total",
        "keep_issued_invoice",
        "refuse_change",
    ):
        op.execute(f"DROP FUNCTION {function}()")
