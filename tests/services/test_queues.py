"""Celery and RQ with a real broker, as docs/how-to/queues.md has them: a job that fails and a worker that is killed."""

import importlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

celery = pytest.importorskip("celery")
rq = pytest.importorskip("rq")
pytest.importorskip("redis")

from conftest import REDIS  # noqa: E402
from rq.scheduler import RQScheduler  # noqa: E402

from clerk_webhook import Endpoint, events  # noqa: E402
from clerk_webhook.testing import sample_event, signed_request  # noqa: E402

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "queues.md").read_text()
TASKS, APP, RQ = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")

# The application of the page: a handler that notes each run, and ends the first one as the file `first` says.
HANDLERS = """
import json, os, signal, time
from pathlib import Path

from clerk_webhook import Handlers, WebhookEvent

handlers = Handlers()
FOLDER = Path(__file__).parent


@handlers.on
def handle(event: WebhookEvent) -> None:
    first = (FOLDER / "first").read_text()
    with (FOLDER / "runs").open("a") as runs:
        print(json.dumps([event.message_id, event.payload]), file=runs, flush=True)
    if len((FOLDER / "runs").read_text().splitlines()) == 1:
        if first == "fails":
            raise ConnectionError
        if first == "kills its process":
            os.kill(os.getpid(), signal.SIGKILL)
        if first == "takes long":
            time.sleep(60)
    (FOLDER / "done").touch()
"""


class Application:
    def __init__(self, folder):
        self.folder = folder
        self.event = sample_event("user.created", first_name="Zoë")

    def deliver(self, enqueue):
        endpoint = Endpoint(SECRET)
        endpoint.on(enqueue)
        return endpoint.handle(*signed_request(self.event, SECRET)).status

    def runs(self):
        path = self.folder / "runs"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def wait_for(self, condition):
        for _ in range(600):
            if condition():
                return
            time.sleep(0.1)
        raise AssertionError((self.folder / "log").read_text())

    @contextmanager
    def worker(self, *command):
        """Start a worker, with its children in a session of its own."""
        environment = os.environ | {"PYTHONPATH": str(self.folder), "PYTHONWARNINGS": "ignore"}
        with (self.folder / "log").open("a") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=self.folder,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            yield process
        finally:
            kill(process)


def kill(process):
    """Kill a worker and its children, of which RQ's have process groups of their own."""
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(ProcessLookupError):
            if os.getsid(int(path.name)) == process.pid:
                os.kill(int(path.name), signal.SIGKILL)
    process.wait()


@pytest.fixture
def application(tmp_path, monkeypatch):
    (tmp_path / "handlers.py").write_text(HANDLERS)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)
    yield Application(tmp_path)
    for name in ("handlers", "tasks", "app"):
        sys.modules.pop(name, None)


@pytest.fixture
def celery_application(application, redis_prefix):
    """Write the two files of the page, but for the broker, a prefix, and the time that a test can wait."""
    # A worker looks for messages of the dead only every 100 seconds without these two.
    often = {"unacked_restore_interval": 1, "unacked_restore_throttle": 1}
    options = {"visibility_timeout": 60, "global_keyprefix": redis_prefix, **often}
    tasks = TASKS.replace("redis://127.0.0.1:6379/0", REDIS).replace('{"visibility_timeout": 3600}', repr(options))
    assert repr(options) in tasks
    (application.folder / "tasks.py").write_text(tasks)
    (application.folder / "app.py").write_text(APP)
    application.enqueue = importlib.import_module("app").enqueue
    return application


CELERY = ("celery", "-A", "tasks", "worker", "--concurrency", "1", "-l", "INFO", "--without-mingle", "--without-gossip")


@pytest.mark.parametrize("first", ["succeeds", "fails", "kills its process"])
def test_celery_runs_a_job_until_it_succeeds(celery_application, first):
    (celery_application.folder / "first").write_text(first)
    assert celery_application.deliver(celery_application.enqueue) == 200
    with celery_application.worker(*CELERY):
        celery_application.wait_for((celery_application.folder / "done").exists)
    event = celery_application.event
    assert celery_application.runs() == [[event.message_id, event.payload]] * (1 if first == "succeeds" else 2)


def test_another_worker_of_celery_gets_the_job_of_a_worker_that_was_killed(celery_application):
    tasks = celery_application.folder / "tasks.py"
    tasks.write_text(tasks.read_text().replace("'visibility_timeout': 60", "'visibility_timeout': 2"))
    (celery_application.folder / "first").write_text("takes long")
    assert celery_application.deliver(celery_application.enqueue) == 200
    with celery_application.worker(*CELERY) as killed:
        celery_application.wait_for(celery_application.runs)
        kill(killed)
    with celery_application.worker(*CELERY):
        celery_application.wait_for((celery_application.folder / "done").exists)
    assert len(celery_application.runs()) == 2


