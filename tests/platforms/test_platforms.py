"""Every platform of docs/how-to/platforms.md, with the file of its section and the platform's own library."""

import sys
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest
from functions import Function, call_azure, call_lambda, call_modal, function_of, http_api, loaded, rest_api
from project import TOO_LARGE, Delivery, write
from servers import free_port, invoke_vercel, serve

HERE = Path(__file__).parent
PLATFORMS = {}


def platform(name, *, two_lines="refused", base64=False, get=405, early=False):
    """Register a platform.

    Args:
        name: Its name in the tests.
        two_lines: The line of two signature lines that counts, or "refused".
        base64: Whether it has bodies in base64.
        get: The status of a GET.
        early: Whether a body that is announced as too large is not read.
    """

    def register(run):
        facts = {"two_lines": two_lines, "base64": base64, "status_of_get": get, "early": early}
        PLATFORMS[name] = contextmanager(run), facts
        return run

    return register


def server(name, section, file, *arguments, port_in_file=False, get=405, early=False):
    @platform(name, get=get, early=early)
    def run(directory):
        port = free_port()
        write(directory, file, section, port=port if port_in_file else None)
        command = [sys.executable, *(each.format(port=port) for each in arguments)]
        with serve(directory, port, *command) as running:
            yield running


def lambda_function(name, section, file, variable, event_of, two_lines):
    @platform(name, two_lines=two_lines, base64=True)
    def run(directory):
        with loaded(write(directory, file, section)) as names:
            yield Function(call_lambda(names[variable], event_of))


lambda_function("mangum-rest", "AWS Lambda with Mangum", "main.py", "handler", rest_api, "last")
lambda_function("mangum-http", "AWS Lambda with Mangum", "main.py", "handler", http_api, "refused")
lambda_function("chalice-rest", "AWS Chalice", "app.py", "app", rest_api, "refused")
server("blacksheep", "BlackSheep", "main.py", "-m", "uvicorn", "main:app", "--port", "{port}", early=True)
server(
    "google", "Google Cloud Functions", "main.py", "-m", "functions_framework", "--target", "clerk", "--port", "{port}"
)
server("nicegui", "NiceGUI", "main.py", "main.py", port_in_file=True, early=True)
server("robyn", "Robyn", "main.py", "main.py", port_in_file=True, get=404)


@platform("azure", get=400)  # but the host calls no function for a method that is not in its route
def azure(directory):
    with loaded(write(directory, "function_app.py", "Azure Functions")) as names:
        yield Function(call_azure(function_of(names["app"])))


@platform("vercel", base64=True)
def vercel(directory):
    with invoke_vercel(directory, write(directory, "api/webhooks.py", "Vercel"), "app") as running:
        yield running


@platform("chalice-local", two_lines="first")
def chalice_local(directory):
    port = free_port()
    write(directory, "app.py", "AWS Chalice")
    (directory / ".chalice").mkdir()
    (directory / ".chalice/config.json").write_text('{"version": "2.0", "app_name": "clerk"}')
    chalice = Path(sys.executable).with_name("chalice")
    with serve(directory, port, chalice, "local", "--no-autoreload", "--port", str(port)) as running:
        yield running


def cloudflare(name, handler):
    @platform(name, two_lines="last")
    def run(directory):
        port = free_port()
        file = write(directory, "main.py", "Cloudflare Workers")
        file.write_text(file.read_text().replace("async def", handler))
        library, sdk = (Path(find_spec(name).origin).parents[1] for name in ("clerk_webhook", "workers"))
        with serve(directory, port, "node", HERE / "worker.mjs", directory, library, sdk, str(port)) as running:
            yield running


cloudflare("cloudflare", "async def")
cloudflare("cloudflare-sync-handler", "def")


@platform("reflex", get=404, early=True)
def reflex(directory):
    port = free_port()
    write(directory, "clerk/clerk.py", "Reflex")
    (directory / "clerk/__init__.py").touch()
    (directory / "rxconfig.py").write_text('import reflex as rx\n\nconfig = rx.Config(app_name="clerk")\n')
    command = [sys.executable, "-m", "reflex", "run", "--env", "prod", "--backend-only", "--backend-port", str(port)]
    with serve(directory, port, *command, REFLEX_TELEMETRY_ENABLED="false") as running:
        yield running


@platform("modal")
def modal(directory):
    with loaded(write(directory, "main.py", "Modal")) as names:
        yield Function(call_modal(names["clerk"]))


@pytest.fixture(scope="module", params=PLATFORMS)
def running(request, tmp_path_factory):
    run, facts = PLATFORMS[request.param]
    with run(tmp_path_factory.mktemp(request.param)) as project:
        vars(project).update(facts)
        yield project


def test_a_genuine_event_reaches_its_handler(running):
    delivery = Delivery()
    assert running.send("POST", delivery.headers(), delivery.body) == 200
    assert running.printed(f"new user {delivery.user_id}\n")


def test_a_body_is_taken_as_text_and_as_base64_where_the_platform_has_both(running):
    if running.base64:
        delivery = Delivery()
        assert running.send("POST", delivery.headers(), delivery.body, as_base64=False) == 200
        assert running.printed(f"new user {delivery.user_id}\n")


@pytest.mark.parametrize("change", ["signature", "body", "no signature"])
def test_a_forged_event_is_refused(running, change):
    delivery, other = Delivery(), Delivery()
    headers, body = delivery.headers(), delivery.body
    if change == "signature":
        headers = delivery.headers(other.genuine)
    elif change == "body":
        body = body.replace(b"Zo", b"zo")
    else:
        headers = headers[:-1]
    assert running.send("POST", headers, body) == 400
    assert not running.printed(delivery.user_id)


@pytest.mark.parametrize("genuine_line", ["first", "last"])
def test_two_different_signature_lines_are_treated_as_the_page_says(running, genuine_line):
    delivery, other = Delivery(), Delivery()
    lines = [delivery.genuine, other.genuine]
    headers = delivery.headers(*(lines if genuine_line == "first" else reversed(lines)))
    counts = running.two_lines == genuine_line
    assert running.send("POST", headers, delivery.body) == (200 if counts else 400)
    assert running.printed(delivery.user_id) == counts


def test_a_get_runs_nothing(running):
    assert running.send("GET", [], b"") == running.status_of_get


def test_a_body_of_more_than_1_mib_is_too_large(running):
    delivery = Delivery(TOO_LARGE)
    assert running.send("POST", delivery.headers(), delivery.body) == 413
    assert not running.printed(delivery.user_id)


def test_a_body_that_is_announced_as_too_large_is_not_read_if_the_platform_lets_us(running):
    if running.early:
        assert running.announce(Delivery().headers(), TOO_LARGE) == 413
