"""Call a project as its platform's library does it, in this process."""

import asyncio
import base64
import io
import runpy
import sys
from contextlib import closing, contextmanager, redirect_stdout

import pytest
from project import SECRET


class Function:
    """A project whose function is called with requests."""

    def __init__(self, invoke):
        self._invoke, self._output = invoke, io.StringIO()

    def send(self, method, headers, body, **options):
        """Send one request, and return its status."""
        with redirect_stdout(self._output):
            return self._invoke(method, headers, body, **options)

    def printed(self, text):
        """Return whether the project has printed a text."""
        return text in self._output.getvalue()


@contextmanager
def loaded(file):
    """Run a file of a project, and give its names."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)
        patch.syspath_prepend(file.parent)
        with closing(asyncio.new_event_loop()) as loop:
            asyncio.set_event_loop(loop)  # Mangum asks for it
            yield runpy.run_path(str(file), run_name=file.stem)
            asyncio.set_event_loop(None)
        for name in ("receiver", "chalicelib", "chalicelib.receiver"):
            sys.modules.pop(name, None)


def rest_api(method, headers, body, *, as_base64):
    """Return the event of a REST API of API Gateway."""
    lists = {}
    for name, value in headers:
        lists.setdefault(name, []).append(value)
    return {
        "version": "1.0",
        "resource": "/api/webhooks",
        "path": "/api/webhooks",
        "httpMethod": method,
        # The last value is the one that AWS gives here.
        "headers": {name: values[-1] for name, values in lists.items()},
        "multiValueHeaders": lists,
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "httpMethod": method,
            "resourcePath": "/api/webhooks",
            "identity": {"sourceIp": "203.0.113.7"},
            "stage": "prod",
        },
        "body": base64.b64encode(body).decode() if as_base64 else body.decode(),
        "isBase64Encoded": as_base64,
    }


def http_api(method, headers, body, *, as_base64):
    """Return the event of an HTTP API of API Gateway, or of a function URL."""
    joined = {}
    for name, value in headers:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    http = {"method": method, "path": "/api/webhooks", "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7"}
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/api/webhooks",
        "rawQueryString": "",
        "headers": joined,
        "requestContext": {"http": http, "stage": "$default"},
        "body": base64.b64encode(body).decode() if as_base64 else body.decode(),
        "isBase64Encoded": as_base64,
    }


def call_lambda(handler, event_of):
    """Return a function that invokes a Lambda handler with events of a kind."""

    def invoke(method, headers, body, *, as_base64=True):
        return handler(event_of(method, headers, body, as_base64=as_base64), None)["statusCode"]

    return invoke


def function_of(app):
    """Return the one function of a FunctionApp."""
    (function,) = app.get_functions()
    return function.get_user_function()


def call_azure(function):
    """Return a function that calls a function of Azure Functions."""
    import azure.functions as func

    def invoke(method, headers, body):
        joined = {}
        for name, value in headers:
            # The host joins them, and the worker gets a map of strings:
            # https://github.com/Azure/azure-functions-host/blob/dev/src/WebJobs.Script.Grpc/MessageExtensions/GrpcMessageConversionExtensions.cs
            joined[name] = f"{joined[name]},{value}" if name in joined else value
        request = func.HttpRequest(method, "https://example.com/api/webhooks", headers=joined, body=body)
        return function(request).status_code

    return invoke


def call_modal(function):
    """Return a function that sends requests through Modal's wrapper of an ASGI application."""
    from modal._runtime.asgi import asgi_app_wrapper
    from modal._runtime.execution_context import _set_current_context_ids

    class Container:
        class get_data_in:  # noqa: N801  # the name that the wrapper calls
            @staticmethod
            async def aio(call_id, attempt_token):
                for start in range(0, len(body_now), 1 << 16):
                    yield {"type": "http.request", "body": body_now[start : start + (1 << 16)], "more_body": True}
                yield {"type": "http.request", "body": b"", "more_body": False}

    body_now = b""
    call, _ = asgi_app_wrapper(function.local(), Container)

    async def answer(method, headers):
        scope = {
            "type": "http",
            "method": method,
            "path": "/",
            "raw_path": b"/",
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in headers],
        }
        _set_current_context_ids(["in-1"], ["fc-1"], ["token"])
        messages = [message async for message in call(scope)]
        return messages[0]["status"]

    def invoke(method, headers, body):
        nonlocal body_now
        body_now = body
        return asyncio.run(answer(method, headers))

    return invoke
