"""The Python blocks of a page run one after the other, as a reader would paste them."""

import re
import sys
from pathlib import Path

import pytest

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"


@pytest.mark.parametrize("page", ["debug-a-refusal.md", "move-from-svix.md"])
def test_the_blocks_of_a_page_run_in_order(page, monkeypatch):
    monkeypatch.setitem(sys.modules, "svix.webhooks", None)  # a page replaces it, and this puts back what was there
    names = {"__name__": "page"}
    for code in re.findall(r"```python\n(.*?)```", (HOW_TO / page).read_text(), re.DOTALL):
        exec(compile(code, page, "exec", dont_inherit=True), names)
