"""Everything that crossed between the two nodes, kept as files, and searched for what must not be in it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

MOST_FILES = 100_000  # bodies of one demo; a day makes some hundreds


class CrossedFile(msgspec.Struct, frozen=True):
    """One body: who sent it to whom, in answer to or as what, its size, and the file that keeps it."""

    sender: str
    recipient: str
    what: str
    bytes: int
    file: str


class Searched(msgspec.Struct, frozen=True):
    """How often one private value stands in all that crossed. ``label`` says what it is."""

    label: str
    value: str
    hits: int


class Crossed:
    """Collects bodies in ``folder``, one file each, in the order in which they crossed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: list[CrossedFile] = []
        folder.mkdir(parents=True, exist_ok=True)

    def keep(self, sender: str, recipient: str, what: str, body: bytes) -> None:
        """Keep one body; empty ones carry nothing and are not kept."""
        if not body or len(self.files) >= MOST_FILES:
            return
        name = f"{len(self.files) + 1:05d}-{sender.lower()}-to-{recipient.lower()}.json"
        (self.folder / name).write_bytes(body)
        self.files.append(CrossedFile(sender, recipient, what, len(body), name))

    @property
    def bytes(self) -> int:
        """Size of all bodies together."""
        return sum(file.bytes for file in self.files)

    def search(self, values: Iterable[tuple[str, str]]) -> list[Searched]:
        """Look for each (label, value) in every body, as plain bytes."""
        wanted = [(label, value, value.encode()) for label, value in values]
        hits = [0] * len(wanted)
        for file in self.files:
            body = (self.folder / file.file).read_bytes()
            for place, (_, _, needle) in enumerate(wanted):
                hits[place] += body.count(needle)
        return [Searched(label, value, count) for (label, value, _), count in zip(wanted, hits, strict=True)]
