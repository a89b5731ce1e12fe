"""The references of events and of the command line are made from the code, and agree with it."""

import re
import runpy
from pathlib import Path

from clerk_webhook.cli._reference import data_of, data_types, nested
from clerk_webhook.events import EVENT_CLASSES

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "reference" / "events.md").read_text(encoding="utf-8")


def test_the_page_of_the_command_line_is_up_to_date():
    page = runpy.run_path(str(DOCS / "make_command_line.py"))["page"]()
    assert page == (DOCS / "reference" / "command-line.md").read_text("utf-8"), "run docs/make_command_line.py"


def test_the_page_is_up_to_date():
    page = runpy.run_path(str(DOCS / "make_events.py"))["page"]()
    assert page == PAGE, "run `python docs/make_events.py`"


def test_every_event_type_and_payload_type_has_one_section_and_every_link_leads_to_one():
    headings = re.findall(r"^### `(.+)`$", PAGE, re.MULTILINE)
    assert headings[: len(EVENT_CLASSES)] == list(EVENT_CLASSES)
    assert sorted(headings[len(EVENT_CLASSES) :]) == sorted(data_types())
    anchors = {re.sub(r"[^\w-]", "", heading.lower()) for heading in headings}
    assert set(re.findall(r"\]\(#(.+?)\)", PAGE)) <= anchors


def test_payload_types_are_public():
    assert [name for name in data_types() if name.startswith("_")] == []


def test_a_key_has_the_type_and_the_docstring_of_the_source():
    keys = {key.name: key for key in data_types()["BillingSubscriptionItemWebhookEventJSON"].keys}
    assert keys["status"].annotation.startswith('Literal["abandoned", "active", ')
    assert keys["status"].required
    assert keys["period_end"].annotation == "UnixMillis | None"
    assert keys["period_end"].meaning.startswith("In milliseconds since the epoch. Null for the default plan")
    assert not keys["seats"].required
    assert keys["seats"].meaning == ""


def test_nested_types_are_reached_once_each():
    names = [data_type.name for data_type in nested(data_of("session.created"))]
    assert names[:4] == ["SessionJSON", "SessionTaskJSON", "SessionActivityJSON", "UserJSON"]
    assert "ClerkErrorJSON" in names
    assert len(names) == len(set(names))
