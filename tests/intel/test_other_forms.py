"""Rules, advisories, frameworks and taxonomies into a real store: told apart, repeated, bounded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import realdata
from seawall.codec.taxonomy import Taxonomy
from seawall.intel import ImportOptions, ImportReport, extract_path, import_paths
from seawall.intel.formats import Format, format_of
from seawall.model import Fault, Tlp, Visibility
from seawall.store import Store

ALL = Visibility(Tlp.RED)
SIGMA = b"title: t\nid: 5013198f-1d0f-4a1f-9c39-9a1bd1f3d7aa\nlogsource: {a: b}\ndetection: {condition: x}\n"
YARA = b"rule A { condition: true }\n"
RULE = b'alert tcp any any -> any any (msg:"x"; sid:7;)\n'
CSAF = (
    b'{"document": {"csaf_version": "2.0", "tracking": {"id": "X-1"}}, "vulnerabilities": [{"cve": "CVE-2026-0001"}]}'
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}") as opened:
        yield opened


def take(store: Store, *paths: Path, tlp: Tlp = Tlp.AMBER) -> ImportReport:
    """Import with a fixed clock."""
    return import_paths(paths, store, ImportOptions(at=1, tlp=tlp))


@pytest.mark.parametrize(
    ("name", "data", "form"),
    [
        ("a.yml", SIGMA, Format.SIGMA),
        ("a.txt", SIGMA, Format.SIGMA),
        ("a.yaml", b"a: 1\n", Format.YAML),
        ("a.txt", b"---\nid: ATLAS\nname: x\nmatrices: []\n", Format.ATLAS),
        ("a.yar", b"import \"pe\"\n", Format.YARA),
        ("a.txt", YARA, Format.YARA),
        ("a.rules", b"# nothing\n", Format.RULES),
        ("a.txt", RULE, Format.RULES),
        ("a.json", CSAF, Format.CSAF),
        ("a.json", b'{"@context": "https://openvex.dev/ns", "statements": []}', Format.OPENVEX),
        ("a.json", b'{"bomFormat": "CycloneDX"}', Format.CYCLONEDX),
        ("a.json", b'{"authors": [], "type": "sector", "values": []}', Format.GALAXY),
        ("a.json", b'{"namespace": "x", "predicates": []}', Format.TAXONOMY),
        ("a.json", b'{"list": ["a"], "name": "x"}', Format.WARNINGLIST),
        ("a.json", b'{"type": "bundle", "objects": [{"description": "\\"csaf_version\\": 1"}]}', Format.STIX),
        ("a.txt", b"The alert came (late) -> we saw it\n", Format.TEXT),
    ],
)  # fmt: skip
def test_a_file_is_told_by_its_content(name: str, data: bytes, form: Format) -> None:
    """Its name counts where content is silent."""
    assert format_of(data, Path(name)) is form


@pytest.mark.parametrize(
    ("name", "data", "objects"), [("a.yml", SIGMA, 1), ("a.yar", YARA, 1), ("a.rules", RULE, 1), ("a.json", CSAF, 3)]
)
def test_what_was_imported_is_unchanged_the_second_time(
    store: Store, tmp_path: Path, name: str, data: bytes, objects: int
) -> None:
    """Rules and advisories alike; what is unmarked gets the import's marking, and nothing becomes a match key."""
    (tmp_path / name).write_bytes(data)
    first, second = take(store, tmp_path / name), take(store, tmp_path / name)
    assert (first.new, first.rejected, second.unchanged, second.objects) == (objects, 0, objects, objects)
    assert {item.tlp for item in store.objects.list(ALL).items} == {Tlp.AMBER}
    assert store.indicators.keys().num_rows == 0


def test_an_edited_rule_replaces_the_one_before(store: Store, tmp_path: Path) -> None:
    """By its id, also without a new date."""
    path = tmp_path / "a.yml"
    path.write_bytes(SIGMA)
    take(store, path)
    path.write_bytes(SIGMA + b"level: low\n")
    report = take(store, path)
    assert (report.new, report.updated) == (0, 1)
    (held,) = store.objects.list(ALL).items
    assert b"level: low" in held.body


def test_frameworks_stand_beside_each_other(store: Store) -> None:
    """None replaces an object of another, all are unchanged the second time, and none is a match key."""
    names = ("mitre-attack", "mitre-atlas", "disarm", "misp-galaxy")
    first = {name: take(store, realdata.folder(name)) for name in names}
    assert {name: (report.updated, report.rejected) for name, report in first.items()} == dict.fromkeys(names, (0, 0))
    assert sum(report.new for report in first.values()) > 4_500
    for name in names:
        again = take(store, realdata.folder(name))
        assert (again.new, again.updated) == (0, 0)
    assert store.indicators.keys().num_rows == 0
    held = store.objects.list(ALL).items
    assert {item.tlp for item in held} == {Tlp.CLEAR}
    assert all((item.source or "").startswith("framework:") for item in held)


def test_taxonomies_are_reference_data(store: Store) -> None:
    """They are handed to the caller, counted by tags, and are no objects."""
    kept: list[Taxonomy] = []
    report = import_paths([realdata.folder("misp-taxonomies")], store, ImportOptions(at=1), taxonomy_sink=kept.append)
    assert (report.taxonomies, report.objects, report.problems) == (len(kept), 0, [])
    assert report.by_type["taxonomy-tag"] > 1_000


def test_flagged_mentions_are_counted(store: Store, tmp_path: Path) -> None:
    """The report says how many and why; extract shows each."""
    path = tmp_path / "report.txt"
    path.write_text("C2 evil[.]com and 10.1.2[.]3, version 1.2.3.4 of it; evil.com again, 10.1.2[.]3 too\nnothing\n")
    report = take(store, path)
    assert (report.new, report.flagged) == (1, 2)
    assert [loss.kind for loss in report.losses] == ["flagged:private-address", "flagged:version-number"]
    rows = {row["value"]: row["flagged"] for row in extract_path(path)}
    assert rows == {"evil.com": None, "10.1.2.3": "private-address", "1.2.3.4": "version-number"}


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [("a.yml", b"a: 1\n", "E-INTEL-008"), ("a.rules", b"#nothing\n", "E-INTEL-003"), ("a.yar", b"hello", "E-INTEL-003"),
     ("a.json", b'{"document": {"csaf_version": 2}, "x": }', "E-ADVISORY-001"),
     ("a.json", b'{"namespace": "../x", "predicates": []}', "E-TAXONOMY-001")],
)  # fmt: skip
def test_what_holds_nothing_is_one_sentence(store: Store, tmp_path: Path, name: str, data: bytes, code: str) -> None:
    """With a code and the file's name."""
    (tmp_path / name).write_bytes(data)
    with pytest.raises(Fault) as caught:
        take(store, tmp_path / name)
    assert caught.value.code == code
    assert name in str(caught.value)


def test_extract_says_what_it_cannot_read(tmp_path: Path) -> None:
    """A missing file, a folder, a binary."""
    (tmp_path / "b").write_bytes(b"\x7fELF\0")
    for path, code in ((tmp_path / "none", "E-INTEL-001"), (tmp_path, "E-INTEL-009"), (tmp_path / "b", "E-INTEL-006")):
        with pytest.raises(Fault, match=code):
            extract_path(path)
