"""The Svix `v1` signature scheme: keys, signatures and their comparison. No I/O, no clock, no headers.

"The content to sign is composed by concatenating the id, timestamp and payload, separated by the full-stop
character (.)". The signature is the HMAC-SHA256 of this content, in base64. The key is the base64 part of the secret.
Source: https://docs.svix.com/receiving/verifying-payloads/how-manual
"""

from __future__ import annotations

import re
from binascii import a2b_base64, b2a_base64
from hashlib import sha256
from hmac import compare_digest

from .errors import SecretError

__all__ = ["SigningKey", "key_from_secret", "matches"]

# RFC 2104, section 2: ipad is "the byte 0x36 repeated B times", opad is 0x5C; B is 64 for SHA-256.
_BLOCK_SIZE = 64
_IPAD = bytes(byte ^ 0x36 for byte in range(256))
_OPAD = bytes(byte ^ 0x5C for byte in range(256))


class SigningKey:
    """An HMAC-SHA256 key whose two first hash blocks are already computed.

    `hmac.digest` hashes the padded key again for every message. This takes more than half of its time on a small body.
    Two copied SHA-256 states save this work. The key itself is not kept.
    """

    __slots__ = ("_copy_inner", "_copy_outer")

    def __init__(self, key: bytes) -> None:
        """Compute both hash states.

        Args:
            key: The raw key, of any length.
        """
        # RFC 2104, section 2: longer keys "will first hash the key", shorter ones are padded with zeros.
        block = (sha256(key).digest() if len(key) > _BLOCK_SIZE else key).ljust(_BLOCK_SIZE, b"\0")
        self._copy_inner = sha256(block.translate(_IPAD)).copy
        self._copy_outer = sha256(block.translate(_OPAD)).copy

    def sign(self, id_and_timestamp: bytes, body: bytes) -> bytes:
        """Return the signature as the header has it, `b"v1,<base64>"`.

        Args:
            id_and_timestamp: `b"<id>.<timestamp>."`.
            body: The raw body.
        """
        inner = self._copy_inner()
        inner.update(id_and_timestamp)
        inner.update(body)
        outer = self._copy_outer()
        outer.update(inner.digest())
        return b"v1," + b2a_base64(outer.digest(), newline=False)


def matches(keys: tuple[SigningKey, ...], id_and_timestamp: bytes, body: bytes, entries: list[bytes]) -> bool:
    """Tell whether one of the keys made one of the entries.

    Each entry is compared as it stands, so no decoding can fail. The time does not tell which key or entry matched,
    because every entry is compared with every key.

    Args:
        keys: The accepted keys.
        id_and_timestamp: `b"<id>.<timestamp>."`.
        body: The raw body.
        entries: The entries of the header, such as `[b"v1,g0hM9SsE+OTP..."]`.
    """
    found = False
    for key in keys:
        signature = key.sign(id_and_timestamp, body)
        for entry in entries:
            # "It's recommended to use a constant-time string comparison method in order to prevent timing
            # attacks." https://docs.svix.com/receiving/verifying-payloads/how-manual
            found |= compare_digest(entry, signature)
    return found


# "Random. Between 24 bytes (192 bits) and 64 bytes (512 bits)":
# https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
_MIN_KEY = 24
_MIN_BASE64 = _MIN_KEY * 4 // 3

_WHERE = (
    "Copy the endpoint's Signing Secret, which starts with 'whsec_', from the Clerk Dashboard "
    "(Webhooks, the endpoint, Signing Secret)."
)
_EMPTY = "The signing secret is empty."
_TOO_SHORT = f"The signing secret is shorter than {_MIN_KEY} bytes: it looks cut off, or like a placeholder."
_NOT_SIGNING_SECRETS = {
    "sk_": "Clerk's API secret key (sk_...)",
    "pk_": "Clerk's publishable key (pk_...)",
    "whpk_": "a public key for asymmetric signatures (whpk_...)",
    "whsk_": "a private key for asymmetric signatures (whsk_...)",
}
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_URL_SAFE_BASE64 = re.compile(r"[A-Za-z0-9_-]+={0,2}")


def key_from_secret(secret: str | bytes) -> bytes:
    """Return the raw key of a signing secret.

    Args:
        secret: `whsec_` (optional) and the key in base64, or the raw key as `bytes`.

    Raises:
        SecretError: The secret is empty, or it cannot be a signing secret. The message describes the mistake and
            never repeats the secret.
        TypeError: The secret is neither `str` nor `bytes`.
    """
    try:
        key = _key_or_problem(secret)
    finally:
        # Error reporters record the local variables of every frame, so no frame may keep the secret.
        del secret
    if isinstance(key, str):
        raise SecretError(f"{key} {_WHERE}")
    return key


def _key_or_problem(secret: object) -> bytes | str:
    """Return the key of a secret, or the problem with the secret as text."""
    if secret is None:  # Webhook(os.environ.get("...")) is a common way to get here
        return "The signing secret is None: its environment variable is not set."
    if isinstance(secret, bytes):
        if secret.startswith(b"whsec_"):
            return "Bytes are taken as the raw key: pass a secret that starts with 'whsec_' as str."
        if not secret:
            return _EMPTY
        return secret if len(secret) >= _MIN_KEY else _TOO_SHORT
    if not isinstance(secret, str):
        problem = f"The signing secret must be str or bytes, not {type(secret).__name__}."
        del secret
        raise TypeError(problem)
    text = secret.strip()
    for prefix, name in _NOT_SIGNING_SECRETS.items():
        if text.startswith(prefix):
            return f"This is {name}, not a webhook signing secret."
    encoded = text.removeprefix("whsec_")
    unpadded = encoded.rstrip("=")
    if not encoded:
        return _EMPTY
    if len(unpadded) < _MIN_BASE64:
        return _TOO_SHORT
    if any(character.isspace() for character in encoded):
        return "There is white space inside the signing secret: pass several secrets one by one."
    if not _BASE64.fullmatch(encoded):
        if _URL_SAFE_BASE64.fullmatch(encoded):
            return "The signing secret is written in url-safe base64, with '-' or '_'."
        return "The signing secret has characters that are not base64 (quotes, perhaps?)."
    if len(unpadded) % 4 == 1:  # four characters are three bytes, so no key leaves one character over
        return "The signing secret is cut off: no base64 has this length."
    return a2b_base64(unpadded + "==")  # more padding than the key needs is ignored
