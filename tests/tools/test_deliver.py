"""`testing.deliver`: Svix in small."""

import pytest
from deliveries import OTHER_SECRET, SECRET

from clerk_webhook import SecretError, Webhook, events
from clerk_webhook.testing import deliver, sample_event

EVENTS = [sample_event(event_type) for event_type in events.EVENT_CLASSES]


class Receiver:
    """Verifies each request, and answers with the given statuses, and then with 200."""

    def __init__(self, *statuses):
        self.statuses = list(statuses)
        self.received = []

    def __call__(self, request):
        self.received.append(Webhook(SECRET).verify_and_parse(*request))
        return self.statuses.pop(0) if self.statuses else 200


@pytest.mark.parametrize("seed", range(5))
def test_every_message_arrives_at_least_once_and_some_twice(seed):
    receiver = Receiver()
    deliveries = deliver(EVENTS, receiver, SECRET, seed=seed)
    assert [delivery.event for delivery in deliveries] == EVENTS
    assert {event.type for event in receiver.received} == {event.type for event in EVENTS}
    assert {delivery.statuses for delivery in deliveries} == {(200,), (200, 200)}
    order = [event.type for event in receiver.received]
    assert order != sorted(order, key=list(events.EVENT_CLASSES).index)


def test_each_entry_is_a_message_of_its_own_under_one_id():
    receiver = Receiver(500, 503, 409)
    first, second = deliver([EVENTS[0], EVENTS[0]], receiver, SECRET)
    assert first.message_id != second.message_id
    assert EVENTS[0].message_id not in (first.message_id, second.message_id)
    ids = [event.message_id for event in receiver.received]
    assert ids.count(first.message_id) == len(first.statuses)
    assert ids.count(second.message_id) == len(second.statuses)


@pytest.mark.parametrize("status", [199, 300, 404, 500])
def test_anything_but_a_2xx_is_sent_again_and_at_most_eight_times(status):
    (delivery,) = deliver(EVENTS[:1], lambda _: status, SECRET)
    assert delivery.statuses == (status,) * 8


@pytest.mark.parametrize("status", [200, 204, 299])
def test_a_2xx_ends_the_retries(status):
    statuses = {delivery.statuses for delivery in deliver(EVENTS, lambda _: status, SECRET)}
    assert statuses == {(status,), (status, status)}


def test_a_failed_message_can_come_after_others():
    receiver = Receiver(500)
    deliver(EVENTS, receiver, SECRET)
    failed = receiver.received[0]
    assert receiver.received[1] != failed
    assert failed in receiver.received[1:]


def test_the_same_seed_gives_the_same_run_and_another_one_another():
    def run(seed):
        receiver = Receiver(500, 500)
        return deliver(EVENTS, receiver, SECRET, seed=seed), [event.message_id for event in receiver.received]

    assert run(3) == run(3)
    assert run(3) != run(4)


def test_without_events_nothing_is_delivered():
    assert deliver([], Receiver(), SECRET) == []


@pytest.mark.parametrize("answer", [None, "200", object(), True])
def test_a_send_that_does_not_return_the_status_is_told(answer):
    with pytest.raises(TypeError, match=r"send must return the status as an int, not \w+\.$"):
        deliver(EVENTS, lambda _: answer, SECRET)


def test_a_wrong_secret_is_found_and_an_exception_passes_through():
    with pytest.raises(SecretError):
        deliver(EVENTS, Receiver(), "sk_test_1")
    with pytest.raises(Exception, match="signature"):
        deliver(EVENTS, Receiver(), OTHER_SECRET)
