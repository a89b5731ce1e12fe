"""tools/schema_drift.py reads Clerk's YAML, as CONTRIBUTING.md says. This takes PyYAML."""

import json
import subprocess
import sys

import pytest
import yaml
from pages import PROJECT


def run(path):
    """Run the tool on a file, and return the exit status and all that it prints."""
    command = [sys.executable, "tools/schema_drift.py", str(path)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_yaml_reads_as_json_does(tmp_path):
    schema = json.loads((PROJECT / "tests" / "data" / "webhook-schemas.json").read_text("utf-8"))
    del schema["webhooks"]["user.created"]
    as_json, as_yaml = tmp_path / "new.json", tmp_path / "new.yml"
    as_json.write_text(json.dumps(schema))
    as_yaml.write_text(yaml.safe_dump(schema))
    status, check_list = run(as_yaml)
    assert status == 1
    assert "user.created" in check_list
    assert run(as_json) == (status, check_list.replace("new.yml", "new.json"))


@pytest.mark.parametrize("text", ["a: [", "404: Not Found", "\0"])
def test_another_file_is_a_wrong_argument(text, tmp_path):
    path = tmp_path / "new.yml"
    path.write_text(text)
    status, message = run(path)
    assert status == 2
    assert f"error: {path}: " in message
