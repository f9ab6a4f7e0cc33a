"""A worker shows what it does where a port is set for it, ends when asked to, and prints no secret."""

from __future__ import annotations

import asyncio
import json
import signal
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
from prometheus_client.parser import text_string_to_metric_families

from adapters.embedded.ports import free_port
from adapters.embedded.valkey import EmbeddedValkey
from tests.services.world import World
from tests.workers.running_worker import Workshop, until


async def test_a_worker_shows_its_sweeps_and_what_it_did(world: World, workshop: Workshop) -> None:
    past = replace(world, wall=datetime.now(UTC) - timedelta(days=45))
    await past.customer()
    port = free_port()

    worker = await workshop.start(world, worker_metrics_port=port)

    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:

        async def has_closed() -> bool:
            found = await shown(http)
            is_charged = found.get(("prorata_payment_attempts_total", "CHARGED"), 0) >= 1
            # A sweep is told once it is over.
            has_swept = found["prorata_sweep_seconds_count",] >= 1
            return found.get(("prorata_work_total", "CLOSE", "done")) == 1 and is_charged and has_swept

        await until(has_closed)
        found = await shown(http)
    assert found["prorata_sweep_seconds_count",] >= 1
    assert 0 <= found["prorata_sweep_age_seconds",] < 10
    assert found["prorata_due_work", "CLOSE"] == 0
    worker.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(worker.wait, 20) == 0, workshop.said(worker)


async def test_what_a_worker_prints_is_json_without_secrets(
    world: World, workshop: Workshop, valkey: EmbeddedValkey
) -> None:
    worker = await workshop.start(world, log_format="json", smtp_url="")
    said = workshop.said(worker)
    lines = [json.loads(line) for line in said.splitlines()]

    assert "mail waits in the outbox" in said
    assert {"time", "level", "logger", "message"} <= set.intersection(*map(set, lines))
    assert valkey.password not in said


async def shown(http: httpx.AsyncClient) -> dict[tuple[str, ...], float]:
    """Read the metrics: a value by the name of each sample and its labels."""
    text = (await http.get("/metrics")).text
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
