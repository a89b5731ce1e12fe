"""The claims of docs/how-to/effects-inbox-or-store.md about PostgreSQL and Alembic hold."""

import re
from pathlib import Path
from threading import Barrier, Thread

import pytest

pytest.importorskip("psycopg")  # the services group of dependencies is installed as a whole

import psycopg
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations

from clerk_webhook import inbox
from clerk_webhook.testing import sample_event

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "effects-inbox-or-store.md"
CREATED = sample_event("user.created")
UPDATED = sample_event("user.updated")


def block(word):
    """Return the one block of the page that a word is in."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (found,) = (code for code in blocks if word in code)
    return found


@pytest.fixture
def url(postgres_url):
    with psycopg.connect(postgres_url) as connection:
        connection.execute("DROP TABLE IF EXISTS clerk_webhook_inbox")
        connection.execute(inbox.CREATE_TABLE)
    return postgres_url


def test_a_stricter_isolation_level_raises_and_the_next_attempt_works(url):
    names = {
        "psycopg": psycopg,
        "url": url,
        "record_newest": inbox.record_newest,
        "created": CREATED,
        "updated": UPDATED,
    }
    with pytest.raises(psycopg.errors.SerializationFailure):
        exec(block("REPEATABLE_READ"), names)
    with psycopg.connect(url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
        assert inbox.record_newest(connection, UPDATED)


def test_many_resources_in_one_transaction_deadlock(url):
    together = Barrier(2)
    failures = []
    names = {"psycopg": psycopg, "url": url, "record_newest": inbox.record_newest}
    definition, _, _ = block("in_one_transaction").partition("\n\nin_one_transaction(")
    exec(definition, names)

    def run(first, second):
        def events():
            yield first
            together.wait(10)  # each transaction has its first row
            yield second

        try:
            names["in_one_transaction"](events())
        except psycopg.errors.DeadlockDetected as error:
            failures.append(error)

    ada, grace = sample_event("user.created"), sample_event("user.created", id="user_grace")
    threads = [Thread(target=run, args=pair) for pair in [(ada, grace), (grace, ada)]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(failures) == 1


@pytest.mark.parametrize("driver", ["sqlite", "postgresql"])
def test_alembic_makes_the_table_finds_no_difference_and_drops_it(driver, postgres_url):
    engine = sa.create_engine("sqlite://" if driver == "sqlite" else postgres_url.replace(":", "+psycopg:", 1))
    migration = {"CREATE_TABLE": inbox.CREATE_TABLE}
    exec(block("from alembic"), migration)
    described = {}
    exec(block("MetaData()"), described)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE IF EXISTS clerk_webhook_inbox")
        # Other tests have tables in this database.
        ours = {"include_name": lambda name, kind, _: kind != "table" or name == "clerk_webhook_inbox"}
        context = MigrationContext.configure(connection, opts=ours)
        with Operations.context(context):
            migration["upgrade"]()
            assert compare_metadata(context, described["metadata"]) == []
            (difference,) = compare_metadata(context, sa.MetaData())
            assert difference[0] == "remove_table"
            migration["downgrade"]()
            assert not sa.inspect(connection).has_table("clerk_webhook_inbox")
    engine.dispose()
