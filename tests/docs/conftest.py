import os
from unittest.mock import patch

import django
import pytest
from deliveries import SECRET
from django.conf import settings
from pages import PROJECT, SYBIL

settings.configure(ALLOWED_HOSTS=["testserver"])
django.setup()


def pytest_configure(config):
    # From Python 3.13 on, SQLite warns of connections that are left open, as a page leaves its database.
    config.addinivalue_line("filterwarnings", "ignore:unclosed database:ResourceWarning")


# The second page of the tutorial goes on with the application of the first one.
GOES_ON_WITH = {"docs/tutorial/clerk-guide.md": "docs/tutorial/offline.md"}


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Return a function that runs a page, or its blocks up to the one that holds a text, and returns the names."""
    monkeypatch.chdir(tmp_path)

    def run_page(page, until=None):
        document = SYBIL.parse(PROJECT / page)
        document.namespace["__name__"] = "page"
        if page in GOES_ON_WITH:
            document.namespace.update(run_page(GOES_ON_WITH[page]))
        for example in document.examples():
            example.evaluate()
            if until is not None and until in example.parsed:
                return document.namespace
        assert until is None, f"no block of {page} holds {until!r}"
        return document.namespace

    with patch.dict(os.environ, CLERK_WEBHOOK_SIGNING_SECRET=SECRET):  # a page may set more variables
        yield run_page
