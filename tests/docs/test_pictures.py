"""The picture of the demo shows what the demo prints now."""

import html
import re
from importlib.util import module_from_spec, spec_from_file_location

from pages import PROJECT


def text(picture):
    """Return the words of a picture, line by line: rich writes one element for each part of a line."""
    lines = {}
    for place, part in re.findall(r'<text [^>]*y="([\d.]+)"[^>]*>([^<]*)</text>', picture):
        lines[place] = lines.get(place, "") + html.unescape(part)
    return [line.split() for line in lines.values()]


def test_the_picture_of_the_demo_is_up_to_date():
    spec = spec_from_file_location("make_demo", PROJECT / "docs/make_demo.py")
    make_demo = module_from_spec(spec)
    spec.loader.exec_module(make_demo)
    shown = text(make_demo.PICTURE.read_text("utf-8"))
    assert ["$", "clerk-webhook", "demo"] in shown
    assert shown == text(make_demo.picture()), "run docs/make_demo.py"
