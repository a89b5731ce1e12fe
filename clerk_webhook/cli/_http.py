"""One HTTP request to an application, as Svix makes it: no redirects, no proxies, 15 seconds."""

from __future__ import annotations

import time
from collections.abc import Iterable
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import NamedTuple
from urllib.parse import urlsplit

from ._style import printable

# "within a reasonable time-frame (15s with Svix)": https://docs.svix.com/retries
_TIMEOUT = 15.0
_MAX_ANSWER = 1 << 16
# Of the page of HTML that many frameworks answer with, in characters.
_MAX_SHOWN = 200


class NoAnswerError(Exception):
    """The application did not answer. The message says why, and names the cure."""


class Answer(NamedTuple):
    """The answer of an application.

    Attributes:
        status: The HTTP status.
        headers: Names in lower case.
        body: The first 64 KiB.
        milliseconds: The time from the request to the end of the answer.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    milliseconds: int

    def text(self) -> str:
        """Return the start of the body in one printable line."""
        return printable(self.body.decode("utf-8", "replace"))[:_MAX_SHOWN]


def post(url: str, headers: Iterable[tuple[str, str]], body: bytes) -> Answer:
    """Send a POST request.

    Args:
        url: The URL, `http` or `https`.
        headers: The headers, besides `host` and `content-length`. They are sent as they are, in this order.
        body: The body. It is sent as it is.

    Raises:
        NoAnswerError: The application did not answer.
    """
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    started = time.perf_counter()
    connection = kind(parts.hostname or "", parts.port, timeout=_TIMEOUT)
    try:
        # http.client sends nothing through a proxy unless it is told to.
        target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
        connection.putrequest("POST", target, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        connection.putheader("content-length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        answer = response.read(_MAX_ANSWER)
        milliseconds = round((time.perf_counter() - started) * 1000)
        return Answer(
            response.status, {name.lower(): value for name, value in response.getheaders()}, answer, milliseconds
        )
    except ConnectionRefusedError:
        raise NoAnswerError(f"nothing listens on {parts.netloc}: is the application running?") from None
    except TimeoutError:
        raise NoAnswerError(f"{parts.netloc} did not answer within {_TIMEOUT:.0f} s: Svix would send again.") from None
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise NoAnswerError(f"{parts.netloc} sent no answer: {printable(reason)}.") from None
    finally:
        connection.close()


def explained(answer: Answer, *, wanted: int = 2) -> str:
    """Return the likely cause of an answer that is not wanted, and the start of its body, in one printable line.

    Args:
        answer: The answer.
        wanted: The first digit of the status that is wanted.
    """
    status, hint = answer.status, ""
    if status in {401, 403}:
        hint = "(the route is behind a login or a CSRF check: make it public)"
    elif status in {404, 405}:
        hint = "(no route takes a POST at this URL: check the path and its trailing slash)"
    elif 300 <= status <= 399:  # noqa: PLR2004  # redirects
        hint = "(Svix follows no redirects: check the scheme and the trailing slash of the URL)"
    return "  ".join(filter(None, ["" if status // 100 == wanted else hint, answer.text()]))
