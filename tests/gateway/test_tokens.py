"""Every test token does what its table says, as seen through the gateway."""

import pytest

from adapters.gateway.declines import HARD_DECLINES, SOFT_DECLINES, declined
from adapters.gateway.protocol import (
    Charged,
    Declined,
    Gateway,
    PaymentMethodKind,
    PaymentMethodRefused,
    RefundRefused,
)
from adapters.gateway.sandbox_provider import tokens
from adapters.gateway.sandbox_provider.tokens import TOKENS
from tests.gateway.conftest import Payers


@pytest.mark.parametrize(
    ("token", "kind", "brand", "last4"),
    [
        ("tok_visa", PaymentMethodKind.CARD, "visa", "4242"),
        ("tok_googlepay", PaymentMethodKind.GOOGLE_PAY, "visa", "1111"),
        ("tok_applepay", PaymentMethodKind.APPLE_PAY, "amex", "0005"),
    ],
)
async def test_keeps_a_payment_method_and_charges_it(
    payers: Payers, gateway: Gateway, key: str, *, token: str, kind: PaymentMethodKind, brand: str, last4: str
) -> None:
    customer = await gateway.create_customer(name="Ada", idempotency_key=key)
    method = await gateway.attach_payment_method(customer=customer, token=token)
    payer = await payers.with_token(token)

    outcome = await payer.pay(key, amount_cents=10_400)

    assert (method.kind, method.brand, method.last4) == (kind, brand, last4)
    assert isinstance(outcome, Charged)
    assert outcome.amount_cents == 10_400


@pytest.mark.parametrize(
    ("token", "code", "is_hard", "reason"),
    [
        ("tok_insufficient_funds", "insufficient_funds", False, "There was not enough money on the card."),
        ("tok_declined", "generic_decline", False, "The bank declined the payment without giving a reason."),
        ("tok_do_not_honor", "do_not_honor", False, SOFT_DECLINES["do_not_honor"]),
        ("tok_expired", "expired_card", False, "The card has expired."),
        ("tok_processing_error", "processing_error", False, "The bank could not process the payment."),
        ("tok_lost", "lost_card", True, "The card was reported lost."),
        ("tok_stolen", "stolen_card", True, "The card was reported stolen."),
        ("tok_closed", "account_closed", True, "The bank account behind the card is closed."),
        ("tok_invalid_account", "invalid_account", True, HARD_DECLINES["invalid_account"]),
    ],
)
async def test_tells_why_a_charge_is_declined(
    payers: Payers, key: str, token: str, code: str, *, is_hard: bool, reason: str
) -> None:
    payer = await payers.with_token(token)

    outcome = await payer.pay(key)

    assert isinstance(outcome, Declined)
    assert (outcome.code, outcome.is_hard, outcome.reason) == (code, is_hard, reason)


async def test_a_flaky_payment_method_succeeds_at_its_third_charge(payers: Payers, key: str) -> None:
    payer = await payers.with_token("tok_flaky")

    outcomes = [await payer.pay(f"{key}:{attempt}") for attempt in (1, 2, 2, 3, 4)]

    assert [isinstance(outcome, Charged) for outcome in outcomes] == [False, False, False, True, True]


async def test_a_card_that_takes_no_refunds_is_charged_and_refuses_them(
    payers: Payers, gateway: Gateway, key: str
) -> None:
    payer = await payers.with_token("tok_no_refunds")
    charge = await payer.pay(key)

    outcome = await gateway.refund(charge=charge.reference, amount_cents=100, idempotency_key=f"r:{key}")

    assert isinstance(charge, Charged)
    assert outcome == RefundRefused(outcome.reference, "The card takes no refunds.")


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("tok_refused", "This payment method cannot be used."),
        ("tok_unheard_of", "This payment page has expired."),
        ("", "This payment page has expired."),
    ],
)
async def test_refuses_a_payment_method_with_a_reason(
    gateway: Gateway, key: str, token: str, reason: str
) -> None:
    customer = await gateway.create_customer(name="Ada", idempotency_key=key)

    with pytest.raises(PaymentMethodRefused) as refused:
        await gateway.attach_payment_method(customer=customer, token=token)

    assert refused.value.reason == reason


def test_a_code_no_table_knows_is_a_soft_decline() -> None:
    decline = declined("ch_1", code="new_rule")

    assert decline == Declined("ch_1", "new_rule", is_hard=False, reason="The bank declined the payment.")


def test_every_token_is_in_the_documented_table() -> None:
    documented = {line.split("`")[1] for line in (tokens.__doc__ or "").splitlines() if "| `tok_" in line}

    assert documented == set(TOKENS)
