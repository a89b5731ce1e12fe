"""Links in the pages that GitHub shows lead to files and headings, and every address is well formed.

Sphinx checks the links inside of the site: `.ci/run site`.
"""

import re

import pytest
from pages import PROJECT

PAGES = sorted([*PROJECT.glob("*.md"), *(PROJECT / "examples").rglob("*.md")])
SOURCES = [*PAGES, *(PROJECT / "docs").rglob("*.md"), *(PROJECT / "clerk_webhook").rglob("*.py")]
LINK = re.compile(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)")
ADDRESS = re.compile(r"https://[^\s\"'`<>)\]}]+")
WELL_FORMED = re.compile(r"https://([a-z0-9-]+\.)+[a-z]+(/[\w.~%+-]+)*/?(\?[\w.=&%-]+)?(#[\w.%-]+)?[.,:;]?")


def anchors(text):
    """Return the anchors that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_the_links_of_a_page_lead_somewhere(page):
    for path, anchor in LINK.findall(page.read_text("utf-8")):
        target = page.parent / path if path else page
        assert target.exists(), path
        assert not anchor or anchor in anchors(target.read_text("utf-8")), anchor


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: str(source.relative_to(PROJECT)))
def test_addresses_are_well_formed(source):
    addresses = ADDRESS.findall(source.read_text("utf-8"))
    assert [address for address in addresses if not WELL_FORMED.fullmatch(address)] == []
