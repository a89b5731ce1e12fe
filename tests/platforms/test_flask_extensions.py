"""Flask with its settings, a blueprint, Flask-WTF and Flask-Migrate."""

import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from project import PAGE, SECRET, Delivery, blocks

from clerk_webhook.inbox import CREATE_TABLE
from clerk_webhook.mirror import Mirror

PAGE = PAGE.with_name("flask.md")


def names_of(section, change=lambda block: block):
    (block,) = blocks(section, PAGE)
    names = {"__name__": "page"}
    exec(compile(change(block), PAGE, "exec"), names)
    return names


@pytest.fixture
def create_app(tmp_path):
    config = {
        "CLERK_WEBHOOK_SIGNING_SECRET": SECRET,
        "SECRET_KEY": "for sessions",
        "SQLALCHEMY_DATABASE_URI": f"sqlite:///{tmp_path}/app.db",
    }
    made = []

    def create(change=lambda block: block):
        names = names_of("An endpoint, a blueprint, CSRF", change)
        made.append((names["create_app"](config), names["db"]))
        return made[-1][0]

    yield create
    for app, db in made:
        with app.app_context():
            db.engine.dispose()


@pytest.mark.parametrize("path", ["/api/webhooks", "/api/by-hand"])
def test_a_blueprint_has_the_secret_of_the_config_and_is_exempt_from_csrf(path, create_app, caplog):
    client, good, bad = create_app().test_client(), Delivery(), Delivery()
    assert client.post(path, headers=good.headers(), data=good.body).status_code == 200
    assert client.post(path, headers=good.headers(bad.genuine), data=good.body).status_code == 400
    assert "signature_mismatch" in caplog.text


@pytest.mark.parametrize("path", ["/api/webhooks", "/api/by-hand"])
def test_without_the_exemption_flask_wtf_answers_400_and_nothing_is_logged(path, create_app, caplog):
    app = create_app(lambda block: block.replace("csrf.exempt(webhooks)", ""))
    delivery = Delivery()
    answer = app.test_client().post(path, headers=delivery.headers(), data=delivery.body)
    assert answer.status_code == 400
    assert "CSRF" in answer.text
    assert not [record for record in caplog.records if record.name == "clerk_webhook"]


def test_a_user_is_mirrored_and_welcomed_once(tmp_path, create_app, capsys):
    client, delivery = create_app().test_client(), Delivery()
    for _ in range(2):
        assert client.post("/api/webhooks", headers=delivery.headers(), data=delivery.body).status_code == 200
    with closing(sqlite3.connect(tmp_path / "app.db")) as database:
        assert database.execute("SELECT id, first_name FROM clerk_users").fetchall() == [(delivery.user_id, "Zoë")]
    assert capsys.readouterr().out == f"new user {delivery.user_id}\n"


def tables(folder):
    with closing(sqlite3.connect(folder / "app.db")) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


APPLICATION = """
from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///app.db"
db = SQLAlchemy(app)
Migrate(app, db)
"""
(INCLUDE_NAME,) = (block for block in blocks("The table", PAGE.with_name("inbox.md")) if "include_name" in block)
HIDING = INCLUDE_NAME + APPLICATION.replace("Migrate(app, db)", "Migrate(app, db, include_name=include_name)")


def tables_after_flask_migrate(folder, program):
    """Run Flask-Migrate in a project whose database has the tables of the library."""
    (folder / "main.py").write_text(program.replace("sqlite:///app.db", f"sqlite:///{folder}/app.db"))
    with closing(sqlite3.connect(folder / "app.db")) as connection:
        for statement in (CREATE_TABLE, *Mirror().create_tables):
            connection.execute(statement)
    for command in ("init", "migrate", "upgrade"):
        subprocess.run([sys.executable, "-m", "flask", "--app", "main", "db", command], cwd=folder, check=True)
    return tables(folder)


def test_flask_migrate_drops_tables_that_are_not_hidden(tmp_path):
    assert tables_after_flask_migrate(tmp_path, APPLICATION) == {"alembic_version"}


def test_flask_migrate_keeps_the_tables_that_the_page_hides(tmp_path):
    kept = {"clerk_memberships", "clerk_organizations", "clerk_users", "clerk_webhook_inbox"}
    assert tables_after_flask_migrate(tmp_path, HIDING) == {"alembic_version", *kept}
