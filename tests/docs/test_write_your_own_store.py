"""The store of the page keeps the rules, and a careless database breaks the one that the page names."""

import re
from pathlib import Path

import pytest

from clerk_webhook import testing
from clerk_webhook.stores import _contract

pytest.importorskip("sqlalchemy")

PAGE = (Path(__file__).parents[2] / "docs/how-to/write-your-own-store.md").read_text()


@pytest.fixture
def run(monkeypatch, tmp_path):
    monkeypatch.setattr(testing, "check_store", _contract.check_store, raising=False)

    def run(page):
        names = {"__name__": "page"}
        for code in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
            exec(compile(code, "write-your-own-store.md", "exec", dont_inherit=True), names)
        names["test_the_store_keeps_the_rules"](tmp_path)

    return run


def test_the_store_keeps_the_rules(run):
    run(PAGE)


def test_a_database_that_ignores_case_gets_the_error_of_the_page(run):
    page = PAGE.replace("String(256)", 'String(256, collation="NOCASE")')
    with pytest.raises(AssertionError) as caught:
        run(page)
    assert f"AssertionError: {caught.value}\n" in PAGE
