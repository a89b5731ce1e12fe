import pytest
from deliveries import NOW, SECRET

from clerk_webhook import Webhook


@pytest.fixture
def webhook():
    return Webhook(SECRET, clock=lambda: NOW)


@pytest.fixture(autouse=True)
def _no_secret_in_the_environment(monkeypatch):
    for name in ("CLERK_WEBHOOK_SIGNING_SECRET", "CLERK_WEBHOOK_SECRET", "WEBHOOK_SECRET"):
        monkeypatch.delenv(name, raising=False)
