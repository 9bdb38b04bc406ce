"""Saving the complete objects of a damaged document (a download that broke off, a file cut short)."""

from __future__ import annotations

import re
from collections.abc import Iterator

_STRUCTURE = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\]]', re.S)
MAX_DEPTH = 200  # deeper nesting is not STIX; such an object is passed over


def complete_objects(text: bytes) -> Iterator[bytes]:
    """The byte ranges of complete ``{...}`` that stand directly in the outermost list, in order.

    Works on structure only: strings are skipped whole, everything else is left to the JSON decoder.
    """
    depth = 0
    start = -1
    list_depth = 1 if text.startswith(b"[") else 2  # bare list, or the list inside a bundle
    for match in _STRUCTURE.finditer(text):
        mark = match[0]
        if mark in (b"{", b"["):
            if mark == b"{" and depth == list_depth:
                start = match.start()
            depth += 1
        elif mark in (b"}", b"]"):
            depth -= 1
            if depth == list_depth and start >= 0 and mark == b"}":
                yield text[start : match.end()]
                start = -1
            if depth < 0:
                return
