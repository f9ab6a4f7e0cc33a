"""One look at everything that is due, in the order in which things of one moment are done."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from adapters import metrics
from adapters.spans import span
from workers import forgetting, outbox, payment_retries, period_close
from workers.tools import Tools


async def sweep(ctx: dict[str, Any]) -> None:
    """Do everything that is due by now but webhooks, which go out beside.

    Advances of test clocks are finished, trials end and periods close, payments are tried, accounts frozen, refunds
    paid, renewals announced and mail sent; idempotency keys that are old are forgotten.
    """
    with metrics.sweeping(), span("sweep"):
        await _sweep(ctx["tools"], wall=datetime.now(UTC))


async def _sweep(tools: Tools, *, wall: datetime) -> None:
    await period_close.finish_advances(tools, wall=wall)
    await period_close.end_trials(tools, wall=wall)
    await period_close.close_periods(tools, wall=wall)
    await payment_retries.collect(tools, wall=wall)
    await payment_retries.freeze(tools, wall=wall)
    await payment_retries.pay_back(tools, wall=wall)
    await period_close.remind(tools, wall=wall)
    await outbox.deliver(tools, wall=wall)
    await forgetting.forget_keys(tools)
