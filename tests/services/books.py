"""What must be true of a company's books at any commit, whatever happened; the provider's own log is the judge of charges."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise
from typing import Any
from uuid import UUID

from tests.gateway.running_provider import RunningProvider
from tests.services.world import Company, World

UNDECIDED = {"PENDING", "UNKNOWN"}

LEDGER = """
    SELECT transaction_id, sum(amount_cents) FROM ledger_entries WHERE account_id = :account
    GROUP BY transaction_id HAVING sum(amount_cents) <> 0
"""
RECEIVABLE = """
    SELECT i.number, i.status, i.due_cents, coalesce(sum(e.amount_cents), 0) AS owed
    FROM invoices i LEFT JOIN ledger_entries e
        ON e.account_id = i.account_id AND e.invoice_id = i.id AND e.ledger_account = 'RECEIVABLE'
    WHERE i.account_id = :account GROUP BY i.number, i.status, i.due_cents ORDER BY i.number
"""
TOTALS = """
    SELECT i.number FROM invoices i LEFT JOIN invoice_lines l ON l.account_id = i.account_id AND l.invoice_id = i.id
    WHERE i.account_id = :account GROUP BY i.number, i.total_cents
    HAVING i.total_cents <> coalesce(sum(l.amount_cents), 0)
"""
COUNTED = """
    SELECT coalesce((SELECT sum(units) FROM usage_days WHERE account_id = :account), 0) AS counted,
           coalesce(sum(e.units), 0) AS standing
    FROM usage_events e LEFT JOIN usage_takebacks t USING (account_id, workspace_id, event_id)
    WHERE e.account_id = :account AND t.event_id IS NULL
"""
PARKED = "SELECT kind, parked_reason FROM due_work WHERE account_id = :account AND parked_at IS NOT NULL"


async def check_books(world: World, company: Company, *, provider: RunningProvider | None = None) -> None:
    """Check ledger, numbers, periods, totals, usage and, by the provider's log, payments."""
    account = company.account_id
    assert not await world.run(LEDGER, account=account), "a money move is off"
    assert not await world.run(TOTALS, account=account), "an invoice is not the sum of its lines"
    for row in await world.run(RECEIVABLE, account=account):
        assert row.owed == row.due_cents, f"invoice {row.number} owes {row.due_cents}, its ledger {row.owed}"
        assert (row.status == "PAID") == (row.due_cents == 0), f"invoice {row.number}: {row.status}"
    usage = await world.row(COUNTED, account=account)
    assert usage.counted == usage.standing, "the days do not add up to the events"
    await _check_periods(world, company)
    if provider is not None:
        await _check_charges(world, account, charges(provider))
        await _check_refunds(world, account, provider)


async def check_settled(world: World, company: Company, *, provider: RunningProvider) -> None:
    """Check the books, and that everything was collected and nothing was given up."""
    await check_books(world, company, provider=provider)
    unpaid = [row.number for row in await world.invoices(company) if row.status != "PAID"]
    assert not unpaid, f"not paid: {unpaid}"
    attempts = await world.run(
        "SELECT status FROM payment_attempts WHERE account_id = :a", a=company.account_id
    )
    assert not UNDECIDED & {row.status for row in attempts}, "an attempt has no outcome"
    refunds = await world.run("SELECT status FROM refunds WHERE account_id = :a", a=company.account_id)
    assert not UNDECIDED & {row.status for row in refunds}, "a refund has no outcome"
    parked = await world.run(PARKED, account=company.account_id)
    assert not parked, f"parked: {parked}"


def charges(provider: RunningProvider) -> list[dict[str, Any]]:
    """Give all that the provider says it was asked to charge."""
    found: list[dict[str, Any]] = provider.request("GET", "/v1/charges").json()["charges"]
    return found


async def _check_periods(world: World, company: Company) -> None:
    """Check that numbers have no gaps, and that every period is invoiced once, right after the one before."""
    invoices = await world.invoices(company)
    numbers = [row.number for row in invoices]
    assert numbers == list(range(1, len(invoices) + 1)), f"numbers with gaps: {numbers}"
    by_subscription: dict[UUID, list[Any]] = defaultdict(list)
    for row in invoices:
        by_subscription[row.subscription_id].append(row)
    for issued in by_subscription.values():
        # The first invoice bears the running period's dates, each later one those of the period it closes.
        assert issued[0].invoice_on == issued[0].period_start, "the first invoice is not of the first day"
        for row in issued[1:]:
            assert row.invoice_on == row.period_end, f"invoice {row.number} is not of its period's end"
        for before, after in pairwise(issued):
            assert before.invoice_on == after.period_start, "a period was left out or billed twice"


async def _check_charges(world: World, account: UUID, log: list[dict[str, Any]]) -> None:
    """Check that what the provider took is what we say it took: once for each invoice that was to be paid."""
    customer = await world.value("SELECT provider_customer FROM accounts WHERE account_id = :a", a=account)
    taken = [charge for charge in log if charge["customer"] == customer and charge["status"] == "succeeded"]
    known = await world.run(
        "SELECT invoice_id, provider_reference, amount_cents FROM payment_attempts "
        "WHERE account_id = :a AND status = 'SUCCEEDED'",
        a=account,
    )
    undecided = await world.value(
        "SELECT count(*) FROM payment_attempts WHERE account_id = :a AND status IN ('PENDING', 'UNKNOWN')",
        a=account,
    )
    ours = Counter((row.provider_reference, row.amount_cents) for row in known)
    theirs = Counter((charge["id"], charge["amount_cents"]) for charge in taken)
    assert not ours - theirs, "we recorded a charge that the provider did not make"
    assert (theirs - ours).total() <= undecided, "the provider made a charge that we did not record"
    assert max(Counter(row.invoice_id for row in known).values(), default=0) <= 1, "an invoice was paid twice"
    for row in await world.run("SELECT * FROM invoices WHERE account_id = :a AND status = 'PAID'", a=account):
        paid = sum(attempt.amount_cents for attempt in known if attempt.invoice_id == row.id)
        assert paid == max(row.total_cents, 0) - row.credit_applied_cents, f"invoice {row.number} took {paid}"


async def _check_refunds(world: World, account: UUID, provider: RunningProvider) -> None:
    """Check that what the provider gave back is what we say it gave back, once for each refund."""
    ours = await world.run("SELECT * FROM refunds WHERE account_id = :a", a=account)
    log = provider.request("GET", "/v1/refunds").json()["refunds"]
    theirs = [each for each in log if f":{account}:" in each["idempotency_key"]]
    given = Counter((each["id"], each["amount_cents"]) for each in theirs if each["status"] == "succeeded")
    known = Counter((row.provider_reference, row.amount_cents) for row in ours if row.status == "SUCCEEDED")
    undecided = sum(1 for row in ours if row.status in UNDECIDED)
    assert not known - given, "we recorded a refund that the provider did not make"
    assert (given - known).total() <= undecided, "the provider made a refund that we did not record"
    held = await world.value(
        "SELECT coalesce(-sum(amount_cents), 0) FROM ledger_entries "
        "WHERE account_id = :a AND ledger_account = 'REFUND'",
        a=account,
    )
    assert held == sum(row.amount_cents for row in ours if row.status in UNDECIDED), "refunds are not posted"
