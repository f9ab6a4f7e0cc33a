"""A refund pays credit back: no more than there is, and no more than the payment took."""

from __future__ import annotations

from typing import Any

import pytest

from domain.refunds import NEXT, PaymentNotTaken, RefundEvent, RefundStatus, RefundTooLarge, check_refund

PAYMENT: dict[str, Any] = {"status": "SUCCEEDED", "taken": 39_00, "refunded": 0, "credit": 50_00}


@pytest.mark.parametrize(
    ("given", "most"),
    [
        ({}, 39_00),
        ({"refunded": 10_00}, 29_00),
        ({"credit": 5_00}, 5_00),
        ({"refunded": 10_00, "credit": 5_00}, 5_00),
    ],
)
def test_pays_back_up_to_the_credit_and_what_is_left_of_the_payment(given: dict[str, int], most: int) -> None:
    asked = {**PAYMENT, **given}

    check_refund(**asked, amount=1)
    check_refund(**asked, amount=most)
    for amount in (most + 1, 0, -1):
        with pytest.raises(RefundTooLarge):
            check_refund(**asked, amount=amount)


@pytest.mark.parametrize("given", [{"refunded": 39_00}, {"credit": 0}, {"credit": -1_00}])
def test_pays_nothing_back_where_nothing_is_left(given: dict[str, int]) -> None:
    with pytest.raises(RefundTooLarge) as refused:
        check_refund(**{**PAYMENT, **given}, amount=1)

    assert refused.value.most == "$0.00"


@pytest.mark.parametrize("status", ["PENDING", "UNKNOWN", "DECLINED", "ACTION_NEEDED"])
def test_pays_nothing_back_of_a_payment_that_took_nothing(status: str) -> None:
    with pytest.raises(PaymentNotTaken):
        check_refund(**{**PAYMENT, "status": status}, amount=1)


def test_a_refund_ends_once_and_only_a_bank_can_undo_it() -> None:
    ends = {(before, event) for (before, event), after in NEXT.items() if before in {"SUCCEEDED", "FAILED"}}

    assert ends == {(RefundStatus.SUCCEEDED, RefundEvent.REFUSED)}
