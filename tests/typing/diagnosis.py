"""Type checkers must infer this of `diagnose` and `svix_compat`. Never run: mypy, pyright, ty and pyrefly read it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, assert_never, assert_type

from clerk_webhook import PayloadError, WebhookVerificationError, svix_compat
from clerk_webhook.diagnosis import Diagnosis, diagnose


def by_verdict(diagnosis: Diagnosis) -> str:
    assert_type(diagnosis.verdict, Literal["genuine", "explained", "unknown"])
    assert_type(diagnosis.cause, str | None)
    match diagnosis.verdict:
        case "genuine" | "unknown":
            return diagnosis.message
        case "explained":
            return diagnosis.cause or ""
        case _:
            assert_never(diagnosis.verdict)


def by_unpacking(headers: dict[str, str], body: bytes) -> None:
    _verdict, cause, message = diagnose(
        headers, body, "whsec_", b"key", tolerance=timedelta(minutes=1), clock=lambda: 0
    )
    assert_type(cause, str | None)
    assert_type(message, str)


def as_svix(headers: dict[str, str], body: bytes) -> None:
    webhook = svix_compat.Webhook(whsecret="whsec_")
    assert_type(webhook.verify(data=body, headers=headers), Any)
    assert_type(webhook.sign(msg_id="msg_1", timestamp=datetime.now(UTC), data=body.decode()), str)


def errors_of_svix(error: svix_compat.InvalidBodyError) -> None:
    in_each_way: tuple[PayloadError, WebhookVerificationError, json.JSONDecodeError] = (error, error, error)
    own: type[WebhookVerificationError] = svix_compat.WebhookVerificationError
    print(in_each_way, own)
