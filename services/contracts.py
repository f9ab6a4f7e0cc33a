"""Contracts (section 8): signed, amended and ended by an account manager; what goes beyond them stays self-serve."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.spans import traced
from adapters.tables.invoices import Invoice
from adapters.tables.subscriptions import Subscription
from domain.calendar import local_day
from domain.commitments import check_terms
from domain.facts import ContractAmended, ContractEnded, ContractSigned, ContractTerms
from domain.phases import Phase, PhaseKind
from domain.subscriptions import AlreadyCancelled, BadContractTerms, NotOnContract
from services import histories, watching
from services.accounts import AccountNow
from services.beginnings import begin, book_to_sign, check_lite, current, term_end
from services.histories import Running


@traced
async def sign(
    session: AsyncSession, account: AccountNow, *, terms: ContractTerms
) -> tuple[Subscription, list[Invoice]]:
    """Sign a contract that starts now, over whatever runs: that is cut, and one invoice carries both streams.

    Raises NoWorkspace, TooManyLiteSeats, BadContractTerms.
    """
    check_terms(terms, start=local_day(account.now, account.zone))
    row = await histories.running_row(session, account)
    book = await book_to_sign(session, account, plan=terms.plan, agreed=terms.lite_seats)

    fact = ContractSigned(at=account.now, terms=terms, book_version=book.version)
    return await begin(
        session,
        account,
        row,
        fact,
        book=book,
        plan=terms.plan,
        is_psp=terms.psp_from is not None,
    )


@traced
async def amend(session: AsyncSession, account: AccountNow, *, terms: ContractTerms) -> Subscription:
    """Change the commitment: seats from today, usage from the next usage month (section 8).

    Raises NoSubscription, NotOnContract, TooManyLiteSeats, BadContractTerms.
    """
    running, phase = await _contract(session, account)
    check_terms(terms, start=phase.start)
    if (terms.months, terms.billing_months) != (phase.term_months, phase.billing_months):
        raise BadContractTerms("an amendment keeps the contract's length and billing frequency")
    await check_lite(session, account, plan=terms.plan, book=phase.book, agreed=terms.lite_seats)

    running.row.plan = terms.plan.value
    await histories.append(session, account, running.row, ContractAmended(at=account.now, terms=terms))
    await watching.terms_changed(session, account)
    return running.row


@traced
async def end(session: AsyncSession, account: AccountNow) -> Subscription:
    """Let the contract end with its term instead of renewing; raises NoSubscription, NotOnContract, AlreadyCancelled."""
    running, phase = await _contract(session, account)
    if running.row.ends_on is not None:
        raise AlreadyCancelled(running.row.ends_on)

    running.row.ends_on = term_end(account, phase)
    await histories.append(session, account, running.row, ContractEnded(at=account.now))
    return running.row


async def _contract(session: AsyncSession, account: AccountNow) -> tuple[Running, Phase]:
    running, phase = await current(session, account)
    if phase.kind is not PhaseKind.CONTRACT:
        raise NotOnContract
    return running, phase
