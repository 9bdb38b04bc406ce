"""What the room takes and gives: options, the store as it needs it, the report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

import msgspec

from seawall.codec.indicators import Loss
from seawall.codec.misp_warninglist import Warninglist
from seawall.codec.taxonomy import Taxonomy
from seawall.model import ObservableType, Pap, Tlp
from seawall.model.indicator import IndicatorEntry
from seawall.model.stored import PutCounts, StoredObject


class ObjectSink(Protocol):
    """Where whole objects go (``store.objects``)."""

    def put(self, given: Iterable[StoredObject], /) -> PutCounts:
        """Keep object versions; an id never seen is new, another version or content is updated."""

    def latest(self, ids: Iterable[str], /) -> dict[str, StoredObject]:
        """The latest version of each of these ids that is held."""


class IndicatorSink(Protocol):
    """Where match keys go (``store.indicators``)."""

    def put(self, rows: Iterable[IndicatorEntry], /, *, source: str, at: int) -> PutCounts:
        """Keep entries of one source; a value known from another source is updated."""

    def lookup(self, type: ObservableType, value: str, /) -> IndicatorEntry | None:
        """The entry of a canonical value, or None."""

    def withdraw(self, type: ObservableType, value: str, /, *, source: str, external_id: str | None = None) -> bool:
        """Take back what a source said about a value; with ``external_id`` only what it said under this name."""


class Sink(Protocol):
    """The store as this room sees it."""

    @property
    def objects(self) -> ObjectSink:
        """Whole objects."""

    @property
    def indicators(self) -> IndicatorSink:
        """Match keys."""


Progress = Callable[[int, int | None, int], None]
"""Called now and then with bytes done, bytes in all (None: unknown), objects so far."""

WarninglistSink = Callable[[Warninglist], None]
"""Takes a warninglist: reference data, which the caller keeps with its other lists."""

TaxonomySink = Callable[[Taxonomy], None]
"""Takes a taxonomy: reference data as well."""


AdvisorySink = Callable[[str, bytes], None]
"""Takes an advisory or VEX document, by its file's name, whole: for what STIX has no place for, such as ranges."""


class ImportOptions(msgspec.Struct, frozen=True):
    """How unmarked input is marked, whose it is, and when it came."""

    at: int  # microseconds UTC
    tlp: Tlp = Tlp.AMBER_STRICT
    reference_tlp: Tlp = Tlp.CLEAR  # unmarked published frameworks: everybody has them
    pap: Pap = Pap.GREEN  # unmarked: may be acted on, blocking included, as the importer's own lists are meant to be
    source: str | None = None  # None: the file's name
    origin: str | None = None  # None: our own import; else the peer's code name
    definitions: Mapping[str, Mapping[str, Any]] = {}  # marking-definitions that the objects name, by id


class ImportReport(msgspec.Struct, frozen=True):
    """What an import did. ``objects`` = new + updated + unchanged; what was rejected comes on top."""

    objects: int
    new: int
    updated: int
    unchanged: int
    rejected: int
    by_type: dict[str, int]  # values by observable type, whole objects by STIX type
    problems: list[str]  # sentences, at most MAX_PROBLEMS
    losses: list[Loss]
    files: int = 0
    warninglists: int = 0
    taxonomies: int = 0
    flagged: int = 0  # mentions in reports that were left out as probable mistakes; ``losses`` say why
