"""The application's role is made and granted what it needs by a migration, and a role above the rules is told."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.database import create_engine
from adapters.embedded.databases import as_role, create_database, drop_database, drop_role
from adapters.readiness import State, readiness
from adapters.roles import RoleError, prepare_application, refuse_wrong_role
from adapters.scopes import EVERYONE
from adapters.upgrade import UpgradeError, upgrade

PASSWORD = "pä§§ wörd %/@:'\""


@pytest.fixture
def role(server_url: str) -> Iterator[str]:
    """The name of a role that is not there, with what has to be quoted in it."""
    name = f'it"s {uuid4().hex}'
    yield name
    asyncio.run(drop_role(server_url, name.replace('"', '""')))


@pytest.fixture
def own(server_url: str, template: str, role: str) -> Iterator[str]:
    """The owner's address of a database of the test's own; it goes before the role does."""
    name = f"roles_{uuid4().hex}"
    yield asyncio.run(create_database(server_url, name, template=template))
    asyncio.run(drop_database(server_url, name))


@pytest.fixture
def empty(server_url: str, role: str) -> Iterator[str]:
    """The owner's address of a database with nothing in it."""
    name = f"roles_{uuid4().hex}"
    yield asyncio.run(create_database(server_url, name))
    asyncio.run(drop_database(server_url, name))


def ask(url: str, query: str) -> object:
    async def fetch() -> object:
        engine = create_engine(url, scope=EVERYONE)
        async with engine.begin() as connection:
            answer = await connection.execute(text(query))
            value = answer.scalar() if answer.returns_rows else None
        await engine.dispose()
        return value

    return asyncio.run(fetch())


def wrong(url: str) -> str:
    async def look() -> None:
        engine = create_engine(url)
        try:
            await refuse_wrong_role(engine)
        finally:
            await engine.dispose()

    with pytest.raises(RoleError) as refused:
        asyncio.run(look())
    return str(refused.value)


def test_a_role_is_made_with_its_password_and_works(own: str, role: str) -> None:
    url = as_role(own, role, password=PASSWORD)

    asyncio.run(prepare_application(own, url))

    assert ask(url, "SELECT current_user") == role
    assert (
        ask(url, "INSERT INTO test_clocks VALUES (uuidv7(), 'x', now(), NULL, NULL, now()) RETURNING name")
        == "x"
    )
    with pytest.raises(DBAPIError, match="password authentication failed"):
        ask(as_role(own, role, password="another"), "SELECT 1")


def test_preparing_again_changes_no_password_and_several_may_at_once(own: str, role: str) -> None:
    url = as_role(own, role, password=PASSWORD)

    async def several() -> None:
        await asyncio.gather(*(prepare_application(own, url) for _ in range(4)))
        await prepare_application(own, as_role(own, role, password="another"))

    asyncio.run(several())

    assert ask(url, "SELECT count(*) FROM accounts") == 0


def test_tables_of_later_revisions_are_open_to_the_application_at_once(own: str, role: str) -> None:
    url = as_role(own, role, password=PASSWORD)
    asyncio.run(prepare_application(own, url))

    ask(own, "CREATE TABLE later (id bigint GENERATED ALWAYS AS IDENTITY, name text)")

    assert ask(url, "INSERT INTO later (name) VALUES ('x') RETURNING id") == 1


def test_the_password_is_sent_as_a_digest(own: str, role: str) -> None:
    sent: list[str] = []

    async def prepare() -> None:
        await prepare_application(own, as_role(own, role, password="of-twenty-four-characters"))

    with pytest.MonkeyPatch.context() as patched:
        execute = asyncpg.Connection.execute
        prepared = asyncpg.Connection.prepare

        async def note(self: asyncpg.Connection, query: str, *given: object, **named: object) -> object:
            sent.append(query)
            return await execute(self, query, *given, **named)  # type: ignore[arg-type]

        async def note_prepared(self: asyncpg.Connection, query: str, **named: object) -> object:
            sent.append(query)
            return await prepared(self, query, **named)  # type: ignore[call-overload]

        patched.setattr(asyncpg.Connection, "execute", note)
        patched.setattr(asyncpg.Connection, "prepare", note_prepared)
        asyncio.run(prepare())

    (made,) = [query for query in sent if "CREATE ROLE" in query]
    assert "SCRAM-SHA-256$4096:" in made
    assert not any("of-twenty-four-characters" in query for query in sent)


