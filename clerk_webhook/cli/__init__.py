"""The `clerk-webhook` command."""

from __future__ import annotations

import argparse
from importlib.metadata import version
from typing import TYPE_CHECKING

from . import demo

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
        status = main(["demo"])
        ```
    """
    parser = argparse.ArgumentParser(prog="clerk-webhook", description="Tools for receiving Clerk webhooks.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {version('clerk-webhook')}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    summary = "start a receiver on this machine, send it genuine and bad deliveries, show what became of each"
    demo_parser = commands.add_parser("demo", help=summary, description=summary)
    demo_parser.add_argument("--json", action="store_true", help="print one JSON object per delivery")
    options = parser.parse_args(arguments)
    return demo.run(as_json=options.json)
