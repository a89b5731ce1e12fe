"""The Django files of docs/how-to/sync-users.md, put into a Django project of their own, which is then run."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("django")

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "sync-users.md"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SETTINGS = """

SECRET_KEY = "of a test"
INSTALLED_APPS = ["mirror"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "users.db"}}
ROOT_URLCONF = "urls"
"""
URLS = """
from django.urls import path
from mirror.views import clerk

urlpatterns = [path("api/webhooks", clerk)]
"""
CHECK = """
import itertools, os

import django
from django.core.management import call_command
from django.test import Client

django.setup()
call_command("makemigrations", "mirror", "--check", "--dry-run")
call_command("migrate", "mirror", verbosity=0)

from clerk_webhook.testing import sample_event, signed_request
from django.db import connection
from mirror.models import Membership, Organization, User

user, organization = sample_event("user.created").data["id"], sample_event("organization.created").data["id"]
by = {"public_user_data": {"user_id": user}}
story = [
    sample_event("user.created", public_metadata=None),
    sample_event("organization.created"),
    sample_event("organizationMembership.created", **by),
    sample_event("organizationMembership.deleted", **by),
    sample_event("user.deleted"),
]
ends = set()
for order in itertools.permutations(story):
    for event in order + order[:2]:
        request = signed_request(event, os.environ["CLERK_WEBHOOK_SIGNING_SECRET"])
        answer = Client().post("/api/webhooks", request.body, "application/json", headers=request.headers)
        assert answer.status_code == 200, answer.content
    ends.add(tuple(tuple(model.objects.values_list()) for model in (User, Organization, Membership)))
    with connection.cursor() as cursor:
        for table in ("mirror_membership", "mirror_organization", "mirror_user", "clerk_webhook_inbox"):
            cursor.execute(f"DELETE FROM {table}")
(end,) = ends
users, organizations, memberships = end
assert users == ((user, True, None, None, None, None, None, None),), users
assert organizations[0][0] == organization and organizations[0][1:3] == (False, "Analytical Engines"), organizations
assert memberships[0][1:] == (True, None, None, None), memberships
"""


def test_the_files_of_the_page_make_a_project_whose_end_state_does_not_depend_on_the_order(tmp_path):
    models, migration, view = re.findall(
        r"<!-- not executed: these are files.*?```python\n(.*?)```", PAGE.read_text(), re.DOTALL
    )
    files = {
        "settings.py": SETTINGS,
        "urls.py": URLS,
        "check.py": CHECK,
        "mirror/__init__.py": "",
        "mirror/models.py": models,
        "mirror/views.py": view,
        "mirror/migrations/__init__.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)

    def python(*arguments):
        settings = {"DJANGO_SETTINGS_MODULE": "settings", "CLERK_WEBHOOK_SIGNING_SECRET": SECRET}
        command = [sys.executable, "-W", "error", *arguments]
        done = subprocess.run(
            command, cwd=tmp_path, env=os.environ | settings, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr

    python("-m", "django", "makemigrations", "mirror", "--pythonpath", ".")
    (tmp_path / "mirror" / "migrations" / "0002_inbox.py").write_text(migration)
    python("check.py")
