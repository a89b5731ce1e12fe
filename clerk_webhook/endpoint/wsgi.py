"""An endpoint as a WSGI application: transport only.

The specification: https://peps.python.org/pep-3333/
"""

from __future__ import annotations

from http import HTTPStatus
from io import BytesIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from .answers import Receiver, Response

__all__ = ["WSGIApp"]

_CHUNK = 1 << 16


class WSGIApp:
    """An endpoint as a WSGI application, made by `Endpoint.wsgi`. It answers at every path.

    Example:
        ```python
        app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/api/webhooks": endpoint.wsgi()})
        ```
    """

    def __init__(self, endpoint: Receiver) -> None:
        """Keep the endpoint.

        Args:
            endpoint: The endpoint that answers.
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
        # RFC 9110, section 9.3.2: "the server MUST NOT send content in the response" to HEAD.
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [response.body]

    def _respond(self, environ: dict[str, Any]) -> Response:
        endpoint = self._endpoint
        # "May be empty or absent."
        length: str | None = environ.get("CONTENT_LENGTH")
        refused = endpoint.precheck(environ["REQUEST_METHOD"], length)
        if refused is not None:
            return refused
        try:
            body = _read(environ, int(length or 0), endpoint.max_body)
        except Exception:  # each server raises its own errors if the client has gone or sends bad chunks
            return endpoint.refuse("refused")
        if len(body) > endpoint.max_body:
            return endpoint.refuse("too_large")
        return endpoint.handle(environ, body)


def _read(environ: dict[str, Any], length: int, limit: int) -> bytes:
    """Return the body, or one byte more than the limit if the body is larger."""
    # A chunked body has no length. It can be read if the server ends the stream with the body, by a convention of
    # gunicorn, Werkzeug and mod_wsgi. With any other server, reading past the body waits for ever.
    size = limit + 1 if environ.get("wsgi.input_terminated") else length
    body = BytesIO()
    while body.tell() < size:
        chunk: bytes = environ["wsgi.input"].read(min(size - body.tell(), _CHUNK))
        if not chunk:
            break
        body.write(chunk)
    return body.getvalue()
