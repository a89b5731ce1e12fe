"""The event reference is made from the code, and says what the code says."""

import re
import runpy
from pathlib import Path

from clerk_webhook.cli._reference import nested, payload_of, payload_types
from clerk_webhook.events import EVENT_CLASSES

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "reference" / "events.md").read_text(encoding="utf-8")


def test_the_page_is_up_to_date():
    page = runpy.run_path(str(DOCS / "make_events.py"))["page"]()
    assert page == PAGE, "run `python docs/make_events.py`"


def test_every_event_type_and_every_payload_type_has_a_section_and_every_link_one_to_lead_to():
    headings = re.findall(r"^### `(.+)`$", PAGE, re.MULTILINE)
    of_payloads = {inner.name for event_type in EVENT_CLASSES for inner in nested(payload_of(event_type))}
    assert headings[: len(EVENT_CLASSES)] == list(EVENT_CLASSES)
    assert of_payloads <= set(headings)
    assert len(headings) == len(set(headings))
    anchors = {re.sub(r"[^\w-]", "", heading.lower()) for heading in headings}
    assert set(re.findall(r"\]\(#(.+?)\)", PAGE)) <= anchors


def test_every_payload_type_that_is_public_is_there():
    private = {name for name in payload_types() if name.startswith("_")}
    assert {name for name in payload_types() if f"### `{name}`" not in PAGE} == private


def test_what_keys_say_is_what_the_types_are():
    keys = {key.name: key for key in payload_types()["BillingSubscriptionItemWebhookEventJSON"].keys}
    assert keys["status"].annotation.startswith('Literal["abandoned", "active", ')
    assert keys["status"].required
    assert keys["period_end"].annotation == "UnixMillis | None"
    assert keys["period_end"].meaning.startswith("In milliseconds since the epoch; null for the default plan")
    assert not keys["seats"].required
    assert keys["id"].meaning == ""


def test_nested_types_are_reached_once_each():
    names = [payload_type.name for payload_type in nested(payload_of("session.created"))]
    assert names[:3] == ["SessionJSON", "SessionActivityJSON", "UserJSON"]
    assert "ClerkErrorJSON" in names
    assert len(names) == len(set(names))