@pytest.mark.parametrize(("limit", "runs"), [("soft_time_limit", 2), ("time_limit", 1)])
def test_a_time_limit_of_celery_repeats_the_job_only_if_it_is_soft(celery_application, limit, runs):
    tasks = celery_application.folder / "tasks.py"
    tasks.write_text(tasks.read_text().replace("acks_late=True,", f"acks_late=True, {limit}=1,"))
    (celery_application.folder / "first").write_text("takes long")
    assert celery_application.deliver(celery_application.enqueue) == 200
    with celery_application.worker(*CELERY):
        log = celery_application.folder / "log"
        celery_application.wait_for(lambda: re.search("(?i)time ?limit ?(.*)exceeded", log.read_text()))
        time.sleep(3)  # a second attempt comes after one second
    assert len(celery_application.runs()) == runs


@pytest.mark.parametrize("first", ["fails", "kills its process"])
def test_celery_loses_the_job_without_the_settings(celery_application, first):
    """Otherwise the tests above would show nothing."""
    path = celery_application.folder / "tasks.py"
    path.write_text(re.sub(r"@app\.task\(.*?\n\)\n", "@app.task\n", path.read_text(), flags=re.DOTALL))
    (celery_application.folder / "first").write_text(first)
    assert celery_application.deliver(celery_application.enqueue) == 200
    with celery_application.worker(*CELERY):
        log = celery_application.folder / "log"
        celery_application.wait_for(lambda: re.search(r"raised unexpected|WorkerLostError", log.read_text()))
        time.sleep(3)  # a second attempt comes after one second
    assert len(celery_application.runs()) == 1
    assert not (celery_application.folder / "done").exists()


def test_svix_gets_a_500_if_the_broker_does_not_answer(celery_application):
    tasks = importlib.import_module("tasks")
    tasks.app.conf.broker_url = "redis://127.0.0.1:1/0"
    tasks.app.conf.broker_connection_timeout = 1
    assert celery_application.deliver(celery_application.enqueue) == 500


@pytest.fixture
def queue(redis_client):
    before = set(redis_client.scan_iter("rq:*"))
    yield rq.Queue("clerk_webhook_test", connection=redis_client)
    for key in set(redis_client.scan_iter("rq:*")) - before:
        redis_client.delete(key)


@pytest.fixture
def rq_application(application, queue):
    """Write the page's function without its decorator, and shorten the intervals."""
    imports = "from clerk_webhook import parse_event\nfrom handlers import handlers\n"
    (application.folder / "tasks.py").write_text(imports + TASKS[TASKS.index("def work") :])
    work = importlib.import_module("tasks").work
    names = {"work": work, "queue": queue, "endpoint": Endpoint(SECRET), "events": events}
    assert "interval=[10, 60, " in RQ
    exec(RQ.replace("interval=[10, 60, ", "interval=[1, 1, "), names)
    application.enqueue = names["enqueue"]
    return application


def rq_worker(*options):
    return ("rq.cli", "worker", "--with-scheduler", "--url", REDIS, *options, "clerk_webhook_test")


@pytest.mark.parametrize("first", ["succeeds", "fails", "kills its process"])
def test_rq_runs_a_job_until_it_succeeds(rq_application, first):
    (rq_application.folder / "first").write_text(first)
    assert rq_application.deliver(rq_application.enqueue) == 200
    with rq_application.worker(*rq_worker()):
        rq_application.wait_for((rq_application.folder / "done").exists)
    event = rq_application.event
    assert rq_application.runs() == [[event.message_id, event.payload]] * (1 if first == "succeeds" else 2)


def test_another_worker_of_rq_gets_the_job_of_a_worker_that_was_killed(rq_application, queue, redis_client):
    (rq_application.folder / "first").write_text("takes long")
    assert rq_application.deliver(rq_application.enqueue) == 200
    with rq_application.worker(*rq_worker()) as killed:
        rq_application.wait_for(rq_application.runs)
        kill(killed)
    # RQ takes a job for abandoned 90 seconds after the last sign of life of its worker, and a scheduler after 61.
    redis_client.delete(RQScheduler.get_locking_key(queue.name))
    running = queue.started_job_registry.key
    redis_client.zadd(running, dict.fromkeys(redis_client.zrange(running, 0, -1), 1))
    with rq_application.worker(*rq_worker("--maintenance-interval", "1")):
        rq_application.wait_for((rq_application.folder / "done").exists)
    assert len(rq_application.runs()) == 2
