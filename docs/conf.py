"""The documentation as a site: `python -m sphinx -W -b html docs OUT`."""

import tomllib
from pathlib import Path

PROJECT = Path(__file__).parents[1]

project = "clerk_webhook"
author = "the clerk_webhook contributors"
copyright = f"2026, {author}"  # noqa: A001  # the name is Sphinx's
release = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]["version"]

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
html_theme = "furo"
html_title = "clerk_webhook"

# Anchors of headings, so that pages can link to each other's sections; a wrong one is a warning, and -W an error.
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence", "attrs_inline"]
nitpicky = False

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True, "show-inheritance": False}
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
