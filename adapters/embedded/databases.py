"""Databases made and dropped on a server that we may administer: the developer's one, and a clone for each test module."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from sqlalchemy import make_url


async def create_database(server_url: str, name: str, *, template: str = "template1") -> str:
    """Make the database, as a copy of `template`, unless it is there; return its address."""
    async with _administration(server_url) as connection:
        if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", name):
            await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    return make_url(server_url).set(database=name).render_as_string(hide_password=False)


async def drop_database(server_url: str, name: str) -> None:
    """Drop the database and end whoever is still connected to it."""
    async with _administration(server_url) as connection:
        await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


async def drop_role(server_url: str, name: str) -> None:
    """Drop the role, which owns and is granted nothing any more."""
    async with _administration(server_url) as connection:
        await connection.execute(f'DROP ROLE IF EXISTS "{name}"')


def as_role(url: str, role: str, *, password: str) -> str:
    """Give the address of the same database for another role."""
    address = make_url(url).set(username=role, password=password)
    return address.render_as_string(hide_password=False)


@asynccontextmanager
async def _administration(server_url: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    address = make_url(server_url).set(drivername="postgresql", database="postgres")
    connection = await asyncpg.connect(address.render_as_string(hide_password=False))
    try:
        yield connection
    finally:
        await connection.close()
