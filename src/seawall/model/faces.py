"""How the face of a room resolves its names on first use, so that a command loads the modules it needs and no others.

A face is an ``__init__.py``. It names what it gives in ``__all__``, imports it under ``TYPE_CHECKING`` for readers and
type checkers, and says here where each name stands. ``tests/house/test_faces.py`` compares the three.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module


def on_first_use(room: str, places: Mapping[str, tuple[str, ...]]) -> Callable[[str], object]:
    """The ``__getattr__`` of the face ``room``: module of the room -> the names that stand there.

    >>> find = on_first_use("seawall.model", {"clock": ("rfc3339",)})
    >>> find("rfc3339")(0)
    '1970-01-01T00:00:00.000000Z'
    """
    module_of = {name: module for module, names in places.items() for name in names}

    def find(name: str) -> object:
        if name not in module_of:
            raise AttributeError(f"module {room!r} has no attribute {name!r}")
        module, face = import_module(f"{room}.{module_of[name]}"), sys.modules[room]
        for one in places[module_of[name]]:  # all: one may be called like its module, which stands there by now
            setattr(face, one, getattr(module, one))
        return getattr(module, name)

    return find
