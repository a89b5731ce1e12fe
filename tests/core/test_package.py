"""The names that an import gives, and the modules that it loads."""

import sys
import tomllib
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from interpreter import imported, python

import clerk_webhook

PROJECT = Path(__file__).parents[2]


def test_all_names_exist_and_are_all_public_names():
    public = {
        name
        for name, value in vars(clerk_webhook).items()
        if not (name.startswith("_") or isinstance(value, ModuleType))  # modules are there once anything imports them
    }
    later = {"events", "types", "Endpoint", "Handlers"}
    assert public - {"annotations", "TYPE_CHECKING"} == set(clerk_webhook.__all__) - later
    assert all(hasattr(clerk_webhook, name) for name in clerk_webhook.__all__)


@pytest.mark.parametrize(("module", "name"), [("types", "types"), ("endpoint", "Endpoint"), ("handlers", "Handlers")])
def test_a_large_part_is_not_imported_until_someone_asks(module, name):
    there = f"print('clerk_webhook.{module}' in sys.modules)"
    assert python(f"import sys, clerk_webhook; {there}; clerk_webhook.{name}; {there}") == "False\nTrue"
    assert python(f"import sys; from clerk_webhook import {name}; {there}") == "True"


def test_a_class_is_the_same_by_both_imports():
    assert clerk_webhook.Endpoint is clerk_webhook.endpoint.Endpoint
    assert clerk_webhook.Handlers is clerk_webhook.handlers.Handlers


def test_modules_that_no_receiver_needs_are_not_imported():
    needless = {"datetime", "http", "asyncio", "base64", "argparse", "svix", "fastapi", "flask", "django"}
    assert needless & imported("clerk_webhook") == set()


@pytest.mark.parametrize("framework", ["fastapi", "flask", "django"])
def test_a_module_without_its_framework_says_which_package_to_install(monkeypatch, framework):
    monkeypatch.setitem(sys.modules, framework, None)
    monkeypatch.delitem(sys.modules, f"clerk_webhook.{framework}", raising=False)
    with pytest.raises(ImportError, match=f"pip install {framework}$"):
        import_module(f"clerk_webhook.{framework}")


def test_python_bb_finds_no_comparison_of_bytes_with_str():
    headers = ["[(b'svix-id', 'x'), ('svix-id', 'y')]", "{b'svix-id': b'x'}", "{'svix-id': b'x'}"]
    keys = ["'A' * 32", "b'A' * 32"]  # the first is text, and the same bytes are a key of their own
    calls = "".join(
        f"with suppress(ClerkWebhookError): verify({shape}, b'', secret={key})\n" for shape in headers for key in keys
    )
    python(f"from contextlib import suppress\nfrom clerk_webhook import *\n{calls}", "-bb", "-W", "error")


def test_an_unknown_attribute_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nothing"):
        clerk_webhook.nothing  # noqa: B018


def test_there_are_no_runtime_dependencies():
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    assert project["dependencies"] == []
    assert len(project["optional-dependencies"]["test"]) == 2
