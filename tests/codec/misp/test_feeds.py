"""Feeds and CSV of MISP: written, and read again."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from typing import Any

import msgspec
import pytest
from pymisp import MISPEvent

from codec.misp.scenes import EVENT_UUID, attribute, event, uuid
from seawall.codec.export import write_misp, write_misp_csv, write_misp_feed
from seawall.codec.misp import event_to_stix, events_in, to_events
from seawall.codec.misp.feed import listed_files
from seawall.codec.misp.table import events_of_table, is_misp_table

MEMBER = attribute("filename|md5", f"a.exe|{'a' * 32}", uuid=uuid(8), object_relation="malware")
OBJECT = {"uuid": uuid(7), "name": "file", "meta-category": "file", "timestamp": "1772323200", "Attribute": [MEMBER]}
ORGANISATION = {"uuid": uuid(9), "name": "Example CERT"}


def bodies(*attributes: object, **more: Any) -> list[bytes]:
    """The STIX of one event."""
    return [msgspec.json.encode(obj) for obj in event_to_stix(event(*attributes, **more)).objects]


def feed(given: list[bytes]) -> dict[str, bytes]:
    """The files of a feed, in the order in which they are written."""
    files: dict[str, bytes] = {}
    write_misp_feed(given, files.__setitem__)
    return files


def test_a_feed_has_a_manifest_hashes_and_a_file_for_each_event() -> None:
    """As PyMISP's own generator writes them; the manifest comes last."""
    files = feed(bodies(attribute("domain", "a.example", uuid=uuid(1)), Object=[OBJECT], Orgc=ORGANISATION,
                        Tag=[{"name": "tlp:green"}]))  # fmt: skip
    assert list(files) == [f"{EVENT_UUID}.json", "hashes.csv", "manifest.json"]
    theirs = MISPEvent()
    theirs.load(json.loads(files[f"{EVENT_UUID}.json"]))
    wanted = theirs.to_feed(with_meta=True)["Event"]
    manifest = json.loads(files["manifest.json"])
    theirs_too = json.loads(json.dumps(wanted["_manifest"]))
    assert [tag["name"] for tag in theirs_too[EVENT_UUID].pop("Tag")] == ["tlp:green"]
    assert manifest[EVENT_UUID].pop("Tag") == [{"name": "tlp:green"}]
    assert manifest == theirs_too
    assert sorted(files["hashes.csv"].decode().splitlines()) == sorted(
        f"{one},{EVENT_UUID}" for one in wanted["_hashes"]
    )
    assert hashlib.md5(b"a.example", usedforsecurity=False).hexdigest() in files["hashes.csv"].decode()
    assert listed_files(files["manifest.json"]) == [f"{EVENT_UUID}.json"]


def test_a_feed_says_by_tags_what_distribution_said() -> None:
    """And carries no sharing group."""
    given = bodies(attribute("domain", "a.example"), distribution="4", sharing_group_id="3",
                   SharingGroup={"name": "Example group"})  # fmt: skip
    (made,) = events_in(feed(given)[f"{EVENT_UUID}.json"])
    assert made["Tag"] == [{"name": "tlp:amber+strict"}]
    assert not {"distribution", "sharing_group_id", "SharingGroup"} & made.keys()
    assert made["Orgc"]["name"] == "Unnamed source"


def test_a_table_names_its_title_as_laxly_as_its_rows() -> None:
    """Each row carries the title: rows that all say a level keep it; one that says none leaves the importer's."""
    header = "uuid,type,value,to_ids,attribute_tag,event_info\n"
    rows = ["1,domain,a.example,1,tlp:green,Wave\n", "2,domain,b.example,1,tlp:amber,Wave\n"]
    (made,) = events_of_table([header, *rows], "list.csv")
    assert made["Tag"] == [{"name": "tlp:green"}]
    (made,) = events_of_table([header, *rows, "3,domain,c.example,1,,Wave\n"], "list.csv")
    assert "Tag" not in made


@pytest.mark.parametrize("manifest", [b"", b"[]", b"{", b'{"../x": {}}', b'{"a": 1}', b"\xff"])
def test_a_manifest_of_others_names_nothing_of_ours(manifest: bytes) -> None:
    """So that no other file is taken for an old event."""
    assert listed_files(manifest) == []


def test_one_document_holds_all_events() -> None:
    """As a search answers them; also when there are none."""
    target = io.BytesIO()
    done = write_misp(bodies(attribute("domain", "a.example")), target)
    assert [one["info"] for one in events_in(target.getvalue())] == ["Green Wave"]
    assert (done.objects, done.losses) == (2, [])
    empty = io.BytesIO()
    write_misp([], empty)
    assert json.loads(empty.getvalue()) == {"response": []}


def test_the_csv_comes_back_as_events() -> None:
    """Context stays context, objects stay objects, formulas stay text."""
    target = io.BytesIO()
    write_misp_csv(
        bodies(
            attribute("domain", "a.example", uuid=uuid(1), Tag=[{"name": "tlp:green"}]),
            attribute("text", "=1+1", uuid=uuid(2), to_ids=False),
            attribute("domain", "gone.example", deleted=True),
            Object=[OBJECT],
        ),
        target,
    )
    text = target.getvalue().decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["value"] for row in rows] == ["a.example", "'=1+1", f"a.exe|{'a' * 32}"]
    assert is_misp_table(text.splitlines()[0])
    (made,) = events_of_table(io.StringIO(text, newline=""), "list.csv")
    assert (made["uuid"], made["info"]) == (EVENT_UUID, "Green Wave")
    assert [(one["value"], one["to_ids"]) for one in made["Attribute"]] == [("a.example", True), ("=1+1", False)]
    assert made["Object"][0]["Attribute"][0]["object_relation"] == "malware"
    kinds = [obj["type"] for obj in event_to_stix(made).objects]
    assert kinds == ["indicator", "note", "indicator", "grouping", "report"]


def test_csv_of_a_server_is_read() -> None:
    """Numbers of events, dates as days; broken rows are rejected one by one."""
    lines = [
        "uuid,event_id,category,type,value,comment,to_ids,date\n",
        f'"{uuid(1)}",12,"Network activity","ip-dst","192.0.2.1","C2",1,20260301\n',
        f'"{uuid(2)}",13,"Network activity","domain","a.example","",0,20260301\n',
        f'"{uuid(3)}",13\n', "\n",
    ]  # fmt: skip
    first, second = events_of_table(lines, "feed")
    assert event_to_stix(first).objects[0]["valid_from"] == "2026-03-01T00:00:00.000Z"
    found = event_to_stix(second)
    assert [obj["type"] for obj in found.objects] == ["domain-name", "observed-data", "report"]
    assert len(found.rejected) == 1


@pytest.mark.parametrize("line", ["type,value", "type,value,campaign", "", "a,b,c", "md5,sha1,to_ids"])
def test_other_tables_are_not_misps(line: str) -> None:
    """They go to the reader of lists."""
    assert not is_misp_table(line)


def test_losses_are_told_with_ids() -> None:
    """One line for each object that has no place in MISP."""
    body = {"type": "location", "id": f"location--{uuid(1)}", "created": "2026-03-01T00:00:00.000Z", "country": "TW"}
    assert to_events([msgspec.json.encode(body)]).losses == [(body["id"], "MISP has no place for location objects")]
