"""MISP documents into the store: every part of an event as a STIX object, indicators with their match keys.

A folder that is a MISP feed has a ``manifest.json`` (what events there are) and a ``hashes.csv`` (digests of
values, for look-ups) beside its events: indexes, not knowledge.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import msgspec

from seawall.codec.misp import FromMisp, event_to_stix, joined, parse_misp
from seawall.codec.misp.table import events_of_table, is_misp_table
from seawall.codec.stix import ParsedBundle, from_dict
from seawall.intel.interface import ImportOptions, Sink
from seawall.intel.stix_import import put_bundle
from seawall.intel.tally import Tally

MANIFEST, HASHES = "manifest.json", "hashes.csv"
_MANIFEST = re.compile(rb'\s*\{\s*"[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}"\s*:\s*\{')
_SNIFFED = 4096  # bytes
_encode = msgspec.json.Encoder().encode


def put_misp(data: bytes, name: str, source: str, sink: Sink, options: ImportOptions, tally: Tally) -> None:
    """Store the events of a document; note rejects and losses. Raises Fault E-MISP-001, E-MISP-002."""
    _put(parse_misp(data, tlp=options.tlp), name, source, sink, options, tally)


def put_misp_table(
    lines: Iterable[str], name: str, source: str, sink: Sink, options: ImportOptions, tally: Tally
) -> None:
    """Store the events of MISP's CSV; note rejects and losses."""
    events = events_of_table(lines, source)
    _put(joined(event_to_stix(event, tlp=options.tlp) for event in events), name, source, sink, options, tally)


def _put(found: FromMisp, name: str, source: str, sink: Sink, options: ImportOptions, tally: Tally) -> None:
    for part in found.rejected:
        tally.reject(name, part, "attribute")
    if not any(obj["type"] == "indicator" for obj in found.objects):
        tally.problem(name, "the MISP event has no attribute that is marked for detection and can be matched")
    bundle = ParsedBundle([from_dict(obj) for obj in found.objects], [_encode(obj) for obj in found.objects], [],
                          found.losses, [])  # fmt: skip
    put_bundle(bundle, name, source, sink, options, tally)


def is_misp_csv(head: bytes) -> bool:
    """True for a file that begins like MISP's CSV."""
    return is_misp_table(head[:_SNIFFED].partition(b"\n")[0].decode("utf-8", "replace"))


def is_feed_index(path: Path, head: bytes) -> bool:
    """True for the indexes of a MISP feed."""
    if path.name == MANIFEST:
        return _MANIFEST.match(head) is not None
    if path.name != HASHES:
        return False
    try:
        with (path.parent / MANIFEST).open("rb") as manifest:
            return _MANIFEST.match(manifest.read(_SNIFFED)) is not None
    except OSError:
        return False
