"""The headers of a webhook: the message's id, and a signature over moment and body.

``X-Seawall-Signature: t=<seconds>,v1=<hex>`` with v1 = HMAC-SHA256(secret, "<seconds>." + body) (RFC 2104). The moment
is signed so that a recorded request cannot be played back later; receivers refuse one older than a few minutes.
"""

from __future__ import annotations

import hashlib
import hmac

from seawall.model import Recorded, Release
from seawall.warn.channels.message import message_of

LEAST_SECRET = 16  # bytes


def signature(secret: bytes, seconds: int, body: bytes) -> str:
    """The value of the signature header. Raises ValueError for a secret shorter than ``LEAST_SECRET``."""
    if len(secret) < LEAST_SECRET:
        raise ValueError("the secret is too short")
    digest = hmac.new(secret, str(seconds).encode() + b"." + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={digest}"


def webhook_headers(released: Recorded[Release], secret: bytes, seconds: int) -> dict[str, str]:
    """The headers that go with the released body."""
    message = message_of(released)
    return {
        "Content-Type": "application/json",
        "User-Agent": "seawall",
        "X-Seawall-Id": message.id,
        "Idempotency-Key": message.id,
        "X-Seawall-Signature": signature(secret, seconds, released.value.objects[0].body),
    }
