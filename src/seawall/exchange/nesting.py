"""How deep JSON of others nests, before anything reads it."""

from __future__ import annotations


def nested_deeper(body: bytes, most: int) -> bool:
    """True when JSON ``body`` nests deeper than ``most``. The count of brackets settles nearly every object at once."""
    if body.count(b"{") + body.count(b"[") <= most:
        return False
    depth, in_text, escaped = 0, False, False
    for byte in body:
        if in_text:
            if escaped:
                escaped = False
            elif byte == 0x5C:
                escaped = True
            elif byte == 0x22:
                in_text = False
        elif byte == 0x22:
            in_text = True
        elif byte in b"{[":
            depth += 1
            if depth > most:
                return True
        elif byte in b"}]":
            depth -= 1
    return False
