"""Sybil finds the Python of README.md and of docs/, to be run in one namespace per page, as a reader pastes it.

`<!-- not executed: REASON -->` directly above a block leaves this block out. The blocks of Django's pages and of the
platforms are files of projects, which tests/interop and tests/platforms make.
"""

import re
from pathlib import Path

from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

PROJECT = Path(__file__).parents[2]
FILES = {PROJECT / "docs/how-to" / name for name in ("django.md", "django-users.md", "platforms.md")}
MARKER = re.compile(r"<!-- not executed:(.*)-->\n\Z")


def blocks(document):
    """Find the blocks to run."""
    if Path(document.path) in FILES:
        return
    for region in PythonCodeBlockParser()(document):
        marker = MARKER.search(document.text[: region.start])
        if marker is None:
            yield region
        elif not marker[1].strip():
            raise ValueError(f"{document.path}: <!-- not executed: --> needs a reason")


SYBIL = Sybil([blocks], path=str(PROJECT))
