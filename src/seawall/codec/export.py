"""Released objects written out: a STIX 2.1 bundle, a CSV of values, a plain list, MISP events; one loss report.

Bundle, CSV and list stream. MISP wants events, which need everything that belongs to them at hand.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import BinaryIO, Protocol

import msgspec

from seawall.codec.misp import ToMisp, to_events
from seawall.codec.misp.feed import csv_rows, feed_files
from seawall.codec.misp.table import CSV_COLUMNS as MISP_CSV_COLUMNS
from seawall.codec.rule_export import write_rule_files, write_rule_lines
from seawall.codec.sharing import indicator_values
from seawall.model.stix.ids import derived_id
from seawall.model.stix.tlp import TLP_BY_ID

CSV_COLUMNS = ("id", "type", "value", "description", "confidence", "tlp", "valid_from", "valid_until")
CONTROL_CHARACTERS = {code: f"\\x{code:02x}" for code in (*range(9), *range(11, 32), *range(127, 160))}
"""Shown as escapes: the table may well be printed on a terminal. Tab and line feed stay."""
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")  # what spreadsheets take for a formula (OWASP, CSV injection)


class Exported(msgspec.Struct):
    """What an export holds and what it could not carry: (object id, reason)."""

    objects: int = 0
    losses: list[tuple[str, str]] = []


class Writer(Protocol):
    """Writes object bodies (JSON) to ``target``."""

    def __call__(self, bodies: Iterable[bytes], target: BinaryIO) -> Exported: ...


FolderWriter = Callable[[Iterable[bytes], Callable[[str, bytes], object]], Exported]


def write_stix(bodies: Iterable[bytes], target: BinaryIO) -> Exported:
    """A STIX 2.1 bundle (section 8); an empty one has no ``objects``. Its id derives from the first and last object."""
    done = Exported()
    first = last = b""
    head = b""
    for body in bodies:
        if not done.objects:
            first = body
            head = b'{"type":"bundle","objects":[\n'
            target.write(head)
        else:
            target.write(b",\n")
        target.write(body)
        last = body
        done.objects += 1
    identity = derived_id("bundle", first.decode(), last.decode(), str(done.objects))
    if done.objects:
        target.write(b'\n],"id":' + msgspec.json.encode(identity) + b"}\n")
    else:
        target.write(b'{"type":"bundle","id":' + msgspec.json.encode(identity) + b"}\n")
    return done


class _Indicator(msgspec.Struct):
    type: str
    id: str
    name: str | None = None
    description: str | None = None
    confidence: int | None = None
    valid_from: str | None = None
    valid_until: str | None = None
    object_marking_refs: list[str] = []


def write_csv(bodies: Iterable[bytes], target: BinaryIO) -> Exported:
    """One row a value, with columns that ``intel import`` reads; what looks like a formula gets an apostrophe."""
    done = Exported()
    text = io.TextIOWrapper(target, "utf-8", newline="", write_through=True)
    try:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(CSV_COLUMNS)
        for said, value_type, value in _values(bodies, done):
            writer.writerow([_cell(cell) for cell in _row(said, value_type, value)])
    finally:
        text.detach()  # the target is the caller's to close
    return done


def _row(said: _Indicator, value_type: str, value: str) -> tuple[object, ...]:
    tlp = max((TLP_BY_ID[ref] for ref in said.object_marking_refs if ref in TLP_BY_ID), default=None)
    return (
        said.id,
        value_type,
        value,
        said.description or said.name,
        said.confidence,
        tlp.label if tlp is not None else None,
        said.valid_from,
        said.valid_until,
    )


def write_text(bodies: Iterable[bytes], target: BinaryIO) -> Exported:
    """One value a line."""
    done = Exported()
    for _, _, value in _values(bodies, done):
        target.write(value.encode() + b"\n")
    return done


def write_misp(bodies: Iterable[bytes], target: BinaryIO) -> Exported:
    """MISP events in one JSON document, as a search answers them: ``{"response": [{"Event": ...}, ...]}``."""
    made = to_events(bodies)
    for place, event in enumerate(made.events):
        target.write(b",\n" if place else b'{"response":[\n')
        target.write(msgspec.json.encode({"Event": event}))
    target.write(b"\n]}\n" if made.events else b'{"response":[]}\n')
    return _exported(made)


def write_misp_csv(bodies: Iterable[bytes], target: BinaryIO) -> Exported:
    """The attributes of MISP events as MISP's own CSV export has them."""
    made = to_events(bodies)
    text = io.TextIOWrapper(target, "utf-8", newline="", write_through=True)
    try:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(MISP_CSV_COLUMNS)
        writer.writerows([_cell(cell) for cell in row] for row in csv_rows(made.events))
    finally:
        text.detach()  # the target is the caller's to close
    return _exported(made)


def write_misp_feed(bodies: Iterable[bytes], put: Callable[[str, bytes], object]) -> Exported:
    """A MISP feed, file by file (name, content); the manifest comes last."""
    made = to_events(bodies, distribution=False)
    for name, content in feed_files(made.events):
        put(name, content)
    return _exported(made)


def _write_rules(kind: str, bodies: Iterable[bytes], target: BinaryIO) -> Exported:
    losses: list[tuple[str, str]] = []
    return Exported(write_rule_lines(kind, bodies, target, losses), losses)


def _put_rules(kind: str, bodies: Iterable[bytes], put: Callable[[str, bytes], object]) -> Exported:
    losses: list[tuple[str, str]] = []
    return Exported(write_rule_files(kind, bodies, put, losses), losses)


def _exported(made: ToMisp) -> Exported:
    return Exported(made.objects - len({identifier for identifier, _ in made.losses}), made.losses)


WRITERS: dict[str, Writer] = {
    "stix": write_stix,
    "csv": write_csv,
    "text": write_text,
    "misp": write_misp,
    "misp-csv": write_misp_csv,
    "snort": partial(_write_rules, "snort"),
    "suricata": partial(_write_rules, "suricata"),
}
"""``--to`` -> writer of one file."""
FOLDER_WRITERS: dict[str, FolderWriter] = {
    "misp-feed": write_misp_feed,
    "sigma": partial(_put_rules, "sigma"),
    "yara": partial(_put_rules, "yara"),
}
"""``--to`` -> writer of several files, which takes a function that keeps one."""


def _values(bodies: Iterable[bytes], done: Exported) -> Iterator[tuple[_Indicator, str, str]]:
    for body in bodies:
        said = msgspec.json.decode(body, type=_Indicator)
        values = indicator_values(body) if said.type == "indicator" else []
        if not values:
            done.losses.append((said.id, f"this form carries plain values only, not {said.type} objects like this one"))
            continue
        done.objects += 1
        for value in values:
            yield said, value.type.value, value.value


def _cell(value: object) -> str:
    text = "" if value is None else str(value).translate(CONTROL_CHARACTERS)
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
