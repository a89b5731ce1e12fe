"""The sample events, and walks over the JSON in them."""

import pytest

from clerk_webhook import events
from clerk_webhook.testing import sample_event
from clerk_webhook.testing._samples import PAYLOADS

DAY = 86_400_000

# A class without a sample breaks one test, and not the collection of all.
EVENTS = {event_type: sample_event(event_type) for event_type in events.EVENT_CLASSES if event_type in PAYLOADS}
FAMILIES = {event_type.partition(".")[0] for event_type in EVENTS}

every_type = pytest.mark.parametrize("event_type", EVENTS)


def of_family(family):
    return [event for event_type, event in EVENTS.items() if event_type.partition(".")[0] == family]


def objects(value):
    """Yield each JSON object in a value, from the outside in."""
    if isinstance(value, dict):
        yield value
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from objects(inner)


def values(value, key):
    """Return the values of a key in all objects in a value."""
    return [found[key] for found in objects(value) if key in found]
