"""Requests to an endpoint through each door that needs no framework, as its specification has them."""

import asyncio
import base64
import io
from typing import NamedTuple
from wsgiref.validate import validator

from clerk_webhook import asgi, aws_lambda, wsgi


class Answer(NamedTuple):
    status: int
    headers: dict
    body: bytes


def asgi_scope(headers=(), method="POST", **more):
    pairs = [(name.lower().encode(), value.encode("latin-1")) for name, value in dict(headers).items()]
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "path": "/api/webhooks",
        "headers": pairs,
        **more,
    }


async def asgi_call(app, scope, parts):
    """Call an ASGI application with a body in parts. A part of None is a client that has gone."""
    parts = list(parts)
    sent = []

    async def receive():
        if not parts or parts[0] is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    async def send(event):
        sent.append(event)

    await app(scope, receive, send)
    if not sent:
        return None
    start, *bodies = sent
    assert [event["type"] for event in sent] == ["http.response.start", "http.response.body"]
    headers = {name.decode(): value.decode() for name, value in start["headers"]}
    return Answer(start["status"], headers, b"".join(body["body"] for body in bodies))


def by_asgi(endpoint, headers, body, method="POST"):
    return asyncio.run(asgi_call(asgi.application(endpoint), asgi_scope(headers, method), [body]))


def wsgi_environ(headers=(), method="POST", body=b"", **more):
    environ = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "/api/webhooks",
        "PATH_INFO": "",
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **{"HTTP_" + name.upper().replace("-", "_"): value for name, value in dict(headers).items()},
        **more,
    }
    return {name: value for name, value in environ.items() if value is not None}


def wsgi_call(app, environ):
    """Call a WSGI application through the standard library's validator."""
    started = []
    result = validator(app)(environ, lambda status, headers, exc_info=None: started.append((status, headers)))
    try:
        body = b"".join(result)
    finally:
        result.close()
    ((status, headers),) = started
    return Answer(int(status.split()[0]), dict(headers), body)


def by_wsgi(endpoint, headers, body, method="POST"):
    return wsgi_call(wsgi.application(endpoint), wsgi_environ(headers, method, body))


def by_lambda(endpoint, headers, body, method="POST"):
    event = {
        "version": "2.0",
        "rawPath": "/api/webhooks",
        "requestContext": {"http": {"method": method}},
        "headers": dict(headers),
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }
    answer = aws_lambda.handler(endpoint)(event, None)
    return Answer(answer["statusCode"], answer["headers"], answer["body"].encode())


TRANSPORTS = [by_asgi, by_wsgi, by_lambda]
