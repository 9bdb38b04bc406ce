"""How deep JSON may be."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.model.bounds import MAX_NESTING, nested_deeper


def nested(levels: int, kind: type = list) -> Any:
    """So many lists, or objects, in each other."""
    value: Any = 1
    for _ in range(levels):
        value = [value] if kind is list else {"a": value, "b": 2}
    return value


@pytest.mark.parametrize("kind", [list, dict])
def test_levels_are_counted_exactly(kind: type) -> None:
    """The bound itself is allowed, one more is not, and a hundred thousand more are no trouble."""
    assert not nested_deeper(1)
    assert not nested_deeper(nested(MAX_NESTING, kind))
    assert nested_deeper(nested(MAX_NESTING + 1, kind))
    deep = nested(20_000, kind)
    assert nested_deeper(deep)
    while isinstance(deep, list | dict):  # taken apart by hand: freeing it at once would recurse
        deep = deep[0] if isinstance(deep, list) else deep.pop("a")
