"""MISP documents into the store: every part of an event as a STIX object, indicators with their match keys.

A folder that is a MISP feed has a ``manifest.json`` (what events there are) and a ``hashes.csv`` (digests of
values, for look-ups) beside its events: indexes, not knowledge.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from seawall.codec.misp import FromMisp, event_to_stix, joined, parse_misp
from seawall.codec.misp.extension import carried
from seawall.codec.misp.table import events_of_table, is_misp_table
from seawall.codec.sharing import keys_of
from seawall.codec.stix import ParsedBundle, from_dict
from seawall.intel.interface import ImportOptions, Sink
from seawall.intel.stix_import import put_bundle
from seawall.intel.tally import Tally
from seawall.model.stix.versioning import sort_key

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
    objects = [*found.objects, *_taken_back(found.objects, sink)]
    bundle = ParsedBundle([from_dict(obj) for obj in objects], [_encode(obj) for obj in objects], [], found.losses, [])
    put_bundle(bundle, name, source, sink, options, tally)


def _taken_back(objects: list[dict[str, Any]], sink: Sink) -> list[dict[str, Any]]:
    """What a newer version of an event no longer says: keys of former values go, and indicators that are context now
    are revoked (returned)."""
    fresh = {f"indicator--{obj['id'].partition('--')[2]}": obj for obj in objects
             if (part := carried(obj)) is not None and part["kind"] == "attribute"}  # fmt: skip
    revoked: list[dict[str, Any]] = []
    for identifier, held in sink.objects.latest(fresh).items():
        obj = fresh[identifier]
        if held.revoked or sort_key(obj["modified"]) <= sort_key(held.version):
            continue
        still = set(keys_of(_encode(obj))) if obj["id"] == identifier else set()
        for value in keys_of(held.body):
            if value not in still:
                sink.indicators.withdraw(value.type, value.value, source=held.source or "", external_id=identifier)
        if obj["id"] != identifier:
            revoked.append({**msgspec.json.decode(held.body), "modified": obj["modified"], "revoked": True})
    return revoked


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
