"""A genuine delivery, made without the package's own signing."""

import base64
import hashlib
import hmac

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
NOW = 1_761_912_345
ID = "msg_34cWqn0XbYtP5rVk8mLzQ2sDfGh"
BODY = b'{"data":{"id":"user_1","first_name":"Ada"},"object":"event","timestamp":1761912345700,"type":"user.created"}'


def signature(body=BODY, *, secret=SECRET, message_id=ID, timestamp=NOW):
    key = secret if isinstance(secret, bytes) else base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def signed(body=BODY, *, secret=SECRET, message_id=ID, timestamp=NOW, prefix="svix"):
    return {
        f"{prefix}-id": message_id,
        f"{prefix}-timestamp": str(timestamp),
        f"{prefix}-signature": signature(body, secret=secret, message_id=message_id, timestamp=timestamp),
    }
