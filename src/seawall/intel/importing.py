"""``import_paths``: others' knowledge taken in.

1. find the files; 2. tell each one's format; 3. read it, object by object or row by row; 4. hand batches to the store;
5. count. A damaged file keeps its complete part; one bad object never costs the good ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from operator import attrgetter
from pathlib import Path

import msgspec

from seawall.codec.atlas import read_atlas
from seawall.codec.converted import Converted
from seawall.codec.csaf import read_csaf
from seawall.codec.csv_indicators import read_csv
from seawall.codec.frameworks import FRAMEWORK, framework_of, in_its_namespace
from seawall.codec.galaxy import read_galaxy
from seawall.codec.ids_rules import read_rules
from seawall.codec.indicators import IndicatorRow, Rejected
from seawall.codec.ioc_flags import Screen
from seawall.codec.ioc_text import Mention, read_text
from seawall.codec.losses import LossCounter
from seawall.codec.misp_warninglist import parse_warninglist
from seawall.codec.sigma import read_sigma
from seawall.codec.stix import parse_bundle
from seawall.codec.taxonomy import read_taxonomy
from seawall.codec.value_indicator import ValueIndicators
from seawall.codec.vex import read_cyclonedx, read_openvex
from seawall.codec.yara import read_yara
from seawall.intel.files import Found, Opened, find_files
from seawall.intel.formats import Format, format_of
from seawall.intel.interface import (
    AdvisorySink,
    ImportOptions,
    ImportReport,
    Progress,
    Sink,
    TaxonomySink,
    WarninglistSink,
)
from seawall.intel.misp_import import is_feed_index, is_misp_csv, put_misp, put_misp_table
from seawall.intel.stix_import import put_bundle
from seawall.intel.tally import Tally
from seawall.model import Fault, Pap
from seawall.model.indicator import IndicatorEntry
from seawall.model.stored import PutCounts

BATCH = 20_000  # rows handed to the store at once: its own batch size
_KIND = attrgetter("type")
CONVERTERS: dict[Format, Callable[[bytes, str], Converted]] = {
    Format.SIGMA: lambda data, _: read_sigma(data),
    Format.YARA: read_yara,
    Format.RULES: read_rules,
    Format.CSAF: lambda data, _: read_csaf(data),
    Format.OPENVEX: lambda data, _: read_openvex(data),
    Format.CYCLONEDX: lambda data, _: read_cyclonedx(data),
    Format.ATLAS: lambda data, _: read_atlas(data),
    Format.GALAXY: lambda data, _: read_galaxy(data),
}
"""Forms that become STIX objects as a whole: what is read and the source's name -> objects, rejects, losses."""
ADVISORIES = frozenset({Format.CSAF, Format.OPENVEX, Format.CYCLONEDX})


def import_paths(
    paths: Sequence[Path],
    sink: Sink,
    options: ImportOptions,
    *,
    progress: Progress | None = None,
    warninglist_sink: WarninglistSink | None = None,
    taxonomy_sink: TaxonomySink | None = None,
    screen: Screen | None = None,
    advisory_sink: AdvisorySink | None = None,
) -> ImportReport:
    """Import files and folders into the store.

    Raises Fault E-INTEL-001 for a missing path, E-INTEL-002 for a folder without files, E-INTEL-003 when nothing at
    all could be used; the reason of each file is then part of the sentence.
    """
    files = find_files(paths)
    tally = Tally()
    total = sum(file.path.stat().st_size for file in files)
    run = _Run(sink, options, tally, progress, warninglist_sink, taxonomy_sink, screen, advisory_sink, total=total)
    for file in files:
        try:
            run.file(file)
        except Fault as fault:
            if len(files) == 1 and not tally.objects:
                if "path" not in fault.values:
                    fault.about(file.path)
                raise
            tally.problem(str(file.path), str(fault))
        except OSError as error:
            tally.problem(str(file.path), f"it cannot be read: {error.strerror or error}")
    report = tally.report()
    if not report.objects and not report.warninglists and not report.taxonomies:
        raise Fault("E-INTEL-003", "Nothing in {paths} could be imported: {reason}.",
                    paths=", ".join(str(path) for path in paths[:3]),
                    reason="; ".join(report.problems[:3]) or "no indicator or object was found")  # fmt: skip
    return report


