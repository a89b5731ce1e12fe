"""The Svix `v1` signature scheme: keys, signatures and their comparison. No I/O, no clock, no headers.

"The content to sign is composed by concatenating the id, timestamp and payload, separated by the full-stop
character (.)". The signature is the HMAC-SHA256 of this content, in base64. The key is the base64 part of the secret.
Source: https://docs.svix.com/receiving/verifying-payloads/how-manual
"""

from __future__ import annotations

import hmac
import re
from binascii import a2b_base64, b2a_base64
from collections.abc import Iterable, Iterator
from hmac import compare_digest

from .errors import SecretError


class SigningKey:
    """A key that signs messages."""

    __slots__ = ("_copy",)

    def __init__(self, key: bytes) -> None:
        """Hash the key once, for all messages.

        Args:
            key: The raw key, of any length.
        """
        self._copy = hmac.new(key, digestmod="sha256").copy

    def sign(self, id_and_timestamp: bytes, body: bytes) -> bytes:
        """Return the signature as the header has it, `b"v1,<base64>"`.

        Args:
            id_and_timestamp: `b"<id>.<timestamp>."`.
            body: The raw body.
        """
        mac = self._copy()
        mac.update(id_and_timestamp + body)
        return b"v1," + b2a_base64(mac.digest(), newline=False)


def matches(keys: tuple[SigningKey, ...], id_and_timestamp: bytes, body: bytes, entries: list[bytes]) -> int:
    """Return which of the keys made one of the entries, as bits: 1 for the first key, 2 for the second. 0 if none did.

    Each entry is compared as it stands, so no decoding can fail. The time does not tell which key or entry matched,
    because every entry is compared with every key.

    Args:
        keys: The accepted keys.
        id_and_timestamp: `b"<id>.<timestamp>."`.
        body: The raw body.
        entries: The entries of the header, such as `[b"v1,g0hM9SsE+OTP..."]`.
    """
    found, bit = 0, 1
    for key in keys:
        signature = key.sign(id_and_timestamp, body)
        for entry in entries:
            # "It's recommended to use a constant-time string comparison method in order to prevent timing
            # attacks." https://docs.svix.com/receiving/verifying-payloads/how-manual
            found |= bit * compare_digest(entry, signature)
        bit <<= 1
    return found


# "Random. Between 24 bytes (192 bits) and 64 bytes (512 bits)":
# https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
_MIN_KEY = 24
_MIN_BASE64 = _MIN_KEY * 4 // 3
# 24 random bytes have fewer different ones in less than one of 10 ** 13 keys.
_MIN_DIFFERENT = 12

_PREFIX = "whsec_"
_WHERE = (
    "Copy the endpoint's Signing Secret, which starts with 'whsec_', from the Clerk Dashboard "
    "(Webhooks, the endpoint, Signing Secret)."
)
_EMPTY = "The signing secret is empty."
_TOO_SHORT = f"The signing secret is shorter than {_MIN_KEY} bytes: it looks cut off, or like a placeholder."
_TOO_UNIFORM = f"The signing secret has fewer than {_MIN_DIFFERENT} different bytes: it is a placeholder."
_NOT_SIGNING_SECRETS = {
    "sk_": "Clerk's API secret key (sk_...)",
    "pk_": "Clerk's publishable key (pk_...)",
    "whpk_": "a public key for asymmetric signatures (whpk_...)",
    "whsk_": "a private key for asymmetric signatures (whsk_...)",
}
_QUOTES = "\"'`\u201c\u201d\u2018\u2019"
_BASE64 = r"[A-Za-z0-9+/]+={0,2}"
_URL_SAFE_BASE64 = r"[A-Za-z0-9_-]+={0,2}"


def split_secrets(secrets: Iterable[str | bytes]) -> Iterator[str | bytes]:
    """Yield the secrets one by one, because one text may hold several, separated by white space.

    Args:
        secrets: The secrets as the caller gave them. Another type than text passes unchanged.
    """
    for secret in secrets:
        if isinstance(secret, str):
            yield from secret.split() or [""]
        else:
            yield secret


def key_from_secret(secret: str | bytes) -> bytes:
    """Return the raw key of one signing secret.

    Args:
        secret: `whsec_` and the key in base64, or the raw key as `bytes`.

    Raises:
        SecretError: The secret is empty, or it cannot be a signing secret. The message describes the mistake and
            never repeats the secret.
        TypeError: The secret is neither `str` nor `bytes`.
    """
    key = _key_or_problem(secret)
    if isinstance(key, bytes) and len(key) < _MIN_KEY:
        key = _TOO_SHORT if key else _EMPTY
    elif isinstance(key, bytes) and len(set(key)) < _MIN_DIFFERENT:
        key = _TOO_UNIFORM
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
        return secret
    if not isinstance(secret, str):
        raise TypeError(f"The signing secret must be str or bytes, not {type(secret).__name__}.")
    text = secret.strip()
    if not text:
        return _EMPTY
    for prefix, name in _NOT_SIGNING_SECRETS.items():
        if text.startswith(prefix):
            return f"This is {name}, not a webhook signing secret."
    before, prefix, encoded = text.partition(_PREFIX)
    if not prefix:
        return (
            "The signing secret does not start with 'whsec_': it is a placeholder, the secret of another service, or a "
            "part of a secret that white space cuts in two."
        )
    if before == "v1,":
        return "Remove 'v1,' before 'whsec_' in the signing secret."
    if (before[-1:] in _QUOTES and before) or (encoded[-1:] in _QUOTES and encoded):
        return "Remove the quotes around the signing secret."
    if before:
        return f"Remove the {len(before)} characters before 'whsec_' in the signing secret: some may be invisible."
    if _PREFIX in encoded:
        return "Separate several signing secrets by white space alone."
    unpadded = encoded.rstrip("=")
    if len(unpadded) < _MIN_BASE64:
        return _TOO_SHORT if encoded else _EMPTY
    if not re.fullmatch(_BASE64, encoded):
        if re.fullmatch(_URL_SAFE_BASE64, encoded):
            return "The signing secret is written in url-safe base64, with '-' or '_'."
        return "The signing secret has characters that are not base64."
    if len(unpadded) % 4 == 1:  # four characters are three bytes, so no key leaves one character over
        return "The signing secret is cut off: no base64 has this length."
    return a2b_base64(unpadded + "==")  # more padding than the key needs is ignored
