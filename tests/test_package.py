"""What an import gives, and what it costs."""

import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

import clerk_webhook

PROJECT = Path(__file__).parents[1]


def python(code):
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def test_all_names_exist_and_are_all_public_names():
    public = {
        name
        for name, value in vars(clerk_webhook).items()
        if not (name.startswith("_") or isinstance(value, ModuleType))  # modules are there once anything imports them
    }
    assert public - {"annotations", "TYPE_CHECKING"} == set(clerk_webhook.__all__) - {"events", "types"}
    assert all(hasattr(clerk_webhook, name) for name in clerk_webhook.__all__)


def test_payload_types_are_not_imported_until_someone_asks():
    there = "print('clerk_webhook.types' in sys.modules)"
    assert python(f"import sys, clerk_webhook; {there}; clerk_webhook.types.UserJSON; {there}") == "False\nTrue"


@pytest.mark.parametrize(
    "name", ["datetime", "http", "asyncio", "base64", "argparse", "svix", "fastapi", "flask", "django"]
)
def test_what_a_receiver_does_not_need_is_not_imported(name):
    assert python(f"import sys, clerk_webhook; print({name!r} in sys.modules)") == "False"


@pytest.mark.parametrize("framework", ["fastapi", "flask", "django"])
def test_a_module_without_its_framework_says_which_package_to_install(monkeypatch, framework):
    monkeypatch.setitem(sys.modules, framework, None)
    monkeypatch.delitem(sys.modules, f"clerk_webhook.{framework}", raising=False)
    with pytest.raises(ImportError, match=f"pip install {framework}$"):
        import_module(f"clerk_webhook.{framework}")


def test_an_unknown_attribute_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nothing"):
        clerk_webhook.nothing  # noqa: B018


def test_there_are_no_runtime_dependencies():
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    assert project["dependencies"] == []
    assert len(project["optional-dependencies"]["test"]) == 2