@pytest.mark.parametrize(
    ("changed", "message"),
    [({}, "name two roles"), ({"username": "other", "database": "elsewhere"}, "name the same database")],
)
def test_addresses_that_do_not_fit_are_refused(own: str, changed: dict[str, str], message: str) -> None:
    url = make_url(own).set(**changed).render_as_string(hide_password=False)  # type: ignore[arg-type]

    with pytest.raises(RoleError, match=message):
        asyncio.run(prepare_application(own, url))


def test_an_owner_who_may_make_no_roles_is_told_what_to_have_done(own: str, role: str) -> None:
    url = as_role(own, role, password=PASSWORD)
    asyncio.run(prepare_application(own, url))

    with pytest.raises(RoleError, match=r'There is no role "nobody_yet".* CREATE ROLE "nobody_yet" LOGIN'):
        asyncio.run(prepare_application(url, as_role(own, "nobody_yet", password=PASSWORD)))


def test_a_superuser_is_a_wrong_role(own: str) -> None:
    told = wrong(own)

    assert told.startswith(
        'PostgreSQL does not keep accounts apart for the role "prorata", which is a superuser'
    )
    assert "PRORATA_OWNER_URL" in told
    assert "`prorata migrate`" in told


@pytest.mark.parametrize(
    ("above", "is_what"),
    [
        ("ALTER ROLE {role} BYPASSRLS", "has BYPASSRLS"),
        ("ALTER TABLE usage_days OWNER TO {role}", "owns tables"),
        ("CREATE ROLE {other} BYPASSRLS; GRANT {other} TO {role}", "or may take it on"),
        (
            "CREATE ROLE {other}; ALTER TABLE usage_days OWNER TO {other}; GRANT {other} TO {role}",
            "member of their owner",
        ),
    ],
)
def test_so_is_one_that_may_look_behind_the_wall(
    own: str, server_url: str, role: str, above: str, is_what: str
) -> None:
    url, other = as_role(own, role, password=PASSWORD), f"other_{uuid4().hex}"
    asyncio.run(prepare_application(own, url))
    quoted = '"' + role.replace('"', '""') + '"'

    for statement in above.format(role=quoted, other=other).split("; "):
        ask(own, statement)
    told = wrong(url)
    ask(own, "ALTER TABLE usage_days OWNER TO CURRENT_USER")
    asyncio.run(drop_role(server_url, other))

    assert is_what in told


async def test_readiness_tells_of_a_wrong_role_and_not_of_a_right_one(
    owner: AsyncEngine, engine: AsyncEngine, redis_url: str
) -> None:
    unready, ready = [await readiness(each, redis_url=redis_url) for each in (owner, engine)]

    assert (unready.database, unready.shown()["status"]) == (State.UNSAFE, "unready")
    assert "is a superuser" in (unready.reason or "")
    assert (ready.database, ready.reason) == (State.OK, None)


def test_the_application_s_role_cannot_migrate_and_is_told_who_can(empty: str, role: str) -> None:
    ask(empty, f'CREATE ROLE "{role.replace(chr(34), chr(34) * 2)}" LOGIN')
    ask(empty, f"ALTER ROLE \"{role.replace(chr(34), chr(34) * 2)}\" PASSWORD 'x'")

    with pytest.raises(UpgradeError, match="PRORATA_OWNER_URL"):
        upgrade(as_role(empty, role, password="x"))
