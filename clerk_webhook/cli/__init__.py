"""The `clerk-webhook` command."""

from __future__ import annotations

import argparse
import os
import sys
from importlib.metadata import PackageNotFoundError, version
from io import TextIOWrapper
from typing import TYPE_CHECKING

from . import check, demo, events

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: What stands behind the command's name; those of the process by default.

    Returns:
        The exit status: 0 if all went well, 1 if not. Wrong arguments leave with 2, by `SystemExit`.

    Example:
        ```python
        status = main(["events", "user.created"])
        ```
    """
    parser = argparse.ArgumentParser(prog="clerk-webhook", description="Tools for receiving Clerk webhooks.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {_version()}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command, module in (("demo", demo), ("events", events), ("check", check)):
        command_parser = commands.add_parser(command, help=module.SUMMARY, description=module.SUMMARY)
        module.configure(command_parser)
        command_parser.set_defaults(run=module.run)
    options = parser.parse_args(arguments)
    stdout: object = sys.stdout
    if isinstance(stdout, TextIOWrapper):
        # Windows' code pages lack most of what a key or a name may hold.
        stdout.reconfigure(errors="backslashreplace")
    try:
        status: int = options.run(options)
        print(end="", flush=True)  # which does nothing where there is no standard output
    except BrokenPipeError:
        # Whoever read this has read enough, as `head` does. Python would complain when it flushes at exit:
        # https://docs.python.org/3/library/signal.html#note-on-sigpipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status


def _version() -> str:
    """Return the version that is installed; a checkout that isn't has none."""
    try:
        return version("clerk-webhook")
    except PackageNotFoundError:
        return "(not installed)"
