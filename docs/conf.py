"""The documentation as a site: `python -m sphinx -W -b html docs OUT`."""

import re
import tomllib
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

PROJECT = Path(__file__).parents[1]

project = "clerk_webhook"
author = "the clerk_webhook contributors"
project_copyright = f"2026, {author}"
release = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))[
    "project"
]["version"]

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_llm.txt",
]
html_theme = "furo"
html_title = "clerk_webhook"
html_static_path = ["_static"]
html_favicon = "_static/favicon.svg"
html_css_files = ["site.css"]
html_js_files = [("scrolling.js", {"defer": ""})]
# For tools that read: llms.txt, llms-full.txt, and each page as Markdown beside its HTML.
llms_txt_description = "Receive Clerk's webhooks in Python, and mirror Clerk's users in your database."
llms_txt_full_build = True
llms_txt_nested_enabled = False
llms_txt_suffix_mode = "replace"
# The "*" of a signature:
llms_txt_suppress_unknown_node_warnings = ["abbreviation"]
# The search finds every name, and the index is wider than a phone.
html_use_index = False

# Headings down to this depth have anchors. A link to a wrong anchor is a warning, and -W makes it an error.
myst_heading_anchors = 3

autodoc_preserve_defaults = True  # "= USER_COLUMNS", and not the value
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True}
napoleon_numpy_docstring = False
napoleon_use_ivar = True
# `Webhook` exists twice, in clerk_webhook and in svix_compat: Sphinx cannot tell which of them a signature means.
suppress_warnings = ["ref.python"]


def markdown_to_rst(
    _app: Sphinx,
    _what: str,
    _name: str,
    _object: Any,
    _options: Any,
    lines: list[str],
) -> None:
    """Turn the Markdown of our docstrings, code fences and backticks, into reStructuredText."""
    converted: list[str] = []
    fenced = False
    for line in lines:
        fence = re.fullmatch(r"( *)```(\w*)", line)
        if fence:
            fenced = not fenced
            converted += (
                [f"{fence[1]}.. code-block:: {fence[2] or 'text'}", ""]
                if fenced
                else [""]
            )
        elif fenced:
            converted.append(f"    {line}" if line else "")
        else:
            converted.append(re.sub(r"(?<!`)`([^`]+)`(?!`)", r"``\1``", line))
    lines[:] = converted


def skip_tuple_fields(
    _app: Sphinx,
    _what: str,
    _name: str,
    member: Any,
    _skip: bool,  # noqa: FBT001  # Sphinx's
    _options: Any,
) -> bool | None:
    """Leave out "Alias for field number 0": the attributes of a named tuple stand in its docstring."""
    return True if type(member).__name__ == "_tuplegetter" else None


def setup(app: Sphinx) -> None:
    """Register both before napoleon, which reads the sections."""
    app.connect("autodoc-process-docstring", markdown_to_rst, priority=400)
    app.connect("autodoc-skip-member", skip_tuple_fields)
