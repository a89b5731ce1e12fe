"""tools/webhook_types.mjs reads the types of the real @clerk/backend, and every form that a type can have.

`npm ci --prefix tests/interop/node` installs the packages.
"""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import typescript_drift

FOLDER = Path(__file__).with_name("node")
TOOL = Path(typescript_drift.__file__).with_name("webhook_types.mjs")


@pytest.fixture(scope="module")
def node():
    executable = shutil.which("node")
    if executable is None:
        pytest.skip("Node is not installed")
    if not (FOLDER / "node_modules").is_dir():
        pytest.skip("the npm packages are not installed: npm ci --prefix tests/interop/node")
    return lambda folder: subprocess.run([executable, TOOL, folder], capture_output=True, check=False, encoding="utf-8")


@pytest.fixture(scope="module")
def document(node):
    """The types of the real package."""
    return json.loads(node(FOLDER).stdout)


def test_no_type_is_narrower_than_in_the_real_package(document):
    assert document["source"] == "@clerk/backend 3.25.0"
    assert len(document["events"]) == 45
    assert {heading: lines for heading, lines in typescript_drift.check_list(document).items() if lines} == {}


@pytest.mark.parametrize("key", [("UserJSON", "timezone"), ("EmailJSON", "suppression_reason")])
def test_a_key_that_the_types_lack_is_found_in_the_real_package(document, key, monkeypatch):
    monkeypatch.delitem(typescript_drift.ANNOTATIONS, key)
    (line,) = typescript_drift.check_list(document)["Keys added"]
    assert line.startswith(f"`{'.'.join(key)}`: `string` or null, ")


def test_every_intended_difference_occurs_in_the_real_package(document, monkeypatch):
    monkeypatch.setattr(typescript_drift, "MEANT_PAIRS", {})
    monkeypatch.setattr(typescript_drift, "MEANT_NEWS", {})
    found = typescript_drift.check_list(document)
    assert found["Keys changed"] == ["`DeletedObjectJSON.id`: can be absent. The type has `str`."]
    owners = {line.partition(".")[0] for line in found["Keys added"]}
    assert owners == {"`DeletedObjectJSON"}


TYPES = """\
import type { Unseen } from "%s";
interface Base { id: string; seen: Unseen | null }
export interface Part extends Base { kind?: "a" | "b" | null; tags: string[] }
type Both = Pick<Part, "id"> & { parts: Array<Part>; any_key: Record<string, any> };
type Webhook<Type, Data> = { type: Type; data: Data };
export type WebhookEvent = Webhook<"one.made" | "one.lost", Both> | Webhook<"two.made", { inner: { deep: boolean } }>;
"""


def package(folder, origin):
    """Write a package of the name with types of our own, beside the real TypeScript."""
    backend = folder / "node_modules" / "@clerk" / "backend"
    backend.mkdir(parents=True)
    (folder / "node_modules" / "typescript").symlink_to(FOLDER / "node_modules" / "typescript")
    exports = {"./webhooks": {"types": "./webhooks.d.ts"}, "./package.json": "./package.json"}
    (backend / "package.json").write_text(json.dumps({"name": "@clerk/backend", "version": "9", "exports": exports}))
    (backend / "types.d.ts").write_text(TYPES % origin)
    (backend / "webhooks.d.ts").write_text('export type { WebhookEvent } from "./types";\n')
    (backend / "unseen.d.ts").write_text("export type Unseen = number;\n")
    return folder


def test_types_are_resolved_through_imports_aliases_and_intersections(node, tmp_path):
    def value(text, **facts):
        return {"text": text, "optional": False, "nullable": False, "values": [], "type": None} | facts

    document = json.loads(node(package(tmp_path, "./unseen")).stdout)
    assert document["source"] == "@clerk/backend 9"
    assert document["events"] == {"one.made": "Both", "one.lost": "Both", "two.made": "data"}
    assert document["types"]["Both"] == {
        "id": value("string"),
        "parts": value("Part[]", type="Part"),
        "any_key": value("Record<string, any>"),
    }
    assert document["types"]["Part"] == {
        "kind": value('"a" | "b"', optional=True, nullable=True, values=["a", "b"]),
        "tags": value("string[]"),
        "id": value("string"),
        "seen": value("number", nullable=True),
    }
    assert document["types"]["data"] == {"inner": value("{ deep: boolean; }", type="data.inner")}
    assert document["types"]["data.inner"] == {"deep": value("boolean")}


def test_an_import_that_cannot_be_resolved_is_an_error(node, tmp_path):
    done = node(package(tmp_path, "@clerk/absent"))
    assert done.returncode == 1
    assert "the type of Part.seen is unknown" in done.stderr
