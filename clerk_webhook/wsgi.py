"""An endpoint as a WSGI application: for Bottle, Pyramid, or a server alone.

The specification: https://peps.python.org/pep-3333/
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from io import BytesIO
from typing import Any

from ._reception import checked
from .endpoint import Endpoint

__all__ = ["application"]

_CHUNK = 1 << 16


def application(endpoint: Endpoint[Any]) -> Callable[[dict[str, Any], Callable[..., Any]], list[bytes]]:
    """Return a WSGI application that answers with an endpoint, at every path.

    Args:
        endpoint: The endpoint.

    Raises:
        TypeError: This is no endpoint, or a handler is async. One that is added later is refused at the first event.

    Example:
        ```python
        app.mount("/api/webhooks", application(endpoint))  # Bottle
        ```
    """
    answer = checked(endpoint).door()

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        method: str = environ["REQUEST_METHOD"]
        path: str = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        response = answer(method, path, environ, partial(_read, environ))
        status = HTTPStatus(response.status)
        start_response(f"{status.value} {status.phrase}", list(response.headers.items()))
        # RFC 9110, section 9.3.2: "the server MUST NOT send content in the response" to HEAD.
        return [] if method == "HEAD" else [response.body]

    return app


def _read(environ: dict[str, Any], enough: int) -> bytes:
    """Return the body, or its first part if that is as large as `enough`."""
    # A chunked body has no length. It can be read if the server ends the stream with the body, by a convention of
    # gunicorn, Werkzeug and mod_wsgi. With any other server, reading past the body waits for ever.
    size = enough if environ.get("wsgi.input_terminated") else int(environ.get("CONTENT_LENGTH") or 0)
    body = BytesIO()
    while body.tell() < size:
        chunk: bytes = environ["wsgi.input"].read(min(size - body.tell(), _CHUNK))
        if not chunk:
            break
        body.write(chunk)
    return body.getvalue()
