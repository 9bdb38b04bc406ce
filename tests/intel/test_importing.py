"""Imports into a real store: every format, repeated, from several sources, damaged."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import realdata
from seawall.codec.misp_warninglist import Warninglist
from seawall.intel import ImportOptions, ImportReport, import_paths
from seawall.model import Fault, ObservableType, Pap, Tlp, Visibility
from seawall.store import Store

MOMENT = 1_773_446_400_000_000  # 2026-03-14T00:00:00Z
ALL = Visibility(Tlp.RED)
LIST = "type,value,campaign\nipv4,192.0.2.1,7\ndomain,evil[.]example,7\nurl,hxxp://a[.]example/x,8\nipv4,nonsense,8\n"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}") as opened:
        yield opened


def take(store: Store, *paths: Path, **options: Any) -> ImportReport:
    """Import with a fixed clock."""
    return import_paths(paths, store, ImportOptions(at=options.pop("at", MOMENT), **options))


def counts(report: ImportReport) -> tuple[int, int, int, int]:
    """New, updated, unchanged, rejected."""
    return report.new, report.updated, report.unchanged, report.rejected


def written(folder: Path, name: str, text: str | bytes) -> Path:
    """A file with this content."""
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def indicator(number: int, pattern: str, **changes: Any) -> dict[str, Any]:
    """A STIX indicator."""
    return {
        "type": "indicator", "spec_version": "2.1", "id": f"indicator--8e2e2d2b-17d4-4cbf-938f-{number:012x}",
        "created": "2026-03-01T00:00:00.000Z", "modified": "2026-03-01T00:00:00.000Z", "pattern": pattern,
        "pattern_type": "stix", "valid_from": "2026-03-01T00:00:00Z", **changes,
    }  # fmt: skip


def bundle(*objects: dict[str, Any]) -> str:
    """A STIX bundle."""
    return json.dumps({"type": "bundle", "id": "bundle--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f", "objects": objects})


def test_a_list_is_new_once_and_unchanged_after(store: Store, tmp_path: Path) -> None:
    """Also when it is imported again on another day."""
    path = written(tmp_path, "feed.csv", LIST)
    first = take(store, path)
    assert counts(first) == (3, 0, 0, 1)
    assert first.by_type == {"domain": 1, "ipv4": 1, "url": 1}
    assert "line 5" in first.problems[0]
    assert counts(take(store, path, at=MOMENT + 86_400_000_000)) == (0, 0, 3, 1)


def test_the_same_value_from_another_source_is_updated(store: Store, tmp_path: Path) -> None:
    """One indicator with two sources and the stricter marking."""
    path = written(tmp_path, "feed.csv", LIST)
    take(store, path, source="one", tlp=Tlp.GREEN)
    assert counts(take(store, path, source="two", tlp=Tlp.AMBER)) == (0, 3, 0, 1)
    held = store.indicators.lookup(ObservableType.DOMAIN, "evil.example")
    assert held is not None
    assert (set(held.sources), held.tlp, held.campaign) == ({"one", "two"}, Tlp.AMBER, "7")


def test_unmarked_input_is_amber_strict(store: Store, tmp_path: Path) -> None:
    """Unless the operator says otherwise; what is marked keeps its marking."""
    take(store, written(tmp_path, "a.csv", "type,value,tlp\nipv4,192.0.2.1,\nipv4,192.0.2.2,clear\n"))
    levels = [store.indicators.lookup(ObservableType.IPV4, f"192.0.2.{n}") for n in (1, 2)]
    assert [held.tlp for held in levels if held is not None] == [Tlp.AMBER_STRICT, Tlp.CLEAR]


def test_a_source_column_names_the_source(store: Store, tmp_path: Path) -> None:
    """Row by row."""
    take(store, written(tmp_path, "a.csv", "type,value,source\nipv4,192.0.2.1,alpha\nipv4,192.0.2.2,\n"), source="beta")
    held = [store.indicators.lookup(ObservableType.IPV4, f"192.0.2.{n}") for n in (1, 2)]
    assert [entry.sources for entry in held if entry is not None] == [("alpha",), ("beta",)]


def test_stix_objects_and_match_keys_land_together(store: Store, tmp_path: Path) -> None:
    """The indicator keeps its id, the campaign comes by the relationship, other patterns are reported."""
    ids = [f"indicator--8e2e2d2b-17d4-4cbf-938f-{number:012x}" for number in range(4)]
    campaign = {**indicator(9, ""), "type": "campaign", "id": ids[0].replace("indicator", "campaign"), "name": "Wave"}
    for name in ("pattern", "pattern_type", "valid_from"):
        del campaign[name]
    relation = {**campaign, "type": "relationship", "id": ids[0].replace("indicator", "relationship"),
                "relationship_type": "indicates", "source_ref": ids[1], "target_ref": campaign["id"]}  # fmt: skip
    del relation["name"]
    green = ["marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"]
    labels = ["PAP:RED"]
    path = written(tmp_path, "b.json", bundle(
        indicator(1, "[domain-name:value IN ('a.example', 'b.example')]", object_marking_refs=green, labels=labels),
        indicator(2, "[domain-name:value LIKE '%.example']"),
        indicator(3, "[domain-name:value = 'good.example']", indicator_types=["benign"]),
        indicator(4, "[mutex:name = 'x']"), campaign, relation, {"type": "indicator", "id": "broken"},
    ))  # fmt: skip
    report = take(store, path)
    assert counts(report) == (6, 0, 0, 1)
    assert report.by_type == {"campaign": 1, "indicator": 4, "relationship": 1}
    assert [loss.kind for loss in report.losses] == ["pattern:not-yet-matched"]
    assert store.indicators.lookup(ObservableType.PATTERN, "[domain-name:value LIKE '%.example']") is not None
    held = store.indicators.lookup(ObservableType.DOMAIN, "b.example")
    assert held is not None
    assert (held.indicator_id, held.campaign, held.tlp, held.pap) == (ids[1], "Wave", Tlp.GREEN, Pap.RED)
    assert store.indicators.lookup(ObservableType.DOMAIN, "good.example") is None
    assert json.loads(store.objects.get(ids[1], visibility=ALL).body)["labels"] == ["PAP:RED"]
    assert counts(take(store, path)) == (0, 0, 6, 1)


def test_a_stix_indicator_of_a_known_value_is_an_update(store: Store, tmp_path: Path) -> None:
    """The value is one indicator with two sources, whatever the second one calls it."""
    take(store, written(tmp_path, "feed.csv", LIST))
    path = written(tmp_path, "b.json", bundle(indicator(1, "[ipv4-addr:value = '192.0.2.1']")))
    assert counts(take(store, path)) == (0, 1, 0, 0)
    assert counts(take(store, path)) == (0, 0, 1, 0)
    held = store.indicators.lookup(ObservableType.IPV4, "192.0.2.1")
    assert held is not None
    assert set(held.sources) == {"feed.csv", "b.json"}


def test_a_revoked_indicator_takes_its_keys_back(store: Store, tmp_path: Path) -> None:
    """What a source no longer says is no longer matched."""
    pattern = "[ipv4-addr:value = '192.0.2.1']"
    take(store, written(tmp_path, "b.json", bundle(indicator(1, pattern))))
    gone = indicator(1, pattern, modified="2026-03-02T00:00:00.000Z", revoked=True)
    assert counts(take(store, written(tmp_path, "b.json", bundle(gone)))) == (0, 1, 0, 0)
    assert store.indicators.lookup(ObservableType.IPV4, "192.0.2.1") is None


def test_folders_and_compressed_files_are_read(store: Store, tmp_path: Path) -> None:
    """Hidden files and licences aside; one bad file does not cost the others."""
    folder = tmp_path / "feeds"
    (folder / "deep").mkdir(parents=True)
    written(folder, "a.csv", LIST)
    written(folder / "deep", "b.txt.gz", gzip.compress(b"evil.com\n198.51.100.7\n"))
    written(folder, "c.bin", b"\0\1\2")
    written(folder, ".hidden", "secret.com\n")
    written(folder, "LICENSE.txt", "See https://licence.example/\n")
    report = take(store, folder)
    assert (report.objects, report.files) == (5, 2)
    assert ["E-INTEL-006" in problem for problem in report.problems] == [False, True]


def test_a_truncated_gzip_keeps_its_complete_lines(store: Store, tmp_path: Path) -> None:
    """And is listed as a problem."""
    text = "type,value\n" + "".join(f"ipv4,10.{n >> 16}.{n >> 8 & 255}.{n & 255}\n" for n in range(50_000))
    packed = gzip.compress(text.encode())
    report = take(store, written(tmp_path, "a.csv.gz", packed[: len(packed) // 2]))
    assert 1_000 < report.objects < 50_000
    assert any("cut short" in problem for problem in report.problems)
    assert report.rejected <= 1


def test_a_truncated_bundle_keeps_its_complete_objects(store: Store, tmp_path: Path) -> None:
    """And is listed as a problem."""
    text = bundle(*(indicator(n, f"[ipv4-addr:value = '192.0.2.{n}']") for n in range(1, 9)))
    report = take(store, written(tmp_path, "b.json", text[: len(text) // 2]))
    assert 2 <= report.objects <= 4
    assert any("damaged" in problem for problem in report.problems)


def test_warninglists_go_to_their_own_place(store: Store) -> None:
    """They are reference data, not indicators."""
    lists: list[Warninglist] = []
    report = import_paths(
        [realdata.folder("misp-warninglists")], store, ImportOptions(at=MOMENT), warninglist_sink=lists.append
    )
    assert (report.objects, report.warninglists, len(lists)) == (0, 22, 22)
    assert store.indicators.count_by_type() == {}


@pytest.mark.parametrize(
    ("name", "objects", "rejected"),
    [("iocs-volexity", 902, 2), ("unit42-stix", 3170, 5), ("stix-examples", 260, 0), ("blackbook", 2172, 0),
     ("iocs-unit42", 139, 0), ("mitre-attack", 1826, 0)],
)  # fmt: skip
def test_real_feeds_are_read_whole(store: Store, name: str, objects: int, rejected: int) -> None:
    """Every usable object lands; a second import changes nothing but what the feed itself contradicts."""
    first, second = take(store, realdata.folder(name)), take(store, realdata.folder(name))
    assert (first.objects, first.rejected) == (objects, rejected)
    assert second.new == 0
    assert second.updated <= 2


def test_misp_events_land_with_their_tags(store: Store) -> None:
    """Title as campaign, tlp:white as clear, every part an object, and nothing new the second time."""
    report = take(store, realdata.folder("misp-events"))
    assert report.objects > 800
    assert {"report", "grouping", "observed-data", "sighting", "threat-actor"} <= report.by_type.keys()
    assert {"misp:ShadowAttribute", "misp:RelatedEvent"} <= {loss.kind for loss in report.losses}
    again = take(store, realdata.folder("misp-events"))
    assert (again.objects, again.new, again.updated) == (report.objects, 0, 0)
    held = store.indicators.lookup(ObservableType.DOMAIN, "movieultimate.com")
    assert held is not None
    assert (held.tlp, held.campaign) == (Tlp.CLEAR, "OSINT - Sednit update: How Fancy Bear Spent the Year")


def test_a_newer_misp_event_takes_back_what_it_no_longer_says(store: Store, tmp_path: Path) -> None:
    """A former value, an attribute that is context now, one that is deleted; an older version changes nothing."""

    def imported(moment: str, *attributes: dict[str, Any]) -> ImportReport:
        said: dict[str, Any] = {"timestamp": moment, "category": "Network activity"}
        event = {"uuid": "8e2e2d2b-17d4-4cbf-938f-00000000000a", "info": "Wave", "timestamp": moment,
                 "Attribute": [{"type": "domain", "to_ids": True, **said, **one} for one in attributes]}  # fmt: skip
        return take(store, written(tmp_path, "event.json", json.dumps({"Event": event})))

    def matched() -> set[str]:
        names = (f"{letter}.example" for letter in "abcd")
        return {name for name in names if store.indicators.lookup(ObservableType.DOMAIN, name) is not None}

    ids = [f"8e2e2d2b-17d4-4cbf-938f-{number:012x}" for number in range(3)]
    old: list[dict[str, Any]] = [
        {"uuid": id, "value": f"{letter}.example"} for id, letter in zip(ids, "abc", strict=True)
    ]
    imported("1772323200", *old)
    assert matched() == {"a.example", "b.example", "c.example"}
    newer: list[dict[str, Any]] = [
        {**old[0], "value": "d.example"},
        {**old[1], "to_ids": False},
        {**old[2], "deleted": True},
    ]
    imported("1772409600", *newer)
    assert matched() == {"d.example"}
    assert store.objects.get(f"indicator--{ids[1]}", visibility=ALL).revoked
    assert imported("1772409600", *newer).updated == 0


def test_progress_is_told(store: Store, tmp_path: Path) -> None:
    """Bytes done, bytes in all, objects."""
    told: list[tuple[int, int | None, int]] = []
    path = written(tmp_path, "feed.csv", LIST)
    import_paths([path], store, ImportOptions(at=MOMENT), progress=lambda *args: told.append(args))
    assert told[-1] == (path.stat().st_size, path.stat().st_size, 3)


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.bin", b"\x7fELF\0\0\0", "E-INTEL-006"),
        ("a.txt", b"", "E-INTEL-007"),
        ("a.yml", b"name: x\n", "E-INTEL-008"),
        ("a.csv", b"name,colour\nbob,red\nann,blue\n", "E-INTEL-003"),
        ("a.txt", b"Nothing to see here.\n", "E-INTEL-003"),
        ("a.gz", b"\x1f\x8b\x08garbage", "E-INTEL-005"),
        ("a.json", b'{"name": "x"}', "E-STIX-002"),
        ("a.json", b'{"type": "bundle", "objects": [', "E-STIX-001"),
        ("a.txt", b"x" * 20_000_000, "E-INTEL-003"),
        ("a.csv", b"\xff\xfe\xff\xfe", "E-INTEL-003"),
    ],
    ids=["binary", "empty", "rules", "unknown header", "prose", "no gzip", "other json", "cut", "one line", "utf-16"],
)
def test_what_holds_nothing_is_a_fault(store: Store, tmp_path: Path, name: str, content: bytes, code: str) -> None:
    """One clear sentence, exit status 2."""
    with pytest.raises(Fault) as caught:
        take(store, written(tmp_path, name, content))
    assert caught.value.code == code
    assert caught.value.exit_status == 2


def test_missing_files_and_empty_folders_are_faults(store: Store, tmp_path: Path) -> None:
    """Before anything is read."""
    with pytest.raises(Fault, match="E-INTEL-001"):
        take(store, tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(Fault, match="E-INTEL-002"):
        take(store, tmp_path / "empty")


def test_a_flood_of_rejects_is_counted_but_not_listed(store: Store, tmp_path: Path) -> None:
    """The counts stay exact."""
    text = "type,value\nipv4,192.0.2.1\n" + "ipv4,x\n" * 5000
    report = take(store, written(tmp_path, "a.csv", text))
    assert report.rejected == 5000
    assert len(report.problems) < 100
    assert report.problems[-1].startswith("4950 more")
