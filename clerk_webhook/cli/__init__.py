"""The `clerk-webhook` command."""

from __future__ import annotations

import os
import signal
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from io import TextIOWrapper

from ._arguments import CommandError, OneLineParser, without_secrets

__all__ = ["COMMANDS", "main", "make_parser"]

# 128 and the number of SIGINT, as shells have it.
_INTERRUPTED = 130

COMMANDS = ("demo", "listen", "send", "replay", "verify", "sign", "secret", "events", "check")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: The arguments after the command's name; those of the process by default.

    Returns:
        The exit status: 0 for success, 1 for failure, 2 for wrong arguments, 130 after Ctrl-C. `SystemExit` has the
        status if the arguments cannot be parsed.

    Example:
        ```python
        status = main(["events", "user.created"])
        ```
    """
    given = sys.argv[1:] if arguments is None else arguments
    try:
        return _run(make_parser(*given[:1]).parse_args(given))
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C would be a traceback while Python ends
        return _INTERRUPTED


def _run(options: Namespace) -> int:
    """Run a command. An error becomes one line and an exit status."""
    stdout: object = sys.stdout
    if isinstance(stdout, TextIOWrapper):
        # Windows' code pages lack most of the characters that a key or a name may hold.
        stdout.reconfigure(errors="backslashreplace")
    try:
        status: int = options.run(options)
        print(end="", flush=True)  # does nothing if standard output is closed
    except CommandError as error:
        print(f"clerk-webhook {options.command}: {without_secrets(str(error))}", file=sys.stderr)
        return error.status
    except OSError as error:  # the disk is full, or the reader has read enough, as `head` does
        if not isinstance(error, BrokenPipeError):
            print(f"clerk-webhook {options.command}: can't write the output: {error.strerror}.", file=sys.stderr)
        # Python would complain when it flushes at exit:
        # https://docs.python.org/3/library/signal.html#note-on-sigpipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status


def make_parser(first: str = "") -> ArgumentParser:
    """Return the parser of all commands, or of one alone: to import all takes longer than most commands.

    Args:
        first: The first argument, which may be the name of a command.
    """
    parser = OneLineParser(prog="clerk-webhook", description="Tools for receiving Clerk webhooks, offline.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {_version()}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    for name in [first] if first in COMMANDS else COMMANDS:
        module = import_module(f"{__name__}.{name}")
        command = commands.add_parser(
            name,
            help=module.SUMMARY,
            description=f"{module.SUMMARY[0].upper()}{module.SUMMARY[1:]}.",
            epilog=f"example:\n  {module.EXAMPLE}",
            formatter_class=RawDescriptionHelpFormatter,
        )
        module.configure(command)
        command.set_defaults(run=module.run)
    return parser


def _version() -> str:
    """Return the installed version. A checkout that is not installed does not have a version."""
    try:
        return version("clerk-webhook")
    except PackageNotFoundError:
        return "(not installed)"
