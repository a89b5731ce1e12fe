"""Write `reference/command-line.md` from the parser of the command: run it after a change to a command."""

from argparse import SUPPRESS, Action, ArgumentParser
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from clerk_webhook.cli import COMMANDS, make_parser

PAGE = Path(__file__).parent / "reference" / "command-line.md"

# A bar that does not end the cell of a table.
BAR = r"\|"

INTRODUCTION = """\
# Command line

<!-- Made by docs/make_command_line.py from the code: change the commands there, and run it again. -->

`clerk-webhook` comes with the library, and `python -m clerk_webhook` is the same command. It sends nothing to an
address that you did not name, and it prints no secret except the one that `clerk-webhook secret` makes.

Every command ends with 0 for success, 1 for failure, 2 for wrong arguments, and 130 after Ctrl-C. An error is one line
on standard error.
"""


def page() -> str:
    """Return the page as it should be now."""
    return "\n".join([INTRODUCTION, *(line for command in COMMANDS for line in section(command))])


def section(command: str) -> Iterator[str]:
    """Yield the section of a command."""
    module = import_module(f"clerk_webhook.cli.{command}")
    yield f"## `clerk-webhook {command}`\n"
    yield f"{module.SUMMARY[0].upper()}{module.SUMMARY[1:]}.\n"
    yield f"```sh\n{module.EXAMPLE}\n```\n"
    yield "| argument | meaning |"
    yield "|---|---|"
    for action in actions(command):
        names = action.option_strings or [str(action.metavar)]
        value = f" {action.metavar or action.dest.upper()}" if action.option_strings and action.nargs != 0 else ""
        cells = (", ".join(f"`{name}{value}`" for name in names), str(action.help))
        yield f"| {' | '.join(cell.replace('|', BAR) for cell in cells)} |"
    yield ""


def actions(command: str) -> Iterator[Action]:
    """Yield the arguments of a command."""
    # argparse has no public way to list them.
    (commands,) = (each for each in make_parser()._actions if each.choices)  # noqa: SLF001
    choices: Any = commands.choices
    parser: ArgumentParser = choices[command]
    yield from (each for each in parser._actions if each.dest != "help" and each.help != SUPPRESS)  # noqa: SLF001


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
