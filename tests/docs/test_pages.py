"""Every page of the documentation runs, and the tests that it shows pass."""

import inspect

import pytest
from deliveries import SECRET
from fastapi.testclient import TestClient
from pages import PROJECT, SYBIL

from clerk_webhook.testing import sample_delivery

PAGES = [
    str(path.relative_to(PROJECT))
    for path in [PROJECT / "README.md", *sorted((PROJECT / "docs").rglob("*.md"))]
    if "```python" in path.read_text("utf-8")
]


@pytest.mark.parametrize("page", PAGES)
def test_the_python_of_a_page_runs(run, page):
    for name, value in run(page).items():
        if name.startswith("test_") and not inspect.signature(value).parameters:
            value()


@pytest.mark.parametrize("marker", ["<!-- not executed: -->", "<!-- not executed:-->"])
def test_a_block_that_does_not_run_has_a_reason(tmp_path, marker):
    page = tmp_path / "page.md"
    page.write_text(f"{marker}\n```python\n1 / 0\n```\n")
    with pytest.raises(ValueError, match="needs a reason"):
        SYBIL.parse(page)


def test_a_block_with_a_reason_does_not_run(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("<!-- not executed: it fails -->\n```python\n1 / 0\n```\n\n```python\na = 1\n```\n")
    (example,) = SYBIL.parse(page).examples()
    assert "a = 1" in example.parsed


def test_the_handler_of_the_guide_runs_beside_the_mirror(run):
    names = run("docs/tutorial/clerk-guide.md")
    request = sample_delivery("user.created", SECRET, id="user_1")
    answer = TestClient(names["app"]).post("/api/webhooks", headers=request.headers, content=request.body)
    assert answer.status_code == 200
    with names["transaction"]() as database:
        tables = [
            database.execute(f"SELECT {column}").fetchall() for column in ("user_id FROM mails", "id FROM clerk_users")
        ]
    assert tables == [[("user_1",)], [("user_1",)]]
