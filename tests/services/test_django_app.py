"""The migration of Django's app makes what `CREATE_TABLE` and `Mirror().create_tables` make."""

import re
import sqlite3
from contextlib import closing

import psycopg
import pytest
from django.core.management import call_command
from django.db import migrations
from django.db.migrations.state import ProjectState
from inbox_connections import django_connection

from clerk_webhook.django.models import ClerkMembership, ClerkOrganization, ClerkUser, InboxRecord
from clerk_webhook.inbox import CREATE_TABLE
from clerk_webhook.mirror import Mirror

MODELS = [InboxRecord, ClerkUser, ClerkOrganization, ClerkMembership]
STATEMENTS = [CREATE_TABLE, *Mirror().create_tables]
TABLES = "clerk_webhook_inbox", "clerk_users", "clerk_organizations", "clerk_memberships"


def on_sqlite(path):
    with closing(sqlite3.connect(path)) as connection:

        def rows(sql, *parameters):
            return connection.execute(sql, parameters).fetchall()

        return {
            table: (
                # The type's name is in upper or lower case.
                [(*row[:2], row[2].lower(), *row[3:]) for row in rows("SELECT * FROM pragma_table_info(?)", table)],
                {
                    (index, unique, tuple(rows("SELECT name FROM pragma_index_info(?)", index)))
                    for index, unique in rows('SELECT name, "unique" FROM pragma_index_list(?)', table)
                },
            )
            for table in TABLES
        }


def on_postgres(connection, schema):
    columns = connection.execute(
        "SELECT table_name, ordinal_position, column_name, data_type, is_nullable, column_default "
        "FROM information_schema.columns WHERE table_schema = %s AND table_name = ANY(%s)",
        [schema, [*TABLES]],
    )
    indexes = connection.execute(
        "SELECT replace(indexdef, schemaname || '.', '') FROM pg_indexes WHERE schemaname = %s AND tablename = ANY(%s)",
        [schema, [*TABLES]],
    )
    constraints = connection.execute(
        "SELECT conname, contype, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = %s::regnamespace",
        [schema],
    )
    ours = {row for row in constraints if "django_migrations" not in row[0]}
    return sorted(columns), sorted(indexes), ours


def test_on_sqlite_both_are_one_schema(tmp_path):
    with closing(sqlite3.connect(tmp_path / "mirror.db")) as connection:
        for statement in STATEMENTS:
            connection.execute(statement)
    with django_connection(tmp_path / "django.db") as connection:
        call_command("migrate", database=connection.alias, verbosity=0)
    made = on_sqlite(tmp_path / "mirror.db")
    assert [len(columns) for columns, _ in made.values()] == [4, 6, 5, 6]
    assert on_sqlite(tmp_path / "django.db") == made


@pytest.fixture
def schemas(postgres_url):
    """Return a connection and the names of two schemas: one has what the statements make, the other is empty."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        for schema in ("by_statements", "by_django"):
            connection.execute(f"CREATE SCHEMA {schema}")
        connection.execute("SET search_path TO by_statements")
        for statement in STATEMENTS:
            connection.execute(statement)
        yield connection, "by_statements", "by_django"
        for schema in ("by_statements", "by_django"):
            connection.execute(f"DROP SCHEMA {schema} CASCADE")


def test_on_postgresql_both_are_one_schema_and_the_way_back_drops_it(schemas, postgres_url):
    raw, by_statements, by_django = schemas
    with django_connection(postgres_url) as connection:
        with connection.cursor() as cursor:
            cursor.execute(f"SET search_path TO {by_django}")
        call_command("migrate", database=connection.alias, verbosity=0)
        made = on_postgres(raw, by_statements)
        assert len(made[0]) == 4 + 6 + 5 + 6
        assert on_postgres(raw, by_django) == made
        call_command("migrate", "clerk_webhook", "zero", database=connection.alias, verbosity=0)
        assert on_postgres(raw, by_django) == ([], [], set())


def test_run_sql_makes_the_tables_of_another_mirror(schemas, postgres_url):
    raw, _, by_django = schemas
    mirror = Mirror(users={"plan": lambda user: user["public_metadata"]["plan"]}, prefix="crm_")
    with django_connection(postgres_url) as connection:
        with connection.cursor() as cursor:
            cursor.execute(f"SET search_path TO {by_django}")
        with connection.schema_editor() as editor:
            migrations.RunSQL([*mirror.create_tables]).database_forwards("crm", editor, ProjectState(), ProjectState())
    assert raw.execute(f"SELECT id, plan FROM {by_django}.crm_users").fetchall() == []


def test_without_migrations_the_models_differ_by_djangos_indexes_for_like_alone(schemas, postgres_url):
    raw, by_statements, by_django = schemas
    with django_connection(postgres_url) as connection:
        with connection.cursor() as cursor:
            cursor.execute(f"SET search_path TO {by_django}")
        with connection.schema_editor() as editor:
            for model in MODELS:
                editor.create_model(model)
    columns, indexes, constraints = on_postgres(raw, by_statements)
    own_columns, own_indexes, own_constraints = on_postgres(raw, by_django)
    assert sorted(column[0::2] for column in own_columns) == sorted(column[0::2] for column in columns)
    assert own_constraints == constraints
    assert [index for index in own_indexes if not re.search("_like ", index[0])] == indexes
