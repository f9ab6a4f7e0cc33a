"""What the database refuses whoever asks: rewritten facts, sums that disagree, a second of what there is one of."""

from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
from sqlmodel import col

from adapters.ids import new_id
from adapters.tables.accounts import Account
from adapters.tables.columns import Record
from adapters.tables.invoices import Invoice
from adapters.tables.subscriptions import Subscription
from adapters.tables.workspaces import Workspace
from tests.adapters import rows

Sessions = async_sessionmaker[AsyncSession]

pytestmark = pytest.mark.usefixtures("price_book")


async def _save(sessions: Sessions, *records: Record) -> None:
    async with sessions.begin() as session:
        session.add_all(records)


async def _subscribed(sessions: Sessions) -> Subscription:
    """A saved subscription of a new account."""
    owner = rows.account()
    contract = rows.subscription(owner.account_id)
    await _save(sessions, owner, contract)
    return contract


async def _invoiced(sessions: Sessions) -> Invoice:
    """A saved invoice over $39.00 with its one line."""
    bill = rows.invoice(await _subscribed(sessions))
    await _save(sessions, bill, rows.invoice_line(bill))
    return bill


async def _desk(sessions: Sessions) -> Workspace:
    owner = rows.account()
    desk = rows.workspace(owner.account_id)
    await _save(sessions, owner, desk)
    return desk


async def test_one_flush_saves_a_whole_account_whatever_the_order(sessions: Sessions) -> None:
    records = rows.whole_account()

    await _save(sessions, *records)

    owner = next(record for record in records if isinstance(record, Account))
    async with sessions() as session:
        saved = await session.scalar(select(Account).where(col(Account.account_id) == owner.account_id))
    assert saved is not None
    assert saved.created_at == rows.NOW


@pytest.mark.parametrize(
    "table",
    [
        "seat_changes",
        "subscription_facts",
        "usage_events",
        "usage_takebacks",
        "invoice_lines",
        "ledger_entries",
        "alert_levels",
        "limit_switches",
        "notifications",
        "notification_reads",
        "events",
        "invoices",
    ],
)
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {table} SET account_id = gen_random_uuid() WHERE account_id = :account",
        "DELETE FROM {table} WHERE account_id = :account",
    ],
)
async def test_refuses_to_rewrite_facts(
    sessions: Sessions, owner: AsyncEngine, table: str, statement: str
) -> None:
    records = rows.whole_account()
    await _save(sessions, *records)
    account_id = next(record.account_id for record in records if isinstance(record, Account))
    count = text(f"SELECT count(*) FROM {table} WHERE account_id = :account")

    rewrite = text(statement.format(table=table))
    with pytest.raises(IntegrityError, match=r"append-only|is issued"):
        async with owner.begin() as connection:
            await connection.execute(rewrite, {"account": account_id})
    with pytest.raises(DBAPIError, match=r"permission denied|is issued"):
        async with sessions.begin() as session:
            await session.execute(rewrite, {"account": account_id})

    async with sessions() as session:
        assert await session.scalar(count, {"account": account_id}) >= 1


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("number", "2"),
        ("subscription_id", "gen_random_uuid()"),
        ("stream", "'OTHER'"),
        ("invoice_on", "invoice_on + 1"),
        ("made_at", "now()"),
        ("issued_at", "now()"),
        ("period_start", "period_start - 1"),
        ("period_end", "period_end + 1"),
        ("total_cents", "total_cents + 1"),
        ("issued_in", "issued_in + 1"),
    ],
)
async def test_refuses_to_change_what_an_invoice_bills(sessions: Sessions, column: str, value: str) -> None:
    bill = await _invoiced(sessions)

    async with sessions() as session:
        with pytest.raises(IntegrityError, match="is issued: what it bills cannot change"):
            await session.execute(
                text(f"UPDATE invoices SET {column} = {value} WHERE id = :id"), {"id": bill.id}
            )


async def test_lets_an_invoice_be_paid(sessions: Sessions) -> None:
    bill = await _invoiced(sessions)

    async with sessions.begin() as session:
        paid = await session.execute(
            text(
                "UPDATE invoices SET status = 'PAID', paid_at = now(), due_cents = 0, ladder_step = 1 WHERE id = :id"
            ),
            {"id": bill.id},
        )

    assert paid.rowcount == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("amounts", [[], [3899], [3900, 1], [-3900]])
async def test_refuses_a_total_that_is_not_the_sum_of_its_lines(
    sessions: Sessions, amounts: list[int]
) -> None:
    bill = rows.invoice(await _subscribed(sessions))
    lines = [
        rows.invoice_line(bill, position=at, amount_cents=cents) for at, cents in enumerate(amounts, start=1)
    ]

    with pytest.raises(IntegrityError, match="totals 3900 cents"):
        await _save(sessions, bill, *lines)

    async with sessions() as session:
        assert await session.get(Invoice, (bill.account_id, bill.id)) is None


@pytest.mark.parametrize("amounts", [[100], [5, -5]])
async def test_refuses_lines_added_to_an_issued_invoice(sessions: Sessions, amounts: list[int]) -> None:
    bill = await _invoiced(sessions)
    late = [
        rows.invoice_line(bill, position=at, amount_cents=cents) for at, cents in enumerate(amounts, start=2)
    ]

    with pytest.raises(IntegrityError, match="invoice 1 is issued: no line can be added"):
        await _save(sessions, *late)


