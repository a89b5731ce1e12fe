"""Code on the pages has at most 80 columns, which is what the site shows without scrolling."""

import pytest
from pages import PROJECT
from test_console import BLOCK, PAGES

# docs/make_events.py makes it of lines that are in Clerk's schema.
EXEMPT = {"docs/reference/events.md"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_code_has_at_most_80_columns(page):
    if str(page.relative_to(PROJECT)) in EXEMPT:
        return
    lines = [line for block in BLOCK.finditer(page.read_text("utf-8")) for line in block["text"].splitlines()]
    assert [line for line in lines if len(line) > 80] == []
