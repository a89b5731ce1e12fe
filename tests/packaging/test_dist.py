"""The sdist and the wheel hold what git tracks, are built to the same bytes anywhere, and describe themselves.

This needs git and `build`, and an index that has hatchling.
"""

import hashlib
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]
NAME = f"clerk_webhook-{PYPROJECT['version']}"
INFO = f"{NAME}.dist-info"


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def build(source, folder):
    """Build an sdist of the source, and a wheel of this sdist."""
    output(sys.executable, "-m", "build", "--outdir", folder, source)
    return folder


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    return build(PROJECT, tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def wheel(dist):
    return dist / f"{NAME}-py3-none-any.whl"


@pytest.fixture(scope="module")
def metadata(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return Parser().parsestr(archive.read(f"{INFO}/METADATA").decode())


def tracked(*paths):
    return set(output("git", "-C", PROJECT, "ls-files", *paths).splitlines())


def test_the_sdist_holds_all_files_but_those_of_the_ci(dist):
    with tarfile.open(dist / f"{NAME}.tar.gz") as archive:
        names = {name.removeprefix(f"{NAME}/") for name in archive.getnames()}
    assert names == tracked(".", ":!.ci", ":!.github") | {"PKG-INFO"}


def test_the_wheel_holds_the_package_and_its_description(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    described = ["METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"]
    assert sorted(names) == sorted(tracked("clerk_webhook") | {f"{INFO}/{name}" for name in described})


def test_a_build_of_the_sdist_in_another_folder_gives_the_same_bytes(dist, tmp_path):
    with tarfile.open(dist / f"{NAME}.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    again = build(tmp_path / NAME, tmp_path / "again")

    def hashes(folder):
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("clerk_webhook-*")}

    assert hashes(dist) == hashes(again)


def test_the_metadata_is_complete(metadata):
    assert (metadata["Name"], metadata["Version"]) == ("clerk-webhook", PYPROJECT["version"])
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Summary"]
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert metadata.get_payload() == (PROJECT / "README.md").read_text("utf-8")
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["Project-URL"] is None  # the project has no address yet
    assert {f"Programming Language :: Python :: 3.{minor}" for minor in (11, 12, 13, 14)} <= {
        *metadata.get_all("Classifier")
    }


def test_nothing_but_the_extra_for_tests_has_dependencies(metadata):
    assert metadata.get_all("Provides-Extra") == ["test"]
    assert all(line.endswith("; extra == 'test'") for line in metadata.get_all("Requires-Dist"))


def test_the_version_stands_in_pyproject_only():
    """Tests of the command line and `docs/conf.py` read the version from there."""
    found = subprocess.run(
        ["git", "-C", PROJECT, "grep", "-lF", PYPROJECT["version"], "--", "clerk_webhook", "docs", "README.md"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.stdout == ""


def test_the_wheel_installs_alone_and_is_imported_without_a_warning(wheel, tmp_path):
    venv.create(tmp_path, with_pip=True)
    python = tmp_path / "bin" / "python"
    output(python, "-m", "pip", "install", "--no-index", wheel)
    modules = {
        name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for name in tracked("clerk_webhook/*.py")
        if not {"__main__", "fastapi", "flask", "django"} & {*Path(name).with_suffix("").parts}
    }
    output(python, "-W", "error", "-bb", "-c", f"import {', '.join(sorted(modules))}")
