"""The worker processes of the tests of stores. A fork server imports this module once, and nothing of pytest."""

import os
import signal
from contextlib import suppress

import psycopg_pool
import redis

from clerk_webhook import Endpoint, WebhookEvent
from clerk_webhook.stores import Claim, PostgresStore, RedisStore, SQLiteStore
from clerk_webhook.testing import sample_event, signed_request

REDIS = os.environ.get("CLERK_WEBHOOK_TEST_REDIS", "redis://127.0.0.1:6379/0")
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
EVENT = sample_event("user.created")


def store_in(place, lease):
    """Return a store of this process's own: `place` is its kind, and the path, URL or prefix."""
    kind, where = place
    if kind == "sqlite":
        return SQLiteStore(where, lease=lease)
    if kind == "redis":
        return RedisStore(redis.Redis.from_url(REDIS), prefix=where, lease=lease)
    return PostgresStore(psycopg_pool.ConnectionPool(where, min_size=1, open=True).connection, lease=lease)


def claim_all(place, messages, start, claimed):
    """Claim every message, and send the numbers of those that were new."""
    store = store_in(place, lease=600)
    start.wait(60)
    claimed.put([number for number in range(messages) if store.claim(f"msg_{number}", str(os.getpid())) is Claim.NEW])


def receive(place, lease, effects, deliveries):
    """Receive each delivery, and send the status; or die by SIGKILL at the point that comes with the delivery."""
    fate = ""
    endpoint = Endpoint(SECRET, store=store_in(place, lease))

    def die_if(point):
        if fate == point:
            os.kill(os.getpid(), signal.SIGKILL)

    @endpoint.on
    def handle(event: WebhookEvent):
        die_if("after the claim")
        os.write(effect, f"{event.message_id}\n".encode())
        die_if("after the effect")

    effect = os.open(effects, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    with suppress(EOFError):
        while True:
            message_id, fate = deliveries.recv()
            request = signed_request(EVENT, SECRET, message_id=message_id)
            die_if("before the claim")
            response = endpoint.handle(request.headers, request.body)
            die_if("after complete()")
            deliveries.send(response.status)
