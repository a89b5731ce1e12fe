"""The inbox on MariaDB: refused by name, in every library that tells, before anything is executed."""

import asyncio
from contextlib import closing
from functools import partial

import pytest

pytest.importorskip("pymysql")  # the services group of dependencies is installed as a whole

import aiomysql
import pymysql
import sqlalchemy as sa
from conftest import MARIADB
from django.db import connections, transaction
from django.utils.connection import ConnectionProxy
from histories import history
from inbox_connections import settle
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from clerk_webhook.inbox import purge, record_newest, record_once

(CREATED,) = history("user.created")
URL = sa.make_url(MARIADB)
OPTIONS = {"host": URL.host, "port": URL.port, "user": URL.username, "password": URL.password or ""}


@pytest.fixture(autouse=True)
def _mariadb():
    try:
        pymysql.connect(**OPTIONS).close()
    except pymysql.OperationalError:
        pytest.skip(f"no MariaDB answers at {URL.host}:{URL.port}")


async def refused(connection, name):
    for gate in (
        partial(record_newest, connection, CREATED),
        partial(record_once, connection, CREATED),
        partial(purge, connection, 0),
    ):
        # The table does not exist, and nobody noticed.
        with pytest.raises(RuntimeError, match=rf"^{name} has no ON CONFLICT \.\.\. RETURNING"):
            await settle(gate())


@pytest.mark.parametrize(("dialect", "name"), [("mysql", "MariaDB"), ("mariadb", "MariaDB")])
def test_sqlalchemy_on_mariadb_is_refused(dialect, name):
    async def check():
        engine = sa.create_engine(URL.set(drivername=f"{dialect}+pymysql"))
        with engine.connect() as connection:
            await refused(connection, name)
        with Session(engine) as session:
            await refused(session, name)
        engine.dispose()

    asyncio.run(check())


def test_sqlalchemy_on_mariadb_by_asyncio_is_refused():
    async def check():
        engine = create_async_engine(URL.set(drivername="mysql+aiomysql"))
        async with AsyncSession(engine) as session:
            await refused(session, "MariaDB")
        await engine.dispose()

    asyncio.run(check())


def test_django_on_mariadb_is_refused(monkeypatch):
    pymysql.install_as_MySQLdb()
    name = {"ENGINE": "django.db.backends.mysql", "NAME": "mysql"}
    name |= {option.upper(): value for option, value in OPTIONS.items()}
    connections.settings["maria"] = connections.configure_settings({"default": {}, "maria": name})["maria"]

    def check():
        with closing(ConnectionProxy(connections, "maria")) as connection, transaction.atomic(using="maria"):
            asyncio.run(refused(connection, "MariaDB"))
            asyncio.run(refused(connection.cursor(), "MariaDB"))

    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    check()


def test_drivers_of_mysql_are_refused():
    async def check():
        with closing(pymysql.connect(**OPTIONS)) as connection:
            await refused(connection, "MySQL or MariaDB")
            await refused(connection.cursor(), "MySQL or MariaDB")
        connection = await aiomysql.connect(**OPTIONS)
        await refused(connection, "MySQL or MariaDB")
        connection.close()

    asyncio.run(check())


def test_any_other_dialect_of_sqlalchemy_is_refused_by_its_name():
    class Elsewhere(sa.engine.default.DefaultDialect):
        name = "oracle"

    connection = sa.Connection.__new__(sa.Connection)
    connection.dialect = Elsewhere()
    asyncio.run(refused(connection, "Oracle"))
    connection.dialect.name = "mssql"
    asyncio.run(refused(connection, "SQL Server"))
    connection.dialect.name = "duckdb"
    asyncio.run(refused(connection, "duckdb"))
