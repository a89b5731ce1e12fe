"""A payload on a screen, where others may see it."""

from __future__ import annotations

import json
import re
from typing import Any

from ..events import WebhookEvent

# An indented rendering can be 200 times as large as the body.
_MAX_SHOWN = 10_000
# Whoever has one of these texts can use it. The subject and the text of an e-mail or an SMS can hold a one-time code.
_MESSAGE_KEYS = {"subject", "body", "body_plain", "message", "data"}
_BEARER_KEY = re.compile(
    r"(?:^|_)(?:tokens?|secrets?|tickets?|jwt|nonce|otp|pin|codes?|passwords?|api_keys?)$", re.IGNORECASE
).search
# The parameters of a link, a JSON Web Token, and Clerk's keys, in whatever key they stand.
_BEARER_TEXT = re.compile(r'(?<=[?#&])([\w.-]+=)[^\s"\\&]+|\beyJ[\w-]+\.[\w.-]*|\b(?:whsec|sk|ak|dvb)_[\w+/=-]{8,}')
# Any, because isinstance with these classes narrows to containers of unknown types.
_DICT: Any = dict
_LIST: Any = list


def shown_payload(event: WebhookEvent) -> str:
    """Return the start of a payload, indented, without the texts that open something to whoever reads them."""
    payload = _masked(event.payload)
    if event.wire_type.startswith(("email.", "sms.")):
        data = payload.get("data")
        keys = _MESSAGE_KEYS & data.keys() if isinstance(data, _DICT) else ()
        payload["data"] = data | dict.fromkeys(keys, "(masked)") if keys else "(masked)"
    text = ""
    for part in json.JSONEncoder(indent=2).iterencode(payload):
        text += part
        if len(text) > _MAX_SHOWN:
            text = f"{text[:_MAX_SHOWN]}... (cut off)"
            break
    return _BEARER_TEXT.sub(lambda found: f"{found[1] or ''}(masked)", text)


def _masked(value: Any, key: str = "") -> Any:
    """Return a JSON value with a mask in place of each text or number whose key says that it opens something."""
    if isinstance(value, _DICT):
        return {inner: _masked(value[inner], inner) for inner in value}
    if isinstance(value, _LIST):
        return [_masked(inner, key) for inner in value]
    return "(masked)" if _BEARER_KEY(key) and isinstance(value, str | int) and not isinstance(value, bool) else value