class _Run:
    """One import over several files."""

    def __init__(
        self,
        sink: Sink,
        options: ImportOptions,
        tally: Tally,
        progress: Progress | None,
        warninglist_sink: WarninglistSink | None,
        taxonomy_sink: TaxonomySink | None,
        screen: Screen | None,
        advisory_sink: AdvisorySink | None,
        total: int,
    ) -> None:
        self.sink, self.options, self.tally = sink, options, tally
        self.warninglist_sink, self.taxonomy_sink, self.screen = warninglist_sink, taxonomy_sink, screen
        self.advisory_sink = advisory_sink
        self._progress, self._total, self._before = progress, total, 0
        self._makers = {pap: ValueIndicators(tlp=options.tlp, pap=pap, origin=options.origin) for pap in Pap}

    def file(self, file: Found) -> None:
        path, source = file.path, self.options.source or file.source
        with Opened(path) as opened:
            before = self.tally.objects
            kind = format_of(opened.head, path)
            if is_feed_index(path, opened.head):
                pass  # what a MISP feed says of itself; its events are files of their own
            elif kind is Format.CSV and is_misp_csv(opened.head):
                put_misp_table(opened.lines(), str(path), source, self.sink, self.options, self.tally)
            elif kind in (Format.CSV, Format.TEXT):
                self._lines(opened, kind, source)
            elif kind is Format.STIX:
                self._stix(opened.everything(), str(path), source)
            elif kind in CONVERTERS:
                data = opened.everything()
                self._converted(CONVERTERS[kind](data, source), str(path), source)
                if kind in ADVISORIES and self.advisory_sink is not None:
                    self.advisory_sink(path.name, data)
            elif kind is Format.MISP:
                put_misp(opened.everything(), str(path), source, self.sink, self.options, self.tally)
            elif kind is Format.WARNINGLIST:
                self._warninglist(opened.everything())
            elif kind is Format.TAXONOMY:
                self._taxonomy(opened.everything())
            else:
                self._unusable(kind, opened)
            self.tally.files += 1
            if opened.damage is not None:
                self.tally.problem(str(path), opened.damage)
            if kind in (Format.CSV, Format.TEXT) and self.tally.objects == before and not is_feed_index(path, b""):
                self.tally.problem(str(path), "no indicator was found in it")
        self._before += path.stat().st_size
        self.progress(0)

    def progress(self, done: int) -> None:
        if self._progress is not None:
            self._progress(self._before + done, self._total, self.tally.objects)

    def _unusable(self, kind: Format, opened: Opened) -> None:
        if opened.damage is not None and not opened.head:
            raise Fault("E-INTEL-005", "{path} is compressed but cannot be unpacked.", path=opened.path)
        reasons = {
            Format.BINARY: Fault("E-INTEL-006", "{path} is a binary file, not indicators.", path=opened.path),
            Format.EMPTY: Fault("E-INTEL-007", "{path} is empty.", path=opened.path),
            Format.YAML: Fault("E-INTEL-008", "{path} is YAML, but neither a Sigma rule nor ATLAS.", path=opened.path),
        }  # fmt: skip
        raise reasons[kind]

    def _lines(self, opened: Opened, kind: Format, source: str) -> None:
        """CSV and text: rows stream through in batches."""
        losses = LossCounter()
        rows = read_csv(opened.lines(), losses) if kind is Format.CSV else self._text(opened, losses)
        good = self._good(rows, str(opened.path))
        maker = self._maker(None)
        while batch := list(islice(good, BATCH)):
            self._put(batch, [maker.entry(row, (row.source or source,)) for row in batch], source)
            self.progress(opened.done)
        self.tally.losses.append(losses.report())

    def _text(self, opened: Opened, losses: LossCounter) -> Iterator[IndicatorRow | Rejected]:
        """A list, or a report whose probable mistakes are left out and counted."""

        def left_out(mention: Mention) -> None:
            self.tally.flagged += 1
            losses.add(f"flagged:{str(mention.flagged).partition(':')[0]}", f"line {mention.line}: {mention.value}")

        return read_text(opened.lines(), screen=self.screen, on_flagged=left_out)

    def _good(self, rows: Iterable[IndicatorRow | Rejected], name: str) -> Iterator[IndicatorRow]:
        for row in rows:
            if type(row) is IndicatorRow:
                yield row
            elif isinstance(row, Rejected):
                self.tally.reject(name, row, "line")

    def _put(self, rows: list[IndicatorRow], entries: list[IndicatorEntry], source: str) -> None:
        """Rows that name their own source go there; the others go to the file's."""
        by_source: dict[str, list[IndicatorEntry]] = {}
        if any(row.source is not None for row in rows):
            for row, entry in zip(rows, entries, strict=True):
                by_source.setdefault(row.source or source, []).append(entry)
        else:
            by_source[source] = entries
        for name, some in by_source.items():
            once = _once(some)
            self.tally.add(self.sink.indicators.put(once, source=name, at=self.options.at))
            self.tally.add(PutCounts(unchanged=len(some) - len(once)))
        for kind, count in Counter(map(_KIND, rows)).items():
            self.tally.by_type[kind.value] += count

    def _maker(self, pap: Pap | None) -> ValueIndicators:
        return self._makers[self.options.pap if pap is None else pap]

    def _stix(self, data: bytes, name: str, source: str) -> None:
        """Intelligence as it comes; frameworks under their own name and in their own namespace."""
        framework = framework_of(data)
        if framework is not None:
            losses = LossCounter()
            data = in_its_namespace(data, framework, losses)
            self.tally.losses.append(losses.report())
        self._objects(data, name, source, framework)

    def _converted(self, found: Converted, name: str, source: str) -> None:
        for part in found.rejected:
            self.tally.reject(name, part, "part")
        self.tally.losses.append(found.losses.report())
        if found.objects:
            self._objects(found.bundle(), name, source, found.framework)
        elif not found.rejected:
            self.tally.problem(name, "nothing that can be used was found in it")

    def _objects(self, data: bytes, name: str, source: str, framework: str | None) -> None:
        options = self.options
        if framework is not None:
            source = f"{FRAMEWORK}{framework}"
            options = msgspec.structs.replace(options, tlp=options.reference_tlp)
        put_bundle(parse_bundle(data), name, source, self.sink, options, self.tally)

    def _warninglist(self, data: bytes) -> None:
        found = parse_warninglist(data)
        if self.warninglist_sink is not None:
            self.warninglist_sink(found)
        self.tally.warninglists += 1

    def _taxonomy(self, data: bytes) -> None:
        found = read_taxonomy(data)
        if self.taxonomy_sink is not None:
            self.taxonomy_sink(found)
        self.tally.taxonomies += 1
        self.tally.by_type["taxonomy-tag"] += len(found.tags)


def _once(entries: list[IndicatorEntry]) -> list[IndicatorEntry]:
    """A value that one source names twice, without telling its entries apart, is one entry: the first.

    Otherwise the second description would overwrite the first, and a re-import would find both changed.
    """
    if entries and entries[0].external_id is not None:
        return entries
    seen: dict[tuple[str, str], IndicatorEntry] = {}
    for entry in entries:
        seen.setdefault((entry.type, entry.value), entry)
    return list(seen.values()) if all(entry.external_id is None for entry in seen.values()) else entries
