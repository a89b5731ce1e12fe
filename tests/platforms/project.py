"""The projects of docs/how-to/platforms.md, and the deliveries that are sent to them."""

import json
import re
import time
import uuid
from pathlib import Path

from clerk_webhook import Webhook

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PAGE = Path(__file__).parents[2] / "docs/how-to/platforms.md"
TOO_LARGE = (1 << 20) + 1


def blocks(section, page=PAGE):
    """Return the Python blocks below a heading of a page. The heading of the page itself is "" here."""
    parts = re.split(r"^## (.+)$", page.read_text("utf-8"), flags=re.MULTILINE)
    texts = dict(zip(["", *parts[1::2]], parts[::2], strict=True))
    return re.findall(r"^```python\n(.*?)^```$", texts[section], re.MULTILINE | re.DOTALL)


def write(directory, file, section, port=None):
    """Write a project: receiver.py and the file of a section, which listens on another port."""
    (text,) = blocks(section)
    receiver = directory / ("chalicelib/receiver.py" if "chalicelib" in text else "receiver.py")
    receiver.parent.mkdir(exist_ok=True)
    receiver.write_text(blocks("")[0])
    if port is not None:
        text, count = re.subn(r"port=\d+", f"port={port}", text)
        assert count == 1
    path = directory / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


class Delivery:
    """A genuine delivery. No other delivery has its user."""

    def __init__(self, size=0):
        self.user_id, self.message_id, now = f"user_{uuid.uuid4().hex}", f"msg_{uuid.uuid4().hex}", int(time.time())
        event = {"data": {"id": self.user_id, "first_name": "Zoë"}, "object": "event", "type": "user.created"}
        self.body = json.dumps(event, ensure_ascii=False).encode().ljust(size)
        self.genuine = Webhook(SECRET).sign(self.message_id, now, self.body)
        self._headers = [
            ("content-type", "application/json"),
            ("svix-id", self.message_id),
            ("svix-timestamp", str(now)),
        ]

    def headers(self, *signatures):
        """Return the headers as pairs, with one line for each signature, or with the genuine one."""
        return self._headers + [("svix-signature", value) for value in signatures or [self.genuine]]