async def test_takes_an_invoice_and_its_lines_in_several_statements_and_savepoints(
    sessions: Sessions,
) -> None:
    bill = rows.invoice(await _subscribed(sessions), total_cents=300, due_cents=300)

    async with sessions.begin() as session:
        async with session.begin_nested():
            session.add(bill)
        for position in (1, 2):
            async with session.begin_nested():
                session.add(rows.invoice_line(bill, position=position, amount_cents=150))

    async with sessions() as session:
        assert await session.get(Invoice, (bill.account_id, bill.id)) is not None


@pytest.mark.parametrize("amounts", [[100], [100, -99], [100, -50, -49]])
async def test_refuses_a_ledger_transaction_that_is_off_balance(
    sessions: Sessions, amounts: list[int]
) -> None:
    owner = rows.account()
    await _save(sessions, owner)
    transaction = new_id()
    entries = [
        rows.ledger_entry(owner.account_id, transaction_id=transaction, amount_cents=cents)
        for cents in amounts
    ]

    with pytest.raises(IntegrityError, match=r"is off by 1(00)? cents"):
        await _save(sessions, *entries)


async def test_refuses_an_entry_added_to_a_balanced_transaction(sessions: Sessions) -> None:
    owner = rows.account()
    debit = rows.ledger_entry(owner.account_id)
    credit = rows.ledger_entry(owner.account_id, transaction_id=debit.transaction_id, amount_cents=-3900)
    await _save(sessions, owner, debit, credit)

    with pytest.raises(IntegrityError, match="is off by 1 cents"):
        await _save(
            sessions, rows.ledger_entry(owner.account_id, transaction_id=debit.transaction_id, amount_cents=1)
        )


async def test_an_account_has_one_live_subscription(sessions: Sessions) -> None:
    contract = await _subscribed(sessions)
    await _save(sessions, rows.subscription(contract.account_id, status="ENDED"))

    with pytest.raises(IntegrityError, match="uq_subscriptions_live"):
        await _save(sessions, rows.subscription(contract.account_id, status="TRIAL"))


async def test_an_invoice_has_one_attempt_in_flight(sessions: Sessions) -> None:
    bill = await _invoiced(sessions)
    await _save(
        sessions, rows.payment_attempt(bill, status="DECLINED"), rows.payment_attempt(bill, attempt=2)
    )

    with pytest.raises(IntegrityError, match="uq_payment_attempts_in_flight"):
        await _save(sessions, rows.payment_attempt(bill, attempt=3, status="UNKNOWN"))


async def test_an_address_is_present_in_a_workspace_once_whatever_its_case(sessions: Sessions) -> None:
    desk = await _desk(sessions)
    await _save(sessions, rows.teammate(desk, status="REMOVED"), rows.teammate(desk, status="PENDING"))

    with pytest.raises(IntegrityError, match="uq_teammates_present_email"):
        await _save(sessions, rows.teammate(desk, email="ADA@acme.test"))


async def test_refuses_a_row_that_points_into_another_account(sessions: Sessions) -> None:
    desk = await _desk(sessions)
    stranger = rows.account()
    await _save(sessions, stranger)

    with pytest.raises(IntegrityError, match="fk_teammates_workspaces"):
        await _save(sessions, rows.teammate(desk, account_id=stranger.account_id))


async def test_a_claim_on_a_conversation_needs_its_event(sessions: Sessions) -> None:
    event = rows.usage_event(await _desk(sessions))

    with pytest.raises(IntegrityError, match="fk_standing_resolutions_usage_events"):
        await _save(sessions, rows.standing_resolution(event))


@pytest.mark.parametrize(
    ("given", "constraint"),
    [
        ({"quantity": 0}, "quantity"),
        ({"quantity": 1_000_000_001}, "quantity"),
        ({"units": 0}, "units"),
        ({"metric": "PIGEONS"}, "metric"),
        ({"channel": "FAX"}, "channel"),
        ({"event_id": ""}, "event_id"),
        ({"event_id": "e" * 256}, "event_id"),
        ({"metric": "FIN_RESOLUTION"}, "resolution"),
    ],
)
async def test_refuses_a_usage_event_out_of_bounds(
    sessions: Sessions, given: dict[str, Any], constraint: str
) -> None:
    event = rows.usage_event(await _desk(sessions), **given)

    with pytest.raises(IntegrityError, match=f"ck_usage_events_{constraint}"):
        await _save(sessions, event)


@pytest.mark.parametrize(
    ("given", "constraint"),
    [
        ({"due_cents": -1}, "due_cents"),
        ({"due_cents": 3901}, "never_over_total"),
        ({"due_cents": 3900, "credit_applied_cents": 1}, "never_over_total"),
        ({"total_cents": -3900}, "never_over_total"),
        ({"number": 0}, "number"),
        ({"status": "DRAFT"}, "status"),
    ],
)
async def test_refuses_an_invoice_out_of_bounds(
    sessions: Sessions, given: dict[str, Any], constraint: str
) -> None:
    bill = rows.invoice(await _subscribed(sessions), **given)

    with pytest.raises(IntegrityError, match=f"ck_invoices_{constraint}"):
        await _save(sessions, bill)


async def test_refuses_a_moment_without_a_zone(sessions: Sessions) -> None:
    naive = rows.NOW.replace(tzinfo=None)

    with pytest.raises(StatementError, match="must have timezone information"):
        await _save(sessions, rows.account(created_at=naive))
