"""A Python of its own, to see what an import brings."""

import os
import subprocess
import sys


def python(code, *options):
    """Run code in a new interpreter; return what it prints."""
    # Coverage would follow, and import modules of its own.
    env = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    run = subprocess.run([sys.executable, *options, "-c", code], check=True, capture_output=True, text=True, env=env)
    return run.stdout.strip()


def imported(module):
    """Return the names of all modules that an import brings."""
    return set(python(f"import sys, {module}; print(*sys.modules)").split())
