"""Keys as their holders know them: written with a checksum, good until their end, replaced without a gap, last used."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
from starlette.applications import Starlette

from adapters.settings import Settings
from adapters.stopping import stop
from adapters.tables.apikeys import ApiKey
from api.app import create_app
from api.lastuses import LastUses
from services.apikeys import note_uses
from services.keytexts import CHECKSUM_LENGTH, SECRET_LENGTH, read_key, shown, write_key
from tests.api.companies import key_of
from tests.application import PEPPER, Api
from tests.scenarios.player import new_player

ME = "{ viewer { name permissions } }"
RANDOM = st.text("abcXYZ019-_", min_size=SECRET_LENGTH, max_size=SECRET_LENGTH)
PUBLIC = st.text("0123456789abcdef", min_size=12, max_size=12)
KEYS = (
    "query ($id: ID!) { account(id: $id) { apiKeys { publicId name scopes expiresAt successorPublicId } } }"
)


class Later:
    """The moment another process of the installation takes it to be."""

    def __init__(self) -> None:
        self.moment = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.moment


@pytest.fixture(scope="module")
async def account(operator: Api) -> str:
    """The id of an account."""
    return (await new_player(operator, now=datetime(2026, 9, 10, 9, tzinfo=UTC))).account_id


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def later(settings: Settings, app: Starlette) -> AsyncIterator[tuple[httpx.AsyncClient, Later]]:
    """HTTP to another process, and its clock."""
    clock = Later()
    other = create_app(settings, clock=clock, is_rendering=False)
    transport = httpx.ASGITransport(other)
    async with (
        other.router.lifespan_context(other),
        httpx.AsyncClient(transport=transport, base_url="http://prorata", timeout=60) as client,
    ):
        yield client, clock


async def is_good(http: httpx.AsyncClient, key: str) -> bool:
    """Tell whether a key opens something."""
    response = await http.post("/graphql", json={"query": ME}, headers={"authorization": f"Bearer {key}"})
    assert response.status_code in {200, 401}
    return response.status_code == 200


@given(PUBLIC, RANDOM)
def test_a_key_is_read_as_it_was_written(public_id: str, random: str) -> None:
    key = write_key(public_id, random)

    assert read_key(shown(key)) == key
    assert len(key.secret) == SECRET_LENGTH + CHECKSUM_LENGTH


@given(PUBLIC, RANDOM, st.data())
def test_a_slip_of_one_letter_is_seen_without_looking_the_key_up(
    public_id: str, random: str, data: st.DataObject
) -> None:
    written = shown(write_key(public_id, random))
    place = data.draw(st.integers(0, len(written) - 1))
    other = data.draw(st.sampled_from(sorted(set("abcXYZ019-_") - {written[place]})))

    assert read_key(written[:place] + other + written[place + 1 :]) is None
    assert read_key(written[:-1]) is None
    assert read_key(written + other) is None


def test_the_checksum_is_what_scanners_reckon() -> None:
    """CRC-32 of all before it, in six digits of base 62: 0 to 9, a to z, A to Z."""
    key = write_key("0123456789ab", "A" * SECRET_LENGTH)

    assert shown(key) == "pr_0123456789ab_" + "A" * SECRET_LENGTH + "2uaMrC"


async def test_a_mistyped_key_is_refused_without_the_database(settings: Settings, operator: Api) -> None:
    nowhere = settings.model_copy(update={"database_url": "postgresql://nobody@127.0.0.1:1/nothing"})
    other = create_app(nowhere, is_rendering=False)
    wrong = operator.key[:20] + ("a" if operator.key[20] != "a" else "b") + operator.key[21:]

    transport = httpx.ASGITransport(other)
    async with (
        other.router.lifespan_context(other),
        httpx.AsyncClient(transport=transport, base_url="http://prorata") as http,
    ):
        assert not await is_good(http, wrong)


async def test_a_key_from_before_checksums_is_good_still(
    operator: Api, account: str, sessions: async_sessionmaker[AsyncSession]
) -> None:
    whole = (await key_of(operator, account)).key
    old = whole[:-CHECKSUM_LENGTH]
    public_id, secret = old.removeprefix("pr_").split("_", 1)
    async with sessions.begin() as session:
        row = await session.get(ApiKey, public_id)
        assert row is not None
        row.secret_hash = hmac.digest(PEPPER.encode(), secret.encode(), "sha256")

    assert await is_good(operator.http, old)
    assert not await is_good(operator.http, whole)


async def test_a_key_ends_at_its_end(
    operator: Api, account: str, later: tuple[httpx.AsyncClient, Later]
) -> None:
    http, clock = later
    clock.moment = datetime.now(UTC)
    ends_at = clock.moment + timedelta(days=30)
    made = await operator.do(
        "apiKeyCreate", "key", accountId=account, name="short", expiresAt=ends_at.isoformat()
    )

    clock.moment = ends_at - timedelta(seconds=6)
    before = await is_good(http, made["key"])
    clock.moment = ends_at
    after = await is_good(http, made["key"])

    assert (before, after) == (True, False)


async def test_a_rotated_key_and_its_successor_are_both_good_for_the_overlap(
    operator: Api, account: str, later: tuple[httpx.AsyncClient, Later]
) -> None:
    http, clock = later
    clock.moment = datetime.now(UTC)
    made = await operator.do(
        "apiKeyCreate", "key", accountId=account, name="books", scopes=["USAGE_VIEW", "BILLING_VIEW"]
    )
    old = made["key"].split("_")[1]

    rotated = await operator.do(
        "apiKeyRotate",
        "key successor { publicId name scopes expiresAt } predecessor { publicId expiresAt successorPublicId }",
        publicId=old,
        overlapHours=2,
    )

    new = rotated["key"].split("_")[1]
    ends_at = datetime.fromisoformat(rotated["predecessor"]["expiresAt"])
    assert abs(ends_at - clock.moment - timedelta(hours=2)) < timedelta(minutes=1)
    assert rotated["successor"] == {
        "publicId": new,
        "name": "books",
        "scopes": ["BILLING_VIEW", "USAGE_VIEW"],
        "expiresAt": None,
    }
    assert rotated["predecessor"]["successorPublicId"] == new
    listed = {each["publicId"]: each for each in (await operator.ask(KEYS, id=account))["account"]["apiKeys"]}
    assert listed[old]["successorPublicId"] == new
    assert [await is_good(http, key) for key in (made["key"], rotated["key"])] == [True, True]
    clock.moment = ends_at
    assert [await is_good(http, key) for key in (made["key"], rotated["key"])] == [False, True]


async def test_a_rotation_without_overlap_ends_the_old_key_at_once(operator: Api, account: str) -> None:
    key = (await key_of(operator, account)).key

    rotated = await operator.do("apiKeyRotate", "key", publicId=key.split("_")[1], overlapHours=0)

    assert [await is_good(operator.http, each) for each in (key, rotated["key"])] == [False, True]


async def last_used(engine: AsyncEngine, key: str) -> datetime | None:
    """Give when a key was used last, as it is kept."""
    async with engine.connect() as connection:
        found: datetime | None = await connection.scalar(
            select(ApiKey.__table__.c.last_used_at).where(ApiKey.__table__.c.id == key.split("_")[1])  # type: ignore[attr-defined]
        )
    return found


async def test_when_a_key_was_used_last_is_written_beside_the_requests(
    operator: Api, account: str, settings: Settings, engine: AsyncEngine
) -> None:
    key = (await key_of(operator, account)).key
    clock = Later()
    other = create_app(settings, clock=clock, is_rendering=False)
    async with (
        other.router.lifespan_context(other),
        httpx.AsyncClient(transport=httpx.ASGITransport(other), base_url="http://prorata") as http,
    ):
        for _ in range(3):
            assert await is_good(http, key)
        while_running = await last_used(engine, key)

    assert while_running is None
    assert await last_used(engine, key) == clock.moment


async def test_a_later_use_is_not_taken_back_and_a_locked_key_is_left_out(
    operator: Api, account: str, engine: AsyncEngine, sessions: async_sessionmaker[AsyncSession]
) -> None:
    first, second = [(await key_of(operator, account)).key for _ in range(2)]
    now = datetime.now(UTC) + timedelta(hours=1)
    ids = [key.split("_")[1] for key in (first, second)]
    async with sessions.begin() as session:
        await note_uses(session, {ids[0]: now, "nobody's": now})

    async with engine.begin() as other:
        await other.execute(text("SELECT 1 FROM api_keys WHERE id = :id FOR UPDATE"), {"id": ids[1]})
        async with sessions.begin() as session:
            await note_uses(session, {ids[0]: now - timedelta(minutes=1), ids[1]: now})

    assert [await last_used(engine, key) for key in (first, second)] == [now, None]


async def test_uses_that_cannot_be_written_wait_for_the_next_time(
    operator: Api,
    account: str,
    engine: AsyncEngine,
    owner: AsyncEngine,
    sessions: async_sessionmaker[AsyncSession],
) -> None:
    key = (await key_of(operator, account)).key
    now = datetime.now(UTC) + timedelta(hours=1)
    uses = LastUses(sessions)
    uses.note(key.split("_")[1], now)

    async with owner.begin() as other:
        await other.execute(text("ALTER TABLE api_keys RENAME TO api_keys_away"))
    await uses.write()
    async with owner.begin() as other:
        await other.execute(text("ALTER TABLE api_keys_away RENAME TO api_keys"))
    missed = await last_used(engine, key)
    await uses.write()

    assert missed is None
    assert await last_used(engine, key) == now


async def test_a_write_that_is_cut_off_is_made_up_for_at_the_end(
    operator: Api, account: str, engine: AsyncEngine, sessions: async_sessionmaker[AsyncSession]
) -> None:
    key = (await key_of(operator, account)).key
    now = datetime.now(UTC) + timedelta(hours=1)
    uses = LastUses(sessions)
    uses.note(key.split("_")[1], now)

    async with engine.begin() as other:
        await other.execute(text("LOCK TABLE api_keys"))
        writing = asyncio.create_task(uses.write())
        await asyncio.sleep(0.2)
        await stop([writing])
    missed = await last_used(engine, key)
    await uses.close()

    assert missed is None
    assert await last_used(engine, key) == now
