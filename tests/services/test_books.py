"""The checks themselves must see what is wrong: each example spoils one thing in healthy books."""

from __future__ import annotations

import pytest

from tests.gateway.running_provider import RunningProvider
from tests.services.books import check_settled
from tests.services.world import World, moment

SECOND_STREAM = """
    INSERT INTO invoices (account_id, id, number, subscription_id, stream, invoice_on, made_at, issued_at, period_start,
        period_end, status, total_cents, credit_applied_cents, due_cents, ladder_on, ladder_step)
    SELECT account_id, gen_random_uuid(), 4, subscription_id, 'OTHER', invoice_on, made_at, issued_at, period_start,
        period_end, 'PAID', 0, 0, 0, ladder_on, 0
    FROM invoices WHERE account_id = :a AND number = 1
"""


@pytest.mark.parametrize(
    ("spoil", "seen"),
    [
        ("UPDATE invoices SET due_cents = 1 WHERE account_id = :a AND number = 1", "owes 1, its ledger 0"),
        ("UPDATE invoices SET status = 'OPEN' WHERE account_id = :a AND number = 1", "invoice 1: OPEN"),
        ("UPDATE usage_days SET units = units + 1 WHERE account_id = :a", "do not add up to the events"),
        (
            "UPDATE payment_attempts SET amount_cents = amount_cents + 1 WHERE account_id = :a",
            "the provider did not make",
        ),
        (
            "UPDATE payment_attempts SET status = 'DECLINED' WHERE account_id = :a AND attempt = 1",
            "that we did not record",
        ),
        (
            SECOND_STREAM,
            r"numbers with gaps: \[1, 2, 4\]",
        ),
        (
            "UPDATE due_work SET parked_at = now(), parked_reason = 'spoilt' WHERE account_id = :a",
            "spoilt",
        ),
    ],
)
async def test_the_checks_see_books_that_were_spoilt(
    world: World, payment_provider: RunningProvider, spoil: str, seen: str
) -> None:
    company = await world.customer()
    await world.work()
    await world.at(moment("2026-09-20")).use(company, 5, at=moment("2026-09-19"))
    await world.at(moment("2026-10-01")).work()
    await check_settled(world, company, provider=payment_provider)

    await world.run(spoil, a=company.account_id)

    with pytest.raises(AssertionError, match=seen):
        await check_settled(world, company, provider=payment_provider)
