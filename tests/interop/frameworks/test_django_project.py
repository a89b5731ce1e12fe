"""docs/how-to/django.md and django-users.md: the project that a reader makes of them, from `startproject` on."""

import os
import re
import shlex
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

HOW_TO = Path(__file__).parents[3] / "docs/how-to"
PAGE, USERS = ((HOW_TO / name).read_text("utf-8") for name in ("django.md", "django-users.md"))
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Project:
    def __init__(self, folder):
        self.folder = folder
        self.written = {"mysite/settings.py"}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.environment = os.environ | {"PATH": path, "PYTHONWARNINGS": "error"}
        self.environment.pop("CLERK_WEBHOOK_SIGNING_SECRET", None)

    def read(self, text):
        """Do what a part of a page says: write its files, and yield its other commands."""
        for kind, block in BLOCK.findall(text):
            if kind == "sh":
                yield from block.splitlines()
            else:
                self.write(*re.fullmatch(r"# (\S+\.py)\n(.*)", block, re.DOTALL).groups())

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        with path.open("a" if name in self.written else "w") as file:
            file.write(text)
        self.written.add(name)

    def follow(self, text):
        """Do all that a part of a page says, and return what the last command prints."""
        printed = ""
        for command in self.read(text):
            if command.startswith("export "):
                name, _, value = command.removeprefix("export ").partition("=")
                self.environment[name] = self.run(f"echo {value}").strip()
            elif not command.startswith("pip install "):  # it is installed
                printed = self.run(command)
        return printed

    def run(self, command, status=0):
        command = command.replace("127.0.0.1:8000", self.address)
        done = subprocess.run(
            command,
            shell=True,
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert status in {None, done.returncode}, done.stdout + done.stderr
        return done.stdout if status == 0 else done.stdout + done.stderr

    def python(self, program):
        return self.run(f"python manage.py shell -v 0 -c {shlex.quote(program)}").strip()

    @contextmanager
    def server(self):
        command = [sys.executable, "manage.py", "runserver", "--noreload", self.address]
        with (self.folder / "log").open("wb") as log:
            process = subprocess.Popen(command, cwd=self.folder, env=self.environment, stdout=log, stderr=log)
        try:
            host, port = self.address.split(":")
            for _ in range(300):
                with socket.socket() as probe:
                    if probe.connect_ex((host, int(port))) == 0:
                        break
                time.sleep(0.1)
            yield
        finally:
            process.terminate()
            process.wait()


def sections(page):
    title, *others = re.split(r"^## (.+)$", page, flags=re.MULTILINE)
    return {"": title} | dict(zip(others[::2], others[1::2], strict=True))


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


def test_the_first_section_leads_from_nothing_to_a_mirrored_user(project):
    before, after = sections(PAGE)["From nothing to a mirrored user"].split("python manage.py runserver\n")
    project.follow(before + "```")
    with project.server():
        assert project.follow(after.removeprefix("```")).endswith("\nada@example.com\n")


@pytest.fixture
def whole(project):
    """Follow the first page, but for the server and the file of the extensions, which tests/platforms has."""
    for name, section in sections(PAGE).items():
        if name.startswith("Your own rows"):
            project.write("outbox/__init__.py", "")
            project.write("mysite/settings.py", 'INSTALLED_APPS += ["outbox"]\n')
        if not name.startswith("Class views"):
            project.follow(section.partition("python manage.py migrate\n")[0] + "```")
    project.write("mysite/urls.py", ASYNC_TOO)
    return project


ASYNC_TOO = """
from . import views

urlpatterns += [path("view", views.clerk), path("async", views.clerk_async)]
"""
TESTS = """
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import TransactionTestCase

from clerk_webhook.django.models import ClerkMembership, ClerkOrganization, InboxRecord
from clerk_webhook.testing import deliver_async, sample_event
from outbox.models import Mail


def send(client, path, *sample, **overrides):
    request = sample_delivery(*sample, SECRET, **overrides)
    return client.post(path, request.body, "application/json", headers=request.headers)


@override_settings(CLERK_WEBHOOK_SIGNING_SECRET=SECRET)
class PageTests(TestCase):
    def test_a_handler_runs_beside_the_mirror(self):
        self.assertEqual(send(self.client, "/api/webhooks", "user.created").status_code, 200)
        self.assertEqual(Mail.objects.get().user_id, ClerkUser.objects.get().id)

    def test_a_view(self):
        self.assertEqual(send(self.client, "/view", "user.created").content, b"handled")
        self.assertEqual(send(self.client, "/view", "session.created").content, b"ignored")

    async def test_an_async_view_runs_in_the_transaction_of_the_test(self):
        self.assertEqual((await send(self.async_client, "/async", "user.created")).content, b"handled")
        self.assertEqual(await ClerkUser.objects.acount(), 1)

    async def test_the_async_client_delivers(self):
        async def send_async(request):
            post = self.async_client.post
            answer = await post("/async", request.body, "application/json", headers=request.headers)
            return answer.status_code

        story = [sample_event("user.created", primary_email_address_id=None), sample_event("user.updated")]
        await deliver_async(story, send_async, SECRET, seed=7)
        self.assertEqual((await ClerkUser.objects.aget()).email, "ada@example.com")

    def test_nothing_of_another_test_is_there(self):
        self.assertFalse(ClerkUser.objects.exists() or Mail.objects.exists() or InboxRecord.objects.exists())

    def test_models_join_in_either_order_of_arrival(self):
        person = {"user_id": "user_1", "first_name": None, "last_name": None}
        send(self.client, "/api/webhooks", "organizationMembership.created", public_user_data=person)
        self.assertIsNone(ClerkMembership.objects.select_related("user").filter(user__email="ada@example.com").first())
        send(self.client, "/api/webhooks", "user.created", id="user_1")
        send(self.client, "/api/webhooks", "organization.created")
        (membership,) = ClerkUser.objects.get().memberships.select_related("user", "organization")
        self.assertEqual((membership.user.email, membership.user_id), ("ada@example.com", "user_1"))
        self.assertEqual(membership.organization, ClerkOrganization.objects.get())

    def test_the_admin_shows_all_and_changes_nothing(self):
        send(self.client, "/api/webhooks", "user.created", id="user_1")
        send(self.client, "/api/webhooks", "organization.created")
        send(self.client, "/api/webhooks", "organizationMembership.created")
        self.client.force_login(User.objects.create_superuser("root"))
        self.assertContains(self.client.get("/admin/"), "Clerk")
        for model in ("clerkuser", "clerkorganization", "clerkmembership"):
            listing = f"/admin/clerk_webhook/{model}/"
            row = self.client.get(listing + "?q=_").context["cl"].result_list[0]
            self.assertEqual(self.client.get(f"{listing}add/").status_code, 403)
            page = self.client.get(listing + f"{row.pk.replace('_', '_5F')}/change/")
            self.assertNotContains(page, "_save")
            self.assertEqual(self.client.post(listing + f"{row.pk.replace('_', '_5F')}/delete/").status_code, 403)


@override_settings(CLERK_WEBHOOK_SIGNING_SECRET=SECRET)
class FlushTests(TransactionTestCase):
    def test_rows_are_flushed_here(self):
        self.assertFalse(ClerkUser.objects.exists() or InboxRecord.objects.exists())
        send(self.client, "/api/webhooks", "user.created", id="user_1")
        self.assertEqual((ClerkUser.objects.count(), InboxRecord.objects.count()), (1, 1))
        call_command("flush", interactive=False, verbosity=0)
        self.assertFalse(ClerkUser.objects.exists() or InboxRecord.objects.exists())
        send(self.client, "/api/webhooks", "user.created", id="user_1")

    test_rows_are_flushed_after_a_test = test_rows_are_flushed_here

    def test_an_inbox_record_is_a_model_like_others(self):
        send(self.client, "/api/webhooks", "user.created", id="user_1")
        (record,) = InboxRecord.objects.all()
        self.assertEqual(InboxRecord.objects.get(pk=record.pk), record)
        self.assertIn("message", str(record))
        self.assertEqual(str(ClerkUser.objects.get()), "user_1")
"""


def test_the_whole_page_makes_a_project_whose_tests_pass(whole):
    whole.write("mysite/tests.py", TESTS)
    whole.run("python manage.py test -v 2")
    whole.run("python manage.py makemigrations --check --dry-run clerk_webhook")


def test_checks_find_a_secret_that_is_missing_or_wrong_and_a_database_of_another_kind(project):
    project.follow(sections(PAGE)["From nothing to a mirrored user"].partition("export ")[0] + "```")
    deploy = "python manage.py check --deploy --fail-level ERROR"
    project.run("python manage.py check --fail-level WARNING")
    assert "(clerk_webhook.E001) No signing secret is configured" in project.run(deploy, status=1)
    project.environment["CLERK_WEBHOOK_SIGNING_SECRET"] = "sk_test_" + "x" * 40
    wrong = project.run(deploy, status=1)
    assert "(clerk_webhook.E001)" in wrong
    assert "xxx" not in wrong
    project.environment["CLERK_WEBHOOK_SIGNING_SECRET"] = SECRET
    assert "clerk_webhook" not in project.run(deploy, status=None)  # a new project lacks other things
    project.write("mysite/settings.py", 'DATABASES["default"] = {"ENGINE": "mysite.mysql"}\n')
    project.write(
        "mysite/mysql/base.py",
        "from django.db.backends.dummy.base import DatabaseWrapper as Dummy\n\n\n"
        'class DatabaseWrapper(Dummy):\n    vendor, display_name = "mysql", "MySQL"\n',
    )
    assert "(clerk_webhook.E002) MySQL has no ON CONFLICT" in project.run("python manage.py check", status=1)


# The recipe that accounts/models.py replaces, and the one that hid what is wrong with it.
OLD_RECIPES = """
from accounts.models import User
from django.db import IntegrityError, transaction

def put(clerk_id):
    User.objects.bulk_create([User(clerk_id=clerk_id)], ignore_conflicts=True)
    User.objects.filter(clerk_id=clerk_id).update(email="ada@example.com")

try:
    with transaction.atomic():
        for clerk_id in ("user_1", "user_2"):
            User.objects.update_or_create(clerk_id=clerk_id, defaults={"email": "ada@example.com"})
except IntegrityError as error:
    print(error)
for clerk_id in ("user_1", "user_2", "user_3"):
    put(clerk_id)
print(User.objects.count())
"""
USER_TESTS = """
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from clerk_webhook.django.models import ClerkUser
from clerk_webhook.testing import deliver, sample_event
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test import TestCase, TransactionTestCase, override_settings
from profiles.models import Profile

from .models import User

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def story():
    for name in ("user_1", "user_2", "user_3"):
        yield sample_event("user.created", id=name, first_name=None)
        yield sample_event("user.updated", id=name, first_name="Ada" * 60)
    yield sample_event("user.deleted", id="user_3")


@override_settings(CLERK_WEBHOOK_SIGNING_SECRET=SECRET)
class AnyOrder(TestCase):
    def test_three_users_are_three_rows_in_any_order_of_messages_and_requests(self):
        def send(request):
            post = self.client.post
            return post("/api/webhooks", request.body, "application/json", headers=request.headers).status_code

        for seed in range(8):
            if seed % 2:  # requests that come first
                User.of("user_2"), Profile.of("user_2")
            results = deliver(story(), send, SECRET, seed=seed)
            assert all(status == 200 for delivery in results for status in delivery.statuses), results
            found = User.objects.order_by("clerk_id").values_list("clerk_id", "username", "is_active", "first_name")
            ada = ("Ada" * 60)[:150]
            self.assertEqual(
                list(found),
                [("user_1", "user_1", True, ada), ("user_2", "user_2", True, ada), ("user_3", "user_3", False, "")],
            )
            self.assertFalse(any(user.has_usable_password() or user.email for user in User.objects.all()))
            self.assertEqual(ClerkUser.objects.count(), 3)
            Profile.of("user_1")
            with self.assertRaises(PermissionDenied):
                Profile.of("user_3")
            self.assertEqual(Profile.objects.get(clerk_user__id="user_1").clerk_user.email, "ada@example.com")
            for model in (Profile, User, ClerkUser):
                model.objects.all().delete()
            with connection.cursor() as cursor:
                cursor.execute("DELETE FROM clerk_webhook_inbox")

    def test_people_without_clerk_are_users_too(self):
        User.objects.create_superuser("root")
        User.objects.create_superuser("admin")
        self.assertEqual(User.objects.filter(clerk_id=None).count(), 2)


class AtOnce(TransactionTestCase):
    def test_eight_requests_make_one_row(self):
        together = Barrier(8)

        def ask(number):
            try:
                together.wait()
                return User.of("user_1").pk, Profile.of("user_1").pk
            finally:
                connection.close()

        for _ in range(5):
            with ThreadPoolExecutor(8) as pool:
                self.assertEqual(len(set(pool.map(ask, range(8)))), 1)
            Profile.objects.all().delete(), User.objects.all().delete(), ClerkUser.objects.all().delete()
"""


def test_the_page_of_users_has_a_row_for_each_user_in_any_order(project):
    project.follow(sections(PAGE)["From nothing to a mirrored user"].partition("python manage.py migrate\n")[0] + "```")
    project.follow(USERS)
    project.write("accounts/tests.py", USER_TESTS)
    project.write("mysite/settings.py", 'DATABASES["default"]["TEST"] = {"NAME": "test.db"}  # for threads\n')
    project.run("python manage.py test -v 2")
    assert project.python(OLD_RECIPES).splitlines()[-2:] == ["UNIQUE constraint failed: accounts_user.username", "1"]


TYPED = """
from typing import assert_type

from clerk_webhook.django.models import ClerkMembership, ClerkUser, InboxRecord

assert_type(ClerkUser.objects.get().email, str | None)
assert_type(ClerkUser.objects.filter(email="ada@example.com").first(), ClerkUser | None)
assert_type(ClerkUser.objects.get().memberships.get(), ClerkMembership)
assert_type(ClerkMembership.objects.get().user, ClerkUser | None)
assert_type(ClerkMembership.objects.get().user_id, str | None)
assert_type(InboxRecord.objects.get().seen_at, int)
"""
MYPY = """
[mypy]
plugins = mypy_django_plugin.main
strict = True
[mypy.plugins.django-stubs]
django_settings_module = mysite.settings
[mypy-mysite.settings]
disable_error_code = var-annotated
[mypy-*.tests]
disallow_untyped_defs = False
"""


def test_mypy_with_django_stubs_finds_nothing_wrong_in_the_project_and_knows_the_models(whole):
    pytest.importorskip("mypy_django_plugin")
    whole.follow(USERS)
    whole.write("mysite/typed.py", TYPED)
    (whole.folder / "mypy.ini").write_text(MYPY)
    whole.environment.pop("PYTHONWARNINGS")
    whole.run("mypy mysite outbox profiles accounts")
