"""Celery and RQ with a real broker: `raw` and the message id travel, and the same event comes out."""

import re
from pathlib import Path
from threading import Event

import pytest

celery = pytest.importorskip("celery")
rq = pytest.importorskip("rq")
pytest.importorskip("redis")

from celery.contrib.testing.worker import start_worker  # noqa: E402
from conftest import REDIS  # noqa: E402

from clerk_webhook import Endpoint, Handlers, WebhookEvent, parse_event  # noqa: E402
from clerk_webhook.testing import sample_event, signed_request  # noqa: E402

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "queues.md"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")

handled = []


def work(raw, message_id):
    handled.append(parse_event(raw, message_id=message_id))


def test_celery_carries_an_event_as_the_page_says(redis_prefix):
    (block,) = re.findall(r"<!-- not executed: Celery.*?```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    app = celery.Celery("of_a_test", broker=REDIS)
    app.conf.update(
        broker_transport_options={"global_keyprefix": redis_prefix}, broker_connection_retry_on_startup=True
    )
    endpoint = Endpoint(SECRET)
    done = Event()
    events = []

    handlers = Handlers()

    @handlers.on
    def handle(event: WebhookEvent):
        events.append(event)
        done.set()

    names = {"celery": app, "endpoint": endpoint, "handlers": handlers, "parse_event": parse_event}
    exec(block, names | {"WebhookEvent": WebhookEvent})
    event = sample_event("user.created", first_name="Zoë")
    request = signed_request(event, SECRET)
    with start_worker(app, pool="solo", perform_ping_check=False):
        assert endpoint.handle(*request).status == 200
        assert done.wait(30)
    assert events == [event]
    assert events[0].message_id == event.message_id


def test_rq_carries_an_event_as_the_page_says(redis_client):
    before = set(redis_client.scan_iter("rq:*"))
    queue = rq.Queue("clerk_webhook_test", connection=redis_client)
    event = sample_event("user.created", first_name="Zoë")
    try:
        queue.enqueue(work, event.payload, event.message_id)
        rq.SimpleWorker([queue], connection=redis_client).work(burst=True)
    finally:
        for key in set(redis_client.scan_iter("rq:*")) - before:
            redis_client.delete(key)
    assert handled == [event]
