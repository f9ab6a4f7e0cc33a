"""Two roles: the owner of the tables migrates them, and the application works with them under row security.

Row security binds neither superusers nor roles that bypass it, and an owner may switch it off: a process that connects
as one of these has no wall between its accounts. What the application's role is granted is made anew at each migration.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import unicodedata
from typing import Final

from sqlalchemy import Row, make_url, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.database import Engine, create_engine
from adapters.tables import metadata


class RoleError(Exception):
    """The roles of an installation are not as they have to be; the message says what to do."""


# Any constant will do, as long as nobody else in the database uses it.
_ONE_AT_A_TIME: Final = 7_063_302
_ITERATIONS: Final = 4096
_NOT_ALLOWED: Final = "42501"  # insufficient_privilege

_ROLE: Final = text("""
    SELECT current_user AS name, bool_or(rolsuper) AS is_superuser, bool_or(rolbypassrls) AS is_exempt, EXISTS (
            SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname = ANY (:tables)
                AND relkind IN ('r', 'p') AND pg_has_role(relowner, 'MEMBER')) AS is_owner
    FROM pg_roles WHERE pg_has_role(oid, 'MEMBER')
""")
_REMEDY: Final = (
    "Let DATABASE_URL name a role of the application's own, PRORATA_OWNER_URL the owner of the tables, and run "
    "`prorata migrate`: it makes the application's role and grants it what it needs."
)


async def wrong_role(connection: AsyncConnection) -> str | None:
    """Say why the connection's role is not one to work with, and what to do; None where it is."""
    role = (await connection.execute(_ROLE, {"tables": list(metadata.tables)})).one()
    is_what = _exemption(role)
    if is_what is None:
        return None
    return f'PostgreSQL does not keep accounts apart for the role "{role.name}", which {is_what}. {_REMEDY}'


async def refuse_wrong_role(engine: Engine) -> None:
    """Raise RoleError if the engine connects as a role for which accounts are not kept apart."""
    async with engine.connect() as connection:
        if wrong := await wrong_role(connection):
            raise RoleError(wrong)


async def prepare_application(owner_url: str, application_url: str) -> None:
    """Make the application's role unless it is there, and grant it what it needs on a schema that is up to date.

    The role is the user of `application_url`, with that password. Of a role that is there nothing is changed but
    what it is granted. Raises RoleError if both addresses name one role or two databases, or if the owner may not
    make roles.
    """
    owner, application = make_url(owner_url), make_url(application_url)
    if application.username is None or application.username == owner.username:
        raise RoleError(
            "PRORATA_OWNER_URL and DATABASE_URL have to name two roles: the first owns the tables, the second must not."
        )
    if application.database != owner.database:
        raise RoleError("PRORATA_OWNER_URL and DATABASE_URL have to name the same database.")
    engine = create_engine(owner_url, pool_size=1, application_name="prorata-migrate")
    try:
        async with engine.begin() as connection:
            # Two migrations at once would update the same rows of the catalogue.
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ONE_AT_A_TIME})
            await _make_role(connection, name=application.username, password=application.password)
            await _grant(connection, role=_quoted(application.username))
    finally:
        await engine.dispose()


async def _make_role(connection: AsyncConnection, *, name: str, password: str | None) -> None:
    known = await connection.scalar(text("SELECT true FROM pg_roles WHERE rolname = :name"), {"name": name})
    if known:
        return
    # A verifier and not the password itself, since statements may be logged.
    secret = f" PASSWORD '{_verifier(password)}'" if password else ""
    try:
        await connection.exec_driver_sql(f"CREATE ROLE {_quoted(name)} LOGIN{secret}")
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", None) != _NOT_ALLOWED:
            raise
        raise RoleError(
            f"There is no role {_quoted(name)}, which DATABASE_URL names, and the owner of the tables may not make it. "
            f"Have an administrator run CREATE ROLE {_quoted(name)} LOGIN with its password, then run this again."
        ) from error


async def _grant(connection: AsyncConnection, *, role: str) -> None:
    for statement in (
        f"GRANT USAGE ON SCHEMA public TO {role}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON {', '.join(metadata.tables)} TO {role}",
        f"GRANT SELECT ON alembic_version TO {role}",
        # For the tables of revisions to come, at once.
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO {role}",
    ):
        await connection.exec_driver_sql(statement)
    # What is only ever added to refuses changes by itself; the role is not even to ask.
    added_to = await connection.scalars(
        text("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'append_only'")
    )
    for table in added_to.all():
        await connection.exec_driver_sql(f"REVOKE UPDATE, DELETE ON {table} FROM {role}")


def _exemption(role: Row[tuple[str, bool, bool, bool]]) -> str | None:
    if role.is_superuser:
        return "is a superuser or may become one"
    if role.is_exempt:
        return "has BYPASSRLS or may take it on"
    if role.is_owner:
        return "owns tables or is a member of their owner"
    return None


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _verifier(password: str) -> str:
    """Give what PostgreSQL keeps of a password (RFC 5803): its digest, salted."""
    salt = secrets.token_bytes(16)
    normal = unicodedata.normalize("NFKC", password).encode()
    salted = hashlib.pbkdf2_hmac("sha256", normal, salt, _ITERATIONS)
    client, server = (hmac.digest(salted, name, "sha256") for name in (b"Client Key", b"Server Key"))
    kept = (hashlib.sha256(client).digest(), server)
    stored_key, server_key = (base64.b64encode(key).decode() for key in kept)
    return f"SCRAM-SHA-256${_ITERATIONS}:{base64.b64encode(salt).decode()}${stored_key}:{server_key}"
