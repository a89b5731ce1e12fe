"""Real databases for the tests of the inbox and the stores: each module makes its own, and removes them again.

`CLERK_WEBHOOK_TEST_POSTGRES` and `CLERK_WEBHOOK_TEST_MARIADB` (URLs without a database name) and
`CLERK_WEBHOOK_TEST_REDIS` (a URL) name other servers than those on their usual local ports.
"""

import os
import secrets

import pytest

POSTGRES = os.environ.get("CLERK_WEBHOOK_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432")
MARIADB = os.environ.get("CLERK_WEBHOOK_TEST_MARIADB", "mysql://root@127.0.0.1:3306")
REDIS = os.environ.get("CLERK_WEBHOOK_TEST_REDIS", "redis://127.0.0.1:6379/0")


@pytest.fixture(scope="module")
def postgres_url():
    """Yield the URL of a new, empty PostgreSQL database of this module, which is dropped at the end."""
    psycopg = pytest.importorskip("psycopg")
    name = f"clerk_webhook_test_{secrets.token_hex(6)}"
    try:
        admin = psycopg.connect(f"{POSTGRES}/postgres", autocommit=True, connect_timeout=3)
    except psycopg.OperationalError:
        pytest.skip(f"no PostgreSQL answers at {POSTGRES.rpartition('@')[2]}")
    with admin:
        admin.execute(f"CREATE DATABASE {name}")
        try:
            yield f"{POSTGRES}/{name}"
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def sqlite_path(tmp_path):
    """Return the path of an SQLite database that does not exist yet."""
    return tmp_path / "webhooks.db"


@pytest.fixture
def redis_prefix():
    """Yield a key prefix of this test's own, and delete its keys at the end."""
    redis = pytest.importorskip("redis")
    client = redis.Redis.from_url(REDIS, socket_connect_timeout=3)
    try:
        client.ping()
    except redis.ConnectionError:
        pytest.skip("no Redis answers at 127.0.0.1:6379")
    prefix = f"clerk_webhook_test_{secrets.token_hex(6)}:"
    try:
        yield prefix
    finally:
        for key in client.scan_iter(match=f"{prefix}*"):
            client.delete(key)
        client.close()


@pytest.fixture
def redis_client(redis_prefix):
    """Yield a client of the Redis that `redis_prefix` is in."""
    redis = pytest.importorskip("redis")
    with redis.Redis.from_url(REDIS) as client:
        yield client
