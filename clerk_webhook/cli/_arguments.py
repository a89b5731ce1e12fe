"""The arguments that several commands share, and the error that ends a command."""

from __future__ import annotations

import math
import os
import re
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from functools import partial
from pathlib import Path
from secrets import token_bytes
from typing import NoReturn
from urllib.parse import urlsplit

from ..errors import SecretError, SignatureMismatchError, WebhookVerificationError
from ..webhook import SECRET_VARIABLES, Webhook
from ._captures import Capture, read_captures


class CommandError(Exception):
    """Ends a command with one line on standard error.

    Attributes:
        status: The exit status: 2 for wrong arguments, 1 for everything else.
    """

    def __init__(self, message: str, status: int = 2) -> None:
        """Keep the status beside the message.

        Args:
            message: The problem and its cure, in one line.
            status: The exit status.
        """
        super().__init__(message)
        self.status = status


class OneLineParser(ArgumentParser):
    """A parser whose errors are one line that names the help."""

    def error(self, message: str) -> NoReturn:
        """Print the error and exit with 2."""
        self.exit(2, f"{self.prog}: {without_secrets(' '.join(message.split()))} (see {self.prog} --help)\n")


def without_secrets(message: str) -> str:
    """Return a message without the signing secret that was given in the place of another argument.

    Args:
        message: Any text.
    """
    return re.sub(r"whsec_[\w+/=-]+", "whsec_...", message)


def add_secret(parser: ArgumentParser) -> None:
    """Declare `--secret`."""
    parser.add_argument(
        "--secret",
        metavar="WHSEC",
        help="the signing secret (default: $CLERK_WEBHOOK_SIGNING_SECRET, which other users cannot see)",
    )


def webhook_of(options: Namespace, tolerance: float = 300) -> Webhook:
    """Return the `Webhook` for `--secret`, or for the environment.

    Args:
        options: The parsed arguments.
        tolerance: As for `Webhook`, in seconds.

    Raises:
        CommandError: No secret is configured, or the secret cannot be a signing secret.
    """
    try:
        if options.secret is None:
            return Webhook.from_env(tolerance=tolerance)
        return Webhook(options.secret, tolerance=tolerance)
    except SecretError as error:
        raise CommandError(f"{error} Or pass --secret." if options.secret is None else str(error)) from None


def secret_in_environment() -> str:
    """Return the signing secret of the environment, or several, without a check. Empty if none is configured."""
    values = (os.environ.get(variable, "") for variable in SECRET_VARIABLES)
    return next((value for value in values if value.strip()), "")


def add_delivery(parser: ArgumentParser) -> None:
    """Declare the flags that name a delivery, as `clerk webhooks verify` has them."""
    parser.add_argument(
        "--delivery",
        metavar="@FILE",
        help="the first delivery of a file that `clerk-webhook listen --save` or `clerk webhooks listen --json` wrote; "
        "- for standard input",
    )
    parser.add_argument("--payload", metavar="@FILE", help="the raw body; - for standard input")
    for name, more in (("id", ""), ("timestamp", ", in seconds since the epoch"), ("signature", "")):
        parser.add_argument(f"--{name}", type=partial(_header, name), help=f"the svix-{name} header{more}")


def _header(name: str, value: str) -> str:
    """Return the value of a header that some message may have."""
    headers = {"svix-id": "msg_1", "svix-timestamp": "1", "svix-signature": "v1"}
    if value.strip():
        headers[f"svix-{name}"] = value
    try:
        Webhook(token_bytes(32), tolerance=math.inf).verify(headers, b"")
    except WebhookVerificationError as error:
        if not isinstance(error, SignatureMismatchError):  # the secret is a random one
            raise ArgumentTypeError(str(error)) from None
    return value


def delivery_of(options: Namespace) -> Capture:
    """Return the delivery that the flags name. Explicit flags win over `--delivery`.

    Raises:
        CommandError: The flags name no body, or the file holds no delivery.
    """
    if options.delivery == options.payload == "-":
        raise CommandError("--delivery and --payload cannot both be standard input: the first reads all of it.")
    headers: dict[str, str] = {}
    body: bytes | None = None
    if options.delivery is not None:
        capture = next(read_captures(file_content(options.delivery)), None)
        if capture is None:
            raise CommandError("--delivery holds no delivery: no line has `headers` and `body_b64`.")
        headers, body, _ = capture
    for name in ("id", "timestamp", "signature"):
        value = getattr(options, name)
        if value is not None:
            headers[f"svix-{name}"] = value
    if options.payload is not None:
        body = file_content(options.payload)
    if body is None:
        raise CommandError("no body is given: pass --delivery @FILE or --payload @FILE.")
    return Capture(headers, body)


def file_content(argument: str) -> bytes:
    """Return the content of `@FILE`, or of standard input for `-`.

    Raises:
        CommandError: The argument is neither, or the file cannot be read.
    """
    if argument == "-":
        if sys.stdin is None:  # pyright: ignore[reportUnnecessaryComparison]  # None if it was closed
            raise CommandError("standard input is closed.")
    elif not argument.startswith("@"):
        raise CommandError(f"write @{argument} for a file, or - for standard input: shells change inline text.")
    try:
        return sys.stdin.buffer.read() if argument == "-" else Path(argument[1:]).read_bytes()
    except OSError as error:
        raise CommandError(f"can't read {argument.removeprefix('@')}: {error.strerror}.") from None


def http_url(argument: str) -> str:
    """Return a URL that a request can be sent to."""
    try:
        url = urlsplit(argument)
        usable = url.scheme in {"http", "https"} and url.hostname and url.port != 0 and "@" not in url.netloc
    except ValueError:  # a port that is not a number
        usable = False
    if not usable or not argument.isascii() or any(map(str.isspace, argument)):
        # The message does not repeat the URL, because the URL may hold a password.
        raise ArgumentTypeError(
            "the URL must be one such as http://127.0.0.1:8000/api/webhooks, without a user name and a password."
        )
    return argument


def positive_int(argument: str) -> int:
    """Return a whole number of 1 or more."""
    if not (argument.isascii() and argument.isdigit() and len(argument) < 10 and int(argument) > 0):  # noqa: PLR2004
        raise ArgumentTypeError(f"{argument!r} is not a whole number from 1 to 999999999.")
    return int(argument)
