"""Savepoints: sqlite3 sends no BEGIN before a SAVEPOINT that comes first, so the end of that savepoint commits."""

import asyncio
import sqlite3
import sys
from contextlib import closing

import pytest

pytest.importorskip("psycopg")  # the services group of dependencies is installed as a whole

import psycopg
import sqlalchemy as sa
from django.db import transaction
from histories import history
from inbox_connections import django_connection, settle, sqlalchemy_url
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from clerk_webhook.inbox import CREATE_TABLE, record_newest, record_once

(CREATED,) = history("user.created")


@pytest.fixture(params=["pysqlite", "aiosqlite", "psycopg", "asyncpg"])
def driver(request):
    return request.param


@pytest.fixture
def target(request, driver):
    if driver in {"psycopg", "asyncpg"}:
        target = request.getfixturevalue("postgres_url")
        with psycopg.connect(target) as connection:
            connection.execute("DROP TABLE IF EXISTS clerk_webhook_inbox")
            connection.execute(CREATE_TABLE)
    else:
        target = request.getfixturevalue("sqlite_path")
        with closing(sqlite3.connect(target)) as connection:
            connection.execute(CREATE_TABLE)
    return target


async def in_savepoint(target, driver, layer, prepare=lambda engine: None, **connect_args):
    """Ask the gate inside a savepoint, end the savepoint and roll back, and return whether the record is gone."""
    if driver in {"aiosqlite", "asyncpg"}:
        engine = create_async_engine(sqlalchemy_url(target, driver), connect_args=connect_args)
        prepare(engine.sync_engine)
        connection = AsyncSession(engine) if layer == "Session" else await engine.connect()
    else:
        engine = sa.create_engine(sqlalchemy_url(target, driver), connect_args=connect_args)
        prepare(engine)
        connection = Session(engine) if layer == "Session" else engine.connect()
    try:
        savepoint = await settle(connection.begin_nested())
        assert await settle(record_newest(connection, CREATED))
        await settle(savepoint.commit())
        await settle(connection.rollback())  # the effect failed
        return await settle(record_newest(connection, CREATED))
    finally:
        await settle(connection.close())
        await settle(engine.dispose())


def listen(engine):
    """Do as SQLAlchemy's documentation says for savepoints on SQLite."""

    @sa.event.listens_for(engine, "connect")
    def connect(connection, record):
        connection.isolation_level = None

    @sa.event.listens_for(engine, "begin")
    def begin(connection):
        connection.exec_driver_sql("BEGIN")


@pytest.mark.parametrize("layer", ["Session", "Connection"])
def test_a_savepoint_of_sqlalchemy_that_no_begin_precedes_is_refused_on_sqlite(layer, driver, target):
    if driver in {"psycopg", "asyncpg"}:
        assert asyncio.run(in_savepoint(target, driver, layer))
        return
    with pytest.raises(RuntimeError, match="sends no BEGIN"):
        asyncio.run(in_savepoint(target, driver, layer))
    with closing(sqlite3.connect(target)) as connection:
        assert connection.execute("SELECT * FROM clerk_webhook_inbox").fetchall() == []


@pytest.mark.parametrize("layer", ["Session", "Connection"])
def test_a_savepoint_after_the_begin_of_a_listener_is_fine(layer, driver, target):
    prepare = listen if "sqlite" in driver else lambda engine: None
    assert asyncio.run(in_savepoint(target, driver, layer, prepare))


if sys.version_info >= (3, 12):  # which brought the attribute

    @pytest.mark.parametrize("driver", ["pysqlite", "aiosqlite"], indirect=True)
    @pytest.mark.parametrize("layer", ["Session", "Connection"])
    def test_a_savepoint_in_a_transaction_that_is_always_open_is_fine(layer, driver, target):
        assert asyncio.run(in_savepoint(target, driver, layer, autocommit=False))


@pytest.mark.parametrize("driver", ["pysqlite"], indirect=True)
def test_a_savepoint_that_has_ended_is_no_hindrance(target):
    engine = sa.create_engine(sqlalchemy_url(target, "pysqlite"))
    with Session(engine) as session:
        with session.begin_nested():
            pass
        assert record_newest(session, CREATED)
        session.rollback()
        assert record_newest(session, CREATED)
    engine.dispose()


@pytest.mark.parametrize("driver", ["pysqlite", "psycopg"], indirect=True)
def test_djangos_savepoints_are_fine(target):
    with django_connection(target) as connection:

        def fail():
            with transaction.atomic(using=connection.alias):
                with transaction.atomic(using=connection.alias):
                    assert record_newest(connection, CREATED)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()
        with transaction.atomic(using=connection.alias):
            assert record_newest(connection, CREATED)


@pytest.mark.parametrize("driver", ["pysqlite"], indirect=True)
@pytest.mark.parametrize("isolation_level", ["", "IMMEDIATE", None])
def test_a_savepoint_of_sqlite3_after_begin_is_fine(isolation_level, target):
    with closing(sqlite3.connect(target, isolation_level=isolation_level)) as connection:
        connection.execute("BEGIN")
        connection.execute("SAVEPOINT a")
        assert record_once(connection, CREATED)
        connection.execute("RELEASE a")
        connection.rollback()
        connection.execute("BEGIN IMMEDIATE")
        assert record_once(connection, CREATED)
