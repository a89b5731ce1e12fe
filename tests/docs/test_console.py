"""Every `console` block of README and docs is run, page by page, in one shell per page.

Lines that start with "$ " are commands, which go on after a backslash. The lines below are what they print, and "..."
stands for anything. A Python block below `<!-- file: NAME -->` is a file that the commands find.
`<!-- not executed: REASON -->` leaves a block out.
"""

import os
import re
import socket
import subprocess
import sys
from doctest import ELLIPSIS, OutputChecker
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs").rglob("*.md"))]
BLOCK = re.compile(
    r"(?:^<!-- (?P<marker>[^\n]+) -->\n)?^```(?P<kind>[\w-]+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
END = "-- end of the command --"


def blocks(page):
    for match in BLOCK.finditer(page.read_text("utf-8")):
        marker, kind, text = match.group("marker", "kind", "text")
        if not (marker or "").startswith("not executed: "):
            yield marker, kind, text


def has_commands(page):
    return any(kind == "console" for _, kind, _ in blocks(page))


def run(shell, command):
    """Run a command in a shell; return all that it prints."""
    shell.stdin.write(f"{command}\necho '{END}'\n")
    shell.stdin.flush()
    lines = iter(shell.stdout.readline, f"{END}\n")
    return "".join(lines)


@pytest.mark.parametrize("page", list(filter(has_commands, PAGES)), ids=lambda page: page.stem)
def test_the_commands_of_a_page_print_what_the_page_shows(page, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        free = server.getsockname()[1]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    shell = subprocess.Popen(
        ["bash"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=tmp_path,
        env=os.environ | {"PATH": path, "PYTHONPATH": str(PROJECT)},
        text=True,
        start_new_session=True,
    )
    try:
        for marker, kind, text in blocks(page):
            text = text.replace("8000", str(free))  # noqa: PLW2901  # whatever listens on this machine already
            if (marker or "").startswith("file: "):
                (tmp_path / marker.removeprefix("file: ")).write_text(text)
            if kind != "console":
                continue
            for command, wanted in re.findall(r"^\$ ((?:.*\\\n)*.+)\n((?:(?!\$ ).*\n)*)", text, re.MULTILINE):
                shown = run(shell, command)
                assert OutputChecker().check_output(wanted, shown, ELLIPSIS), f"$ {command}\n{shown}"
    finally:
        os.killpg(shell.pid, 9)
        shell.communicate()


def test_commands_stand_in_console_blocks_only():
    """A "$" in another block would look like a command, and would not be run."""
    for page in PAGES:
        for match in BLOCK.finditer(page.read_text("utf-8")):
            assert match["kind"] == "console" or not re.search(r"^\$ ", match["text"], re.MULTILINE), page
