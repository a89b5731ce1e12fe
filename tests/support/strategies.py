"""Strategies that several test modules draw from."""

from hypothesis import strategies as st


def binary(max_size=None):
    """Draw any bytes. `st.binary() | st.text()` makes Hypothesis compare bytes with str, which `python -bb` forbids."""
    return st.text(st.characters(max_codepoint=255), max_size=max_size).map(lambda text: text.encode("latin-1"))
