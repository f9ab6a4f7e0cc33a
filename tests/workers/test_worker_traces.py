"""A worker tells a collector of its sweeps: what was due, each piece of it, and the calls that it took."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tests.collector import Collector, Seen, collecting
from tests.services.world import World
from tests.workers.running_worker import Workshop, until


async def test_a_close_and_its_payment_are_below_the_sweep(world: World, workshop: Workshop) -> None:
    past = replace(world, wall=datetime.now(UTC) - timedelta(days=45))
    company = await past.customer()

    with collecting() as collector:
        worker = await workshop.start(
            world, otel={"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}
        )

        async def has_paid() -> bool:
            return any(span.name == "POST /v1/charges" for span in collector.spans)

        await until(has_paid)
        worker.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(worker.wait, 20) == 0, workshop.said(worker)

    assert collector.services == {"prorata-worker"}
    (closing,) = collector.named("close_periods")
    assert closing.facts == {"prorata.accounts": 1}
    assert path(collector, closing) == ["sweep", "close_periods"]
    assert [each.name for each in collector.under(closing)] == ["accounts.lock_accounts", "invoices.close"]
    collected = next(span for span in collector.named("due COLLECT"))
    assert collected.facts == {"prorata.account_id": str(company.account_id)}
    charge = collector.named("POST /v1/charges")[-1]
    assert path(collector, charge) == ["sweep", "due COLLECT", "payments.collect", "POST /v1/charges"]
    assert (charge.kind, charge.facts["http.response.status_code"]) == ("CLIENT", 200)
    assert any(span.facts == {"prorata.taken": 1} for span in collector.named("take CLOSE"))
    assert {span.name for span in collector.spans if not span.parent_id} <= {"sweep", "deliver"}


def path(collector: Collector, span: Seen) -> list[str]:
    """The names from the root down to a span."""
    by_id = {each.id: each for each in collector.spans}
    names = [span.name]
    while span.parent_id:
        span = by_id[span.parent_id]
        names.insert(0, span.name)
    return names
