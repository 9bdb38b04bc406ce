"""MISP's CSV export: one attribute a row. Rows of one event, and of one object in it, are put together again.

Recognised by its header, which has ``to_ids`` beside ``type`` and ``value``: a row that is not for detection must not
become an indicator, as it would in any other list.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator

from seawall.codec.misp.marking import said_by
from seawall.codec.misp.reading import Json, uuid_from, uuid_in

CSV_COLUMNS = (
    "uuid", "event_uuid", "category", "type", "value", "comment", "to_ids", "date", "object_relation", "attribute_tag",
    "object_uuid", "object_name", "object_meta_category", "event_info",
)  # fmt: skip
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")  # what exports put an apostrophe before
MAX_CELL = 1 << 20  # characters; a longer cell is no value but a broken quote
_NEEDED = frozenset({"type", "value", "to_ids"})


def is_misp_table(first_line: str) -> bool:
    """Whether this is the header of MISP's CSV."""
    cells = {cell.strip().strip('"').lower() for cell in first_line.lstrip("\ufeff").split(",")}
    return cells >= _NEEDED


def events_of_table(lines: Iterable[str], name: str) -> list[Json]:
    """The events of a CSV with such a header; ``name`` stands for those that have no title. Never raises.

    Broken rows are attributes without a value, which conversion rejects one by one.
    """
    csv.field_size_limit(MAX_CELL)
    reader = csv.reader(line.replace("\0", "") for line in lines)
    header = [cell.strip().lower().lstrip("\ufeff") for cell in next(reader, [])]
    events: dict[str, Json] = {}
    objects: dict[str, Json] = {}
    for row in _rows(reader):
        cells = {column: _plain(cell) for column, cell in zip(header, row, strict=False) if cell}
        key = cells.get("event_uuid") or cells.get("event_id") or ""
        event = events.get(key)
        if event is None:
            event = events[key] = {
                "uuid": uuid_in({"uuid": key}) or uuid_from("table", name, key),
                "info": cells.get("event_info") or name,
                "Attribute": [],
                "Object": [],
            }
        _holder(event, cells, objects)["Attribute"].append(_attribute(cells))
    for event in events.values():
        _mark(event)
    return list(events.values())


def _mark(event: Json) -> None:
    """Each row names the event's title: when all rows say a level, the title is known to whoever sees the laxest."""
    rows = [*event["Attribute"], *(one for obj in event["Object"] for one in obj["Attribute"])]
    levels = [said_by(tuple(tag["name"] for tag in one.get("Tag", ()))).tlp for one in rows]
    told = [level for level in levels if level is not None]
    if told and len(told) == len(levels):
        event["Tag"] = [{"name": f"tlp:{min(told).label}"}]


def _rows(reader: Iterator[list[str]]) -> Iterator[list[str]]:
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            row = ["?"]
        if row:
            yield row


def _plain(cell: str) -> str:
    """A cell without the apostrophe that keeps spreadsheets from computing it."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA_STARTS) else cell


def _holder(event: Json, cells: dict[str, str], objects: dict[str, Json]) -> Json:
    uuid = uuid_in({"uuid": cells.get("object_uuid", "")})
    if uuid is None:
        return event
    held: Json | None = objects.get(uuid)
    if held is None:
        held = objects[uuid] = {
            "uuid": uuid,
            "name": cells.get("object_name") or "object",
            "meta-category": cells.get("object_meta_category") or "misc",
            "Attribute": [],
        }
        event["Object"].append(held)
    return held


def _attribute(cells: dict[str, str]) -> Json:
    made: Json = {name: cells[name] for name in ("uuid", "category", "type", "value", "comment", "object_relation")
                  if name in cells}  # fmt: skip
    made["to_ids"] = cells.get("to_ids", "").strip().lower() in ("1", "true")
    if date := cells.get("date", "").strip():
        made["timestamp"] = f"{date[:4]}-{date[4:6]}-{date[6:]}" if len(date) == 8 and date.isdigit() else date
    if tags := [tag.strip() for tag in cells.get("attribute_tag", "").split(",") if tag.strip()]:
        made["Tag"] = [{"name": tag} for tag in tags]
    return made
