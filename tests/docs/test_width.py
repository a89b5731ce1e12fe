"""Code on the pages has at most 80 columns, which is what the site shows without scrolling."""

import pytest
from pages import PROJECT
from test_console import BLOCK, PAGES

# docs/make_events.py makes it of texts in Clerk's schema.
GENERATED = PROJECT / "docs/reference/events.md"


@pytest.mark.parametrize("page", [page for page in PAGES if page != GENERATED], ids=lambda page: page.stem)
def test_code_has_at_most_80_columns(page):
    code = [block["text"] for block in BLOCK.finditer(page.read_text("utf-8")) if block["kind"] != "text"]  # a message
    assert [line for line in "".join(code).splitlines() if len(line) > 80] == []
