"""What the provider wrote down survives its death, and what it did not finish writing never happened."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.gateway.protocol import Charged, Declined, Gateway, OutcomeUnknown, Refunded, RefundRefused
from tests.gateway.conftest import Payers, gateway_to
from tests.gateway.running_provider import RunningProvider, running_provider


async def test_a_charge_survives_the_death_of_the_provider(tmp_path: Path, key: str) -> None:
    async with _provider_with(tmp_path / "journal.jsonl") as (provider, gateway):
        payer = await Payers(gateway).with_token("tok_timeout_after_charge")
        with pytest.raises(OutcomeUnknown):
            await payer.pay(key)
        provider.process.kill()

    async with _provider_with(tmp_path / "journal.jsonl") as (provider, gateway):
        found = await gateway.find_charge(idempotency_key=key)
        again = await replace(payer, gateway=gateway).pay(key)

        assert isinstance(found, Charged)
        assert again == found
        assert len(provider.log(key)) == 1


async def test_a_line_the_provider_died_writing_is_as_if_never_begun(tmp_path: Path, key: str) -> None:
    journal = tmp_path / "journal.jsonl"
    async with _provider_with(journal) as (provider, gateway):
        payer = await Payers(gateway).with_token("tok_flaky")
        declines = [await payer.pay(f"{key}:1"), await payer.pay(f"{key}:2")]
        provider.process.kill()
    whole = journal.read_bytes()
    journal.write_bytes(whole + whole.splitlines()[-1][:-1])

    async with _provider_with(journal) as (_, gateway):
        third = await replace(payer, gateway=gateway).pay(f"{key}:3")

    assert all(isinstance(decline, Declined) for decline in declines)
    assert isinstance(third, Charged)
    assert journal.read_bytes().startswith(whole)
    assert len(journal.read_bytes().splitlines()) == len(whole.splitlines()) + 1


async def test_waiting_and_refunded_charges_survive_the_death_of_the_provider(
    tmp_path: Path, key: str
) -> None:
    journal = tmp_path / "journal.jsonl"
    async with _provider_with(journal) as (provider, gateway):
        charged = await (await Payers(gateway).with_token("tok_visa")).pay(f"{key}:1")
        await gateway.refund(charge=charged.reference, amount_cents=2_000, idempotency_key=f"r:{key}")
        payer = await Payers(gateway).with_token("tok_action_needed")
        needed = await payer.pay(f"{key}:2")
        provider.process.kill()

    async with _provider_with(journal) as (provider, gateway):
        again = await gateway.refund(charge=charged.reference, amount_cents=2_000, idempotency_key=f"r:{key}")
        too_much = await gateway.refund(
            charge=charged.reference, amount_cents=901, idempotency_key=f"r2:{key}"
        )
        given_up = await gateway.give_up(reference=needed.reference)
        provider.process.kill()

    async with _provider_with(journal) as (provider, gateway):
        found = await gateway.find_charge(idempotency_key=f"{key}:2")

    assert isinstance(again, Refunded)
    assert isinstance(too_much, RefundRefused)
    assert isinstance(given_up, Declined)
    assert found == given_up


@contextlib.asynccontextmanager
async def _provider_with(journal: Path) -> AsyncIterator[tuple[RunningProvider, Gateway]]:
    with running_provider("--journal", str(journal)) as provider:
        async with gateway_to(provider.url) as gateway:
            yield provider, gateway
