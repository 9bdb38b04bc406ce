"""The bounds of one STIX object: the same where it comes in, where it is imported and where it leaves.

>>> nested_deeper([[[]]], 2)
True
"""

from __future__ import annotations

from typing import Any

MAX_OBJECT_BYTES = 1024 * 1024  # STIX objects run to a few KiB; a report with long text stays well below
MAX_NESTING = 32  # levels; the deepest object in public STIX collections has 8


def nested_deeper(value: object, most: int = MAX_NESTING) -> bool:
    """Whether decoded JSON has more than ``most`` levels of objects and lists; told of any depth, without recursion."""
    level: list[Any] = [value]
    for _ in range(most + 1):
        level = [item for item in level if isinstance(item, dict | list)]
        if not level:
            return False
        level = [part for item in level for part in (item.values() if isinstance(item, dict) else item)]
    return True
