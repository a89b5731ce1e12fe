import pytest
from deliveries import NOW, SECRET
from transports import TRANSPORTS

from clerk_webhook import Webhook

pytest.register_assert_rewrite("status_policy", "door_contract")


@pytest.fixture
def webhook():
    return Webhook(SECRET, clock=lambda: NOW)


@pytest.fixture(autouse=True)
def _no_secret_in_the_environment(monkeypatch):
    for name in ("CLERK_WEBHOOK_SIGNING_SECRET", "CLERK_WEBHOOK_SECRET", "WEBHOOK_SECRET"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(params=TRANSPORTS)
def send(request):
    """Send a request to an endpoint through each of its doors."""
    return request.param
