"""`testing.deliver_async`: `deliver` through an async client. A module apart, because Pyodide has no `asyncio.run`."""

import asyncio
import inspect
import re
import traceback
from textwrap import dedent

import pytest
from deliveries import SECRET

from clerk_webhook import SecretError, Webhook, events
from clerk_webhook.testing import deliver, deliver_async, sample_event

EVENTS = [sample_event(event_type) for event_type in events.EVENT_CLASSES]


async def answering(status):
    return status


@pytest.mark.parametrize("seed", range(3))
def test_an_async_client_gets_the_same_requests_in_the_same_order(seed):
    def run(deliver):
        received, statuses = [], [500, 503, 409]

        def send(request):
            received.append(Webhook(SECRET).verify_and_parse(*request))
            return statuses.pop() if statuses else 200

        return deliver(send), received

    async def deliver_all(send):
        async def send_soon(request):
            await asyncio.sleep(0)
            return send(request)

        return await deliver_async(EVENTS, send_soon, SECRET, seed=seed)

    in_async = run(lambda send: asyncio.run(deliver_all(send)))
    assert in_async == run(lambda send: deliver(EVENTS, send, SECRET, seed=seed))


def test_the_attempts_do_not_overlap():
    running = []

    async def send(_):
        running.append("starts")
        await asyncio.sleep(0)
        running.append("ends")
        return 200

    asyncio.run(deliver_async(EVENTS, send, SECRET))
    assert running == ["starts", "ends"] * (len(running) // 2)


def test_a_client_of_the_other_kind_is_told_the_other_function():
    answer = answering(200)
    with pytest.raises(TypeError, match=r"not coroutine\. For an async client, use deliver_async\.$"):
        deliver(EVENTS, lambda _: answer, SECRET)
    answer.close()
    with pytest.raises(TypeError, match=r"send must be async\. For a client that is not async, use deliver\.$"):
        asyncio.run(deliver_async(EVENTS, lambda _: 200, SECRET))
    with pytest.raises(TypeError, match="send must return the status as an int, not str"):
        asyncio.run(deliver_async(EVENTS, lambda _: answering("200"), SECRET))


def test_a_bad_secret_is_in_no_message_and_in_no_frame_of_ours():
    with pytest.raises(SecretError) as caught:
        asyncio.run(deliver_async(EVENTS, lambda _: answering(200), "sk_test_" + "unlikely"))
    modules = [frame.f_globals["__name__"] for frame, _ in traceback.walk_tb(caught.tb)]
    assert [module for module in modules if module.startswith("clerk_webhook.")] == []
    assert "unlikely" not in str(caught.value)


def test_an_exception_of_the_client_passes_through():
    async def send(_):
        raise ConnectionError("no answer")

    with pytest.raises(ConnectionError, match="no answer"):
        asyncio.run(deliver_async(EVENTS, send, SECRET))


def test_the_example_of_the_docstring_runs_as_it_stands():
    (example,) = re.findall(r"```python\n(.*?)```", inspect.getdoc(deliver_async), re.DOTALL)
    exec(dedent(example), {})
