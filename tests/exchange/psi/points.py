"""What is no point of ristretto255, or none that anybody may multiply."""

from __future__ import annotations

NOT_POINTS = {
    "the identity": bytes(32),
    "not canonical": (2**255 - 19).to_bytes(32, "little"),
    "not canonical, and even": (2**255 - 18).to_bytes(32, "little"),
    "negative": (1).to_bytes(32, "little"),
    "all ones": b"\xff" * 32,
    "a point with bit 255 set": bytes.fromhex("e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2df6"),
    "no square": (2).to_bytes(32, "little"),
}
