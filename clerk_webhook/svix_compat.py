"""A replacement for `svix.webhooks` whose `verify()` returns the parsed body, as svix did before 2.0.

Change the import, and leave the calls as they are::

    from clerk_webhook.svix_compat import Webhook, WebhookVerificationError

This package verifies more strictly than svix: secrets are checked, and timestamps are whole seconds.
Every refusal of a request is a `WebhookVerificationError`; svix lets `ValueError`, `binascii.Error` and
`UnicodeDecodeError` through as well. docs/how-to/move-from-other-code.md lists the differences.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from . import webhook
from ._headers import Headers
from ._parse import parse_json
from ._tracebacks import our_frames_hidden
from .errors import PayloadError, WebhookVerificationError

__all__ = ["InvalidBodyError", "Webhook", "WebhookVerificationError"]


class InvalidBodyError(PayloadError, WebhookVerificationError, json.JSONDecodeError):
    """The message is genuine, but its body is not JSON.

    It is a `json.JSONDecodeError` as well, because code written for svix catches that. `doc` is empty, so that no log
    gets the body.

    Example:
        ```python
        try:
            event = webhook.verify(request.body, request.headers)
        except json.JSONDecodeError:
            return Response(status=400)
        ```
    """

    def __init__(self, message: str) -> None:
        """Keep the message, and leave out the document that `json.JSONDecodeError` keeps."""
        json.JSONDecodeError.__init__(self, message, "", 0)
        self.args: tuple[Any, ...] = (message,)

    def __reduce__(self) -> tuple[type[InvalidBodyError], tuple[str]]:
        """Pickle by the message alone."""
        return type(self), (self.msg,)


class Webhook:
    """Verifies webhooks with the methods and the parameter names of `svix.webhooks.Webhook`.

    Example:
        ```python
        event = Webhook("whsec_...").verify(request.body, request.headers)
        if event["type"] == "user.created":
            print(event["data"]["id"])
        ```
    """

    # There are no __slots__, because tests of applications patch `verify` on the object.

    def __init__(self, whsecret: str | bytes) -> None:
        """Decode the signing secret.

        Args:
            whsecret: The signing secret, with or without `whsec_`, or the raw key as `bytes`.

        Raises:
            SecretError: The secret can't be a signing secret.
            TypeError: The secret is neither `str` nor `bytes`.
        """
        with our_frames_hidden:
            # No base64 has a "_", and each prefix of a secret or a key ends with one.
            if isinstance(whsecret, str) and "_" not in whsecret:
                whsecret = f"whsec_{whsecret.strip()}"
            self._webhook = webhook.Webhook(whsecret)

    def verify(self, data: bytes | str, headers: Headers) -> Any:
        """Verify a request and return its body as parsed JSON.

        Args:
            data: The raw body, exactly as received.
            headers: All headers of the request, as the framework holds them, or the three `svix-*` headers.

        Returns:
            The body as a JSON value, which is a `dict` if Clerk sent the message.

        Raises:
            WebhookVerificationError: The request is not a genuine message, or not one of the last 5 minutes.
            InvalidBodyError: The message is genuine, but its body is not JSON.
            TypeError: An argument has the wrong type.

        Example:
            ```python
            event = webhook.verify(await request.body(), request.headers)
            ```
        """
        message = self._webhook.verify(headers, data)
        try:
            return parse_json(data, message_id=message.id)
        except PayloadError as error:
            problem = str(error)
        # The error is raised out here, so that it has no context.
        raise InvalidBodyError(problem)

    def sign(self, msg_id: str, timestamp: datetime, data: bytes | str) -> str:
        """Sign a message as Svix does.

        Args:
            msg_id: The message id, for the `svix-id` header.
            timestamp: The time of signing. A naive `datetime` is UTC, as in svix.
            data: The body.

        Returns:
            The value for the `svix-signature` header, `"v1,<base64>"`.

        Raises:
            InvalidHeaderError: `verify` refuses such an id or timestamp.

        Example:
            ```python
            signature = webhook.sign("msg_1", datetime.now(UTC), '{"type": "user.created"}')
            ```
        """
        # Anything else than a datetime is refused below, with the cure.
        if isinstance(timestamp, datetime) and timestamp.tzinfo is None:  # pyright: ignore[reportUnnecessaryIsInstance]
            timestamp = timestamp.replace(tzinfo=UTC)
        return self._webhook.sign(msg_id, timestamp, data)
