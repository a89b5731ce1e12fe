"""The observers of docs/how-to/metrics.md, with the attempts of an endpoint."""

import io
import json
import logging

import flask
import pytest
from project import PAGE, SECRET, Delivery, blocks

from clerk_webhook import Endpoint, events
from clerk_webhook.flask import clerk_event

METRICS = PAGE.with_name("metrics.md")


def names_of(section):
    """Run the block of a section, and return its names."""
    (block,) = blocks(section, METRICS)
    names = {"__name__": "page"}
    exec(compile(block, METRICS, "exec"), names)
    return names


def accept(observer):
    """Let a route of one's own receive a genuine event."""
    delivery, app = Delivery(), flask.Flask("accept")
    app.post("/")(lambda: clerk_event(SECRET, observer=observer).wire_type)
    answer = app.test_client().post("/", headers=delivery.headers(), data=delivery.body)
    assert (answer.status_code, answer.text) == (200, "user.created")


def receive(observer=None):
    """Let an endpoint receive a genuine event, a forged one, and one whose handler raises."""
    endpoint, good, bad = Endpoint(SECRET, observer=observer), Delivery(), Delivery()

    @endpoint.on
    def save(event: events.UserCreated) -> None:
        user_id = event.data["id"]
        if user_id == bad.user_id:
            raise LookupError("no such tenant")

    assert endpoint.handle(good.headers(), good.body).status == 200
    assert endpoint.handle(good.headers(bad.genuine), good.body).status == 400
    assert endpoint.handle(bad.headers(), bad.body).status == 500
    return good, bad


def test_prometheus_counts_attempts_by_outcome():
    from prometheus_client import REGISTRY

    observe = names_of("Prometheus")["observe"]
    receive(observe)
    accept(observe)

    def attempts(**labels):
        return REGISTRY.get_sample_value("clerk_webhook_attempts_total", labels)

    assert attempts(outcome="handled", code="", type="user.created") == 1
    assert attempts(outcome="refused", code="signature_mismatch", type="") == 1
    assert attempts(outcome="accepted", code="", type="user.created") == 1
    assert attempts(outcome="failed", code="", type="user.created") == 1
    assert REGISTRY.get_sample_value("clerk_webhook_seconds_count", {"outcome": "handled"}) == 1


def test_opentelemetry_has_a_duration_and_a_span_for_each_attempt():
    from opentelemetry import metrics, trace
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    from opentelemetry.semconv._incubating.attributes import error_attributes, messaging_attributes
    from opentelemetry.semconv._incubating.metrics.messaging_metrics import MESSAGING_PROCESS_DURATION

    reader, exporter, provider = InMemoryMetricReader(), InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    metrics.set_meter_provider(MeterProvider([reader]))
    trace.set_tracer_provider(provider)

    observe = names_of("OpenTelemetry")["observe"]
    good, bad = receive(observe)
    accept(observe)

    metric = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics[0]
    assert (metric.name, metric.unit) == (MESSAGING_PROCESS_DURATION, "s")
    assert {point.attributes.get("error.type") for point in metric.data.data_points} == {
        None,
        "signature_mismatch",
        "failed",
    }
    *spans, of_a_route = exporter.get_finished_spans()
    assert "error.type" not in of_a_route.attributes
    ids = [span.attributes.get(messaging_attributes.MESSAGING_MESSAGE_ID) for span in spans]
    assert ids == [good.message_id, "", bad.message_id]
    assert [span.status.is_ok for span in spans] == [True, False, False]
    assert all(span.kind is trace.SpanKind.CONSUMER and span.start_time <= span.end_time for span in spans)
    known = str(vars(error_attributes) | vars(messaging_attributes))
    assert all(f"'{name}'" in known for span in spans for name in span.attributes)


def test_structlog_writes_the_fields_of_an_attempt_as_json(monkeypatch):
    output = io.StringIO()
    monkeypatch.setattr("sys.stderr", output)
    names = names_of("structlog")
    try:
        good, _ = receive()
    finally:
        names["logger"].removeHandler(names["handler"])
        names["logger"].setLevel(logging.NOTSET)
    handled, refused, failed = map(json.loads, output.getvalue().splitlines())
    assert (handled["level"], handled["outcome"], handled["message_id"]) == ("info", "handled", good.message_id)
    assert (refused["level"], refused["code"]) == ("warning", "signature_mismatch")
    assert (failed["level"], failed["event_type"]) == ("error", "user.created")


@pytest.fixture
def issues():
    import sentry_sdk
    from sentry_sdk.transport import Transport

    class Kept(Transport):
        def capture_envelope(self, envelope):
            kept.append(envelope.get_event())

    kept = []
    sentry_sdk.init(
        "https://key@sentry.invalid/1", transport=Kept, include_local_variables=False, auto_enabling_integrations=False
    )
    yield kept
    sentry_sdk.get_client().close()


def test_sentry_has_one_issue_for_a_handler_that_raised_and_no_personal_data(issues):
    import sentry_sdk

    _, bad = receive(names_of("Sentry")["observe"])
    sentry_sdk.flush()
    (issue,) = issues
    assert issue["exception"]["values"][0]["type"] == "LookupError"
    assert issue["tags"] == {"clerk.event_type": "user.created", "clerk.message_id": bad.message_id}
    assert bad.user_id not in str(issue)
