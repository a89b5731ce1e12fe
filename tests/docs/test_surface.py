"""The public surface: what `__all__` lists, what can be imported, and what the reference describes are the same."""

import importlib
import inspect
import pkgutil
import re

import pytest
from pages import PROJECT

import clerk_webhook
from clerk_webhook.stores import Store

API = (PROJECT / "docs" / "reference" / "api.md").read_text("utf-8")
ERRORS = (PROJECT / "docs" / "reference" / "verification.md").read_text("utf-8")
EVENTS = (PROJECT / "docs" / "reference" / "events.md").read_text("utf-8")

# The modules that users import. `webhook` and `errors` are handed on by the package itself.
MODULES = [
    name
    for _, name, _ in pkgutil.iter_modules(clerk_webhook.__path__, "clerk_webhook.")
    if not name.rpartition(".")[2].startswith("_") and name not in {"clerk_webhook.cli", "clerk_webhook.types"}
]


def module(name):
    return importlib.import_module(name)


def callables():
    """Yield each public function and class with its qualified name, and the public methods of each class."""
    for name in MODULES:
        for public in module(name).__all__:
            value = getattr(module(name), public)
            if inspect.isclass(value) and issubclass(value, BaseException):
                continue  # users catch errors and do not make them
            if inspect.isfunction(value) or inspect.isclass(value):
                yield pytest.param(value, id=f"{name}.{public}")
            if inspect.isclass(value) and value.__module__.startswith("clerk_webhook"):
                for method, function in vars(value).items():
                    documented = value is not Store and hasattr(Store, method)  # by the protocol
                    if inspect.isfunction(function) and not method.startswith("_") and not documented:
                        yield pytest.param(function, id=f"{name}.{public}.{method}")


CALLABLES = list(callables())


@pytest.mark.parametrize("name", ["clerk_webhook", *MODULES])
def test_all_lists_names_that_exist_once_each(name):
    names = module(name).__all__
    assert len(names) == len(set(names))
    assert all(hasattr(module(name), public) for public in names)


@pytest.mark.parametrize("name", MODULES)
def test_all_lists_every_public_name_that_the_module_defines(name):
    defined = {
        public
        for public, value in vars(module(name)).items()
        if not public.startswith("_")
        and (inspect.isfunction(value) or inspect.isclass(value))
        and value.__module__ == name
    }
    assert defined <= set(module(name).__all__)


@pytest.mark.parametrize("value", CALLABLES)
def test_every_public_function_and_class_has_a_docstring(value):
    assert inspect.getdoc(value)


@pytest.mark.parametrize("value", CALLABLES)
def test_a_docstring_names_every_argument(value):
    if not inspect.isfunction(value):
        value = value.__dict__.get("__init__")
    if not inspect.isfunction(value) or not value.__doc__:
        return  # a NamedTuple or a Protocol: its attributes stand in the docstring of the class
    parameters = [name for name in inspect.signature(value).parameters if name not in {"self", "cls"}]
    doc = inspect.getdoc(value)
    missing = [name for name in parameters if not re.search(rf"^ +\*{{0,2}}{name}:", doc, re.MULTILINE)]
    assert missing == []


def test_the_reference_describes_every_public_name():
    pages = API + ERRORS + EVENTS
    names = {public for name in ["clerk_webhook", *MODULES] for public in module(name).__all__ if not public.isupper()}
    assert {name for name in names if not re.search(rf"\b{name}\b", pages)} == set()
