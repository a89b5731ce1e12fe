"""Run every type checker over `mistakes.py`: exactly its marked lines must be errors.

Marks that each checker ignores by its own comment would need four comments a line, so this compares line numbers.
A mark `# E: ...` is for all of them, `# E pyright pyrefly: ...` for those that can find it.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

MISTAKES = Path(__file__).with_name("mistakes.py")

CHECKERS = {
    "mypy": ["mypy", "--strict", "--output", "json", "--no-incremental"],
    "pyright": ["pyright", "--outputjson", "--pythonpath", sys.executable],
    "ty": ["ty", "check", "--output-format", "concise"],
    "pyrefly": ["pyrefly", "check", "--output-format", "json"],
}


def error_lines(checker: str, command: list[str]) -> set[int]:
    """Return the numbers of the lines in which a checker finds an error."""
    run = subprocess.run([sys.executable, "-m", *command, str(MISTAKES)], capture_output=True, text=True, check=False)
    if checker == "mypy":
        found = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
        return {error["line"] for error in found if error["severity"] == "error"}
    if checker == "pyright":
        found = json.loads(run.stdout)["generalDiagnostics"]
        return {error["range"]["start"]["line"] + 1 for error in found if error["severity"] == "error"}
    if checker == "pyrefly":
        return {error["line"] for error in json.loads(run.stdout)["errors"]}
    return {int(line) for line in re.findall(r"mistakes\.py:(\d+):\d+: error", run.stdout)}


def main() -> int:
    """Report, for each checker, marked lines that pass and other lines that don't."""
    lines = MISTAKES.read_text().splitlines()
    failed = False
    for checker, command in CHECKERS.items():
        marked = {number for number, line in enumerate(lines, 1) if re.search(rf"# E(:|.* {checker}\b.*:) ", line)}
        found = error_lines(checker, command)
        print(f"{checker}: {len(found & marked)} of {len(marked)} mistakes found")
        for line in sorted(found ^ marked):
            failed = True
            print(f"  line {line}: {'not found' if line in marked else 'an error that is not marked'}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
