"""Write `reference/command-line.md` from the parser of the command: run it after a change to a command."""

from argparse import SUPPRESS, Action, ArgumentParser
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from clerk_webhook.cli import COMMANDS, make_parser

PAGE = Path(__file__).parent / "reference" / "command-line.md"

# The widest line of code on the pages.
COLUMNS = 80

# A bar that does not end the cell of a table.
BAR = r"\|"

INTRODUCTION = """\
# Command line

<!-- Made by docs/make_command_line.py from the code: change the commands there, and run it again. -->

`clerk-webhook`, or `python -m clerk_webhook`, sends nothing to an address that you did not name, and prints no secret
except the one that `clerk-webhook secret` makes.

Every command takes `--json`: one JSON object a line. The exit status is 0 for success, 1 for failure, 2 for wrong
arguments, and 130 after Ctrl-C. An error is one line on standard error.
"""


def page() -> str:
    """Return the page as it should be now."""
    used = Counter(
        row(action) for command in COMMANDS for action in actions(command)
    )
    shared = [each for each in used if used[each] > 1]
    lines = [
        INTRODUCTION,
        *(line for command in COMMANDS for line in section(command, shared)),
    ]
    return "\n".join(
        [*lines, "## Arguments of several commands\n", *table(shared)]
    )


def section(command: str, shared: list[str]) -> Iterator[str]:
    """Yield the section of a command, without what several commands share."""
    module = import_module(f"clerk_webhook.cli.{command}")
    yield f"## `clerk-webhook {command}`\n"
    yield f"{module.SUMMARY[0].upper()}{module.SUMMARY[1:]}.\n"
    example = (
        module.EXAMPLE
        if len(module.EXAMPLE) <= COLUMNS
        else module.EXAMPLE.replace(" --", " \\\n    --")
    )
    yield f"```sh\n{example}\n```\n"
    rows = [row(action) for action in actions(command)]
    if also := ", ".join(
        each.split(" | ")[0].removeprefix("| ")
        for each in rows
        if each in shared
    ):
        yield f"[Also](#arguments-of-several-commands): {also}.\n"
    if own := [each for each in rows if each not in shared]:
        yield from table(own)


def table(rows: list[str]) -> list[str]:
    """Return a table of arguments."""
    return ["| argument | meaning |", "|---|---|", *rows, ""]


def row(action: Action) -> str:
    """Return the row of an argument."""
    names = action.option_strings or [str(action.metavar)]
    value = (
        f" {action.metavar or action.dest.upper()}"
        if action.option_strings and action.nargs != 0
        else ""
    )
    cells = (", ".join(f"`{name}{value}`" for name in names), str(action.help))
    return f"| {' | '.join(cell.replace('|', BAR) for cell in cells)} |"


def actions(command: str) -> Iterator[Action]:
    """Yield the arguments of a command."""
    # argparse has no public way to list them.
    (commands,) = (each for each in make_parser()._actions if each.choices)  # noqa: SLF001
    choices: Any = commands.choices
    parser: ArgumentParser = choices[command]
    for action in parser._actions:  # noqa: SLF001
        if (
            action.dest not in {"help", "json"} and action.help != SUPPRESS
        ):  # the introduction has --json
            yield action


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
