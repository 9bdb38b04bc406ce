"""What a feed must provide: the files that one kind of enforcement tool loads.

A module in ``feeds/`` holds ``NAME``, ``TYPES``, ``FILES`` and its writer, in this order, and ends with ``FEED``.
A feed is a pure writer: directives in, bytes out. Whether a value may be blocked was decided before it (``gate``);
a feed only says what its format cannot carry.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO, Protocol

import msgspec

from seawall.model import ObservableType
from seawall.model.directive import Directive
from seawall.protect.actions import Rate
from seawall.protect.objections import Objection

Sink = Callable[[str], BinaryIO]
"""Opens the file of that name for writing: inside the export's folder, or the one stream of a one-file feed."""


class Heading(msgspec.Struct, frozen=True):
    """What every export says about itself. ``made_at`` is microseconds UTC; ``zone`` is the RPZ zone's name."""

    made_at: int
    zone: str = "rpz.seawall"
    rate: Rate = Rate()  # what a rate limit lets through
    sinkhole: tuple[str, ...] = ()  # addresses, or one name, to lead to; empty: a sinkhole is a block


class Writer(Protocol):
    """Writes one export: construct, ``add`` each directive once, ``finish`` once."""

    def add(self, directive: Directive) -> Objection | None:
        """Take one directive, or say why this format cannot carry it. Never raises because of a hostile value."""

    def finish(self) -> list[tuple[Directive, Objection]]:
        """Write what comes last; what only now turned out not to fit. After this every file is complete."""


class Feed(msgspec.Struct, frozen=True):
    """One kind of export, under the name that ``--to`` takes."""

    name: str
    types: frozenset[ObservableType]
    files: tuple[str, ...]
    folder: bool  # True: needs a folder; False: one file or standard output
    open: Callable[[Sink, Heading], Writer]
