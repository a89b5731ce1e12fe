"""docs/how-to/symptoms.md: the text of each link stands in the section that the link leads to."""

import re

import pytest
from deliveries import SECRET
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pages import PROJECT
from svix.webhooks import Webhook, WebhookVerificationError
from test_links import anchors

from clerk_webhook.testing import sample, sample_delivery

PAGE = PROJECT / "docs/how-to/symptoms.md"
TEXT = PAGE.read_text("utf-8")
ROWS = re.findall(r"^\| (?!symptom|---)(.+?) \| .+?: \[(.+?)\]\(([^)#]+)#?([^)]*)\) ?.*\|$", TEXT, re.MULTILINE)


def section(text, anchor):
    """Return the part of a page that belongs to a heading."""
    for heading in re.finditer(r"^(#+) .+$", text, re.MULTILINE):
        if anchors(heading[0]) == {anchor}:
            level = len(heading[1])
            end = re.search(rf"^#{{1,{level}}} ", text[heading.end() :], re.MULTILINE)
            return text[heading.start() : heading.end() + end.start() if end else None]
    raise AssertionError(anchor)


def test_every_row_has_a_symptom_a_cause_and_a_link():
    assert len(ROWS) == len(re.findall(r"^\| (?!symptom|---)", TEXT, re.MULTILINE)) > 20


@pytest.mark.parametrize(("cure", "page", "anchor"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_a_symptom_does_not_lead_to_a_dead_end(cure, page, anchor):
    text = (PAGE.parent / page).read_text("utf-8")
    found = section(text, anchor) if anchor else text
    assert cure.replace("`", "").lower() in found.replace("`", "").lower()


def test_the_symptoms_of_svix_are_those_of_svix():
    headers, body = sample_delivery("user.created", SECRET)
    for text, bad in [
        ("No matching signature found", headers | {"svix-signature": "v1,QUJD"}),
        ("Message timestamp too old", headers | {"svix-timestamp": "1"}),
        ("Missing required headers", {}),
    ]:
        assert text in TEXT
        with pytest.raises(WebhookVerificationError, match=text):
            Webhook(SECRET).verify(body, bad)


def test_a_route_without_an_annotation_answers_422():
    app = FastAPI()
    app.post("/")(lambda event: None)
    assert TestClient(app).post("/").status_code == 422


def test_a_deletion_has_no_addresses():
    with pytest.raises(KeyError, match="email_addresses"):
        sample("user.deleted")["email_addresses"]
