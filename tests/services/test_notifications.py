"""Who is told by mail: the billing contacts of the workspaces an account still has, each address once."""

from __future__ import annotations

from services import notifications
from services.notifications import Notice, NoticeKind
from tests.services.world import Company, World


async def company_with_contacts(world: World, **contacts: str) -> Company:
    """Open an account with a workspace for each name, and one billing contact in each."""
    company = await world.company()
    await world.run("DELETE FROM billing_contacts WHERE account_id = :a", a=company.account_id)
    for name, address in contacts.items():
        await world.run(
            "INSERT INTO workspaces (account_id, id, name, created_at) VALUES (:a, gen_random_uuid(), :n, now())",
            a=company.account_id,
            n=name,
        )
        await world.run(
            "INSERT INTO billing_contacts (account_id, workspace_id, email, created_at) "
            "SELECT account_id, id, :e, now() FROM workspaces WHERE account_id = :a AND name = :n",
            a=company.account_id,
            n=name,
            e=address,
        )
    return company


async def leave(world: World, company: Company, *names: str) -> None:
    """Let workspaces go to another account."""
    await world.run(
        "UPDATE workspaces SET left_at = now() WHERE account_id = :a AND name = ANY(:n)",
        a=company.account_id,
        n=list(names),
    )


async def told(world: World, company: Company, *, to: tuple[str, ...] | None = None) -> set[str]:
    """Tell the account something, and give the addresses it is mailed to."""
    async with world.locked(company) as (session, account):
        await notifications.tell(
            session, [Notice(account, None, NoticeKind.RESTORED, "Restored", "All is well.", to=to)]
        )
    rows = await world.run(
        "SELECT address FROM outbox WHERE account_id = :a AND notification_id = "
        "(SELECT id FROM notifications WHERE account_id = :a ORDER BY id DESC LIMIT 1)",
        a=company.account_id,
    )
    return {row.address for row in rows}


async def test_an_address_of_several_workspaces_is_told_once(world: World) -> None:
    company = await company_with_contacts(
        world, one="pay@acme.test", two="PAY@acme.test", three="cfo@acme.test"
    )

    addresses = await told(world, company)

    assert {address.lower() for address in addresses} == {"pay@acme.test", "cfo@acme.test"}
    assert len(addresses) == 2


async def test_contacts_of_a_workspace_that_left_hear_nothing_of_the_old_account(world: World) -> None:
    company = await company_with_contacts(world, here="here@acme.test", gone="gone@other.test")
    await leave(world, company, "gone")

    assert await told(world, company) == {"here@acme.test"}


async def test_an_account_whose_workspaces_all_left_still_reaches_somebody(world: World) -> None:
    company = await company_with_contacts(world, one="one@acme.test", two="two@acme.test")
    await leave(world, company, "one", "two")

    assert await told(world, company) == {"one@acme.test", "two@acme.test"}


async def test_a_notice_to_one_person_goes_to_no_billing_contact(world: World) -> None:
    company = await company_with_contacts(world, one="one@acme.test")

    assert await told(world, company, to=("zoe@acme.test",)) == {"zoe@acme.test"}


async def test_the_name_of_the_account_goes_with_every_notice(world: World) -> None:
    company = await world.company()
    await told(world, company)

    assert await world.value(
        "SELECT facts ->> 'account' = name FROM notifications JOIN accounts USING (account_id) WHERE account_id = :a",
        a=company.account_id,
    )
