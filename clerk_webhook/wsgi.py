"""An endpoint as a WSGI application: transport only.

The specification: https://peps.python.org/pep-3333/
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from .endpoint import Endpoint, Response

__all__ = ["WSGIApp"]

_CHUNK = 1 << 16
_MANY_DIGITS = 20  # more than any length has; int() raises for some thousands


class WSGIApp:
    """Answers at whatever path it is mounted. Made by `Endpoint.wsgi`.

    Example:
        ```python
        app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/api/webhooks": endpoint.wsgi()})
        ```
    """

    def __init__(self, endpoint: Endpoint) -> None:
        """Keep the endpoint.

        Args:
            endpoint: What answers.
        """
        self._endpoint = endpoint

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        """Answer one request.

        Args:
            environ: The request.
            start_response: Takes the status and the headers of the answer.

        Returns:
            The body of the answer.
        """
        response = self._respond(environ)
        status = HTTPStatus(response.status)
        start_response(f"{status.value} {status.phrase}", list(response.headers.items()))
        return [response.body]

    def _respond(self, environ: dict[str, Any]) -> Response:
        endpoint = self._endpoint
        length = _content_length(environ)
        refused = endpoint.refuse_unread(environ["REQUEST_METHOD"], length)
        if refused is not None:
            return refused
        try:
            body = _read(environ, length, endpoint.max_body)
        except OSError:
            # What servers raise when the client has gone, or sends chunks that are none.
            return endpoint.refuse("refused")
        if len(body) > endpoint.max_body:
            return endpoint.refuse("too_large")
        return endpoint.handle(environ, body)


def _content_length(environ: dict[str, Any]) -> int | None:
    """Return the length that is announced. "May be empty or absent", and nothing vouches for it."""
    length: str = environ.get("CONTENT_LENGTH") or ""
    return int(length) if length.isascii() and length.isdigit() and len(length) < _MANY_DIGITS else None


def _read(environ: dict[str, Any], length: int | None, limit: int) -> bytes:
    """Return the body, or where it is larger than the limit, a little more than that."""
    # Where the server ends the stream at the end of the body (a convention of gunicorn, Werkzeug and mod_wsgi), chunked
    # bodies can be read, which have no length. Elsewhere, to read on would be to wait for what never comes.
    remaining = limit + 1 if environ.get("wsgi.input_terminated") else length or 0
    chunks: list[bytes] = []
    while remaining > 0:
        chunk: bytes = environ["wsgi.input"].read(min(remaining, _CHUNK))
        if not chunk:
            break
        chunks.append(chunk)
        remaining -= len(chunk)
    return b"".join(chunks)
