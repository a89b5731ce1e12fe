import pytest
from deliveries import NOW, SECRET
from hypothesis import HealthCheck, settings
from transports import TRANSPORTS

from clerk_webhook import Webhook

# An example that waits for its turn on a busy machine is not a slow one.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")
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
