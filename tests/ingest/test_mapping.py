"""The mapping language: what each reader takes, how values become columns, and how mistakes are said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ingest_scenes import Scene, counts
from seawall.ingest import IngestOptions, explain
from seawall.ingest.mapped import MappedFormat
from seawall.ingest.mapping import FILE_BOUND, PATTERN_LINE, load_mapping, parse_mapping
from seawall.ingest.records import LineRefused
from seawall.model import Fault, to_microseconds
from seawall.model.moments import parse_moment

WRITTEN = to_microseconds(parse_moment("2026-03-20T00:00:00Z"))
PLAIN = """
name = "plain"
[time]
field = "t"
unit = "s"
[columns]
kind = { constant = "flow" }
src = "a"
"""
CSV = PLAIN + '[reader]\ntype = "csv"\nfields = ["t", "a", "b"]\n'
JSON = PLAIN + '[reader]\ntype = "ndjson"\n'
PAIRS = PLAIN + '[reader]\ntype = "keyvalue"\n'


def decoded(text: str, *lines: bytes) -> list[dict[str, Any]]:
    """The records that a mapping makes of lines."""
    decoder = MappedFormat.of(parse_mapping(text.encode(), "test.toml")).decoder(WRITTEN)
    return [dict(record) for line in lines for record in decoder.decode(line)]


def sources(text: str, *lines: bytes) -> list[object]:
    """What the column ``src`` became."""
    return [record.get("src_raw") for record in decoded(text, *lines)]


def test_csv_takes_names_from_the_mapping_or_from_the_first_line() -> None:
    """Quoted cells, a tab as delimiter and a header line are read."""
    assert sources(CSV, b'1773457920,"192.0.2.1",x') == ["192.0.2.1"]
    tabs = PLAIN + '[reader]\ntype = "csv"\ndelimiter = "\\t"\n'
    assert sources(tabs, b"a\tt", b"192.0.2.2\t1773457920", b"-\t1773457920") == ["192.0.2.2", None]


@pytest.mark.parametrize("line", [b"1,2", b"1,2,3,4", b'1,"2,3'])
def test_csv_with_a_wrong_number_of_cells_is_refused(line: bytes) -> None:
    """Too few or too many cells, and a quote that does not end, reject the line."""
    with pytest.raises(LineRefused) as refused:
        decoded(CSV, line)
    assert refused.value.flaw.code == "not-csv"


def test_json_is_read_nested_dotted_and_from_lists() -> None:
    """Nested objects, keys with dots, first items, all items and picked items are one language."""
    mapping = """
name = "nested"
[reader]
type = "ndjson"
root = "_source"
[time]
field = "t"
unit = ["iso", "ms"]
[columns]
kind = "event.kind"
src = ["no.such", "source.ip"]
dst = "answers"
technique = "attacks[].id"
sha256 = "file.hashes[algorithm=SHA-256].value"
severity = "event.severity"
"""
    nested = (
        b'{"_source": {"t": 1773457920123, "event": {"kind": "dns", "severity": 3}, "source": {"ip": "192.0.2.1"}, '
        b'"answers": [null, "192.0.2.9", "192.0.2.10"], "attacks": [{"id": "T1059"}, {"id": "T1071.001"}], '
        b'"file": {"hashes": [{"algorithm": "MD5", "value": "m"}, {"algorithm": "sha-256", "value": "s"}]}}}'
    )
    dotted = b'{"t": "2026-03-14T03:12:00Z", "event.kind": "dns", "source": {"ip": "192.0.2.1"}, "event.severity": 3}'
    first, second = decoded(mapping, nested, dotted)
    assert first["time"] == 1_773_457_920_123_000
    assert (first["src_raw"], first["dst_raw"], first["sha256"]) == ("192.0.2.1", "192.0.2.9", "s")
    assert first["technique_text"] == "T1059,T1071.001"
    assert (second["kind"], second["src_raw"], second["severity_raw"]) == ("dns", "192.0.2.1", "3")
    assert second["time"] == 1_773_457_920_000_000


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"no json", "not-json"),
        (b"[1]", "not-json"),
        (b'{"t": NaN}', "not-json"),
        (b"[" * 100_000, "not-json"),
        (b'{"t": 1773457920, "a": {"b": 1}}', "wrong-type"),
        (b'{"t": 1773457920, "a": [{"b": 1}]}', "wrong-type"),
        (b'{"t": 1e400}', "not-json"),
        (b'{"a": "192.0.2.1"}', "no-time"),
        (b'{"t": "99999999999999999999999999999999999999999999"}', "bad-time"),
        (b'{"t": "1E+999999"}', "bad-time"),
    ],
)
def test_hostile_json_is_refused_with_its_reason(line: bytes, code: str) -> None:
    """What is no object, no text where a text belongs, or no time, is a value with a stable code."""
    with pytest.raises(LineRefused) as refused:
        decoded(JSON, line)
    assert refused.value.flaw.code == code


def test_deep_json_is_read_down_to_a_bound() -> None:
    """Nesting beyond the bound is not looked into and harms nothing."""
    deep = b'{"t": 1773457920, "a": "192.0.2.1", "x": ' + b'{"x": ' * 200 + b"1" + b"}" * 201
    assert sources(JSON, deep) == ["192.0.2.1"]


def test_pairs_are_split_by_delimiters_and_quotes() -> None:
    """Values in quotes may hold the delimiter; text before the first pair is passed over; the first of equals wins."""
    line = b'gw: t=1773457920 msg="a=1 b=2" a=192.0.2.1 a=192.0.2.2 empty= '
    assert sources(PAIRS, line) == ["192.0.2.1"]
    loose = PAIRS + "loose = true\n"
    assert sources(loose.replace('src = "a"', 'src = "m"'), b"t=1773457920 m=one two three n=4") == ["one two three"]


def test_a_line_without_pairs_is_refused() -> None:
    """Prose is no record."""
    with pytest.raises(LineRefused) as refused:
        decoded(PAIRS, b"nothing to see")
    assert refused.value.flaw.code == "no-pairs"


def test_patterns_are_tried_in_order_on_a_bounded_line() -> None:
    """The first pattern that fits gives the fields; what lies beyond the bound is not seen."""
    mapping = PLAIN + (
        "[reader]\ntype = 'regex'\npatterns = [{ pattern = '^(?P<t>\\d+) from (?P<a>\\S+)', contains = 'from' }, "
        "{ pattern = '^(?P<t>\\d+)', set = { a = '192.0.2.9' } }]\n"
    )
    assert sources(mapping, b"1773457920 from 192.0.2.1", b"1773457920 else") == ["192.0.2.1", "192.0.2.9"]
    far = b"1773457920 " + b"x" * PATTERN_LINE + b" from 192.0.2.1"
    assert sources(mapping, far) == ["192.0.2.9"]
    with pytest.raises(LineRefused) as refused:
        decoded(mapping, b"else")
    assert refused.value.flaw.code == "no-pattern"


@pytest.mark.parametrize(
    ("unit", "text", "moment"),
    [
        ("iso", "2026-03-14T12:12:00+09:00", "2026-03-14T03:12:00Z"),
        ("s", "1773457920.25", "2026-03-14T03:12:00.25Z"),
        ("ms", "1773457920250", "2026-03-14T03:12:00.25Z"),
        ("us", "1773457920250000", "2026-03-14T03:12:00.25Z"),
        ("ns", "1773457920250000999", "2026-03-14T03:12:00.25Z"),
        ("%d/%b/%Y:%H:%M:%S %z", "14/Mar/2026:12:12:00 +0900", "2026-03-14T03:12:00Z"),
    ],
)
def test_times_of_every_unit(unit: str, text: str, moment: str) -> None:
    """Seconds and their parts, ISO texts and strptime texts give the same microseconds."""
    mapping = JSON.replace('unit = "s"', f'unit = "{unit}"')
    [record] = decoded(mapping, b'{"t": "%b"}' % text.encode())
    assert record["time"] == to_microseconds(parse_moment(moment))


def test_a_time_without_offset_is_of_the_mapping_s_zone_or_left_to_the_sensor_s() -> None:
    """A zone in the mapping settles it; without one the text goes on, for the sensor table."""
    mapping = JSON.replace('unit = "s"', 'unit = "%b %d %H:%M:%S"')
    line = b'{"t": "Mar 14 12:12:00"}'
    [left] = decoded(mapping, line)
    assert (left["time"], left["time_raw"]) == (None, "2026-03-14T12:12:00")
    [zoned] = decoded(mapping.replace("unit =", 'zone = "Asia/Seoul"\nunit ='), line)
    assert zoned["time"] == to_microseconds(parse_moment("2026-03-14T03:12:00Z"))
    [late] = decoded(mapping, b'{"t": "Dec 31 23:59:59"}')
    assert late["time_raw"] == "2025-12-31T23:59:59"
    [leap] = decoded(mapping, b'{"t": "Feb 29 00:00:00"}')
    assert leap["time_raw"] == "2024-02-29T00:00:00"


def test_values_and_rules() -> None:
    """Tables translate without regard to case, the first rule that fits is taken, numbers can be compared."""
    mapping = (
        JSON
        + """
[[rules]]
when = { verdict = ["deny*", "*drop"], level = ">=7" }
set = { kind = "alert", basis = "blocked" }
[[rules]]
when = { "tags[]" = "*scan*" }
set = { rsit = "information-gathering:scanner" }
[values.verdict]
DENY = "blocked"
"*" = "allowed"
"""
    ).replace('src = "a"', 'action = { field = "verdict", values = "verdict", otherwise = "unknown" }')
    lines = [
        b'{"t": 1773457920, "verdict": "Deny", "level": 7}',
        b'{"t": 1773457920, "verdict": "softdrop", "level": "10"}',
        b'{"t": 1773457920, "verdict": "deny", "level": 6, "tags": ["x", "Portscan"]}',
        b'{"t": 1773457920}',
    ]
    found = [(r["kind"], r["basis"], r.get("rsit"), r["action"]) for r in decoded(mapping, *lines)]
    assert found == [
        ("alert", "blocked", None, "blocked"),
        ("alert", "blocked", None, "allowed"),
        ("flow", "none", "information-gathering:scanner", "blocked"),
        ("flow", "none", None, "unknown"),
    ]


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (("name = ", "nome = "), "its top"),
        (('name = "plain"', 'name = "Plain Log"'), "name"),
        (('kind = { constant = "flow" }', ""), "columns"),
        (('src = "a"', 'sorce = "a"'), "columns.sorce"),
        (('src = "a"', "src = 5"), "columns[...]"),
        (('src = "a"', "src = { }"), "columns.src"),
        (('src = "a"', 'src = { field = "a", match = "(" }'), "columns.src.match"),
        (('src = "a"', 'src = { field = "a", match = "x" }'), "columns.src.match"),
        (('src = "a"', 'src = { field = "a", values = "none" }'), "columns.src.values"),
        (('type = "csv"', 'type = "xml"'), "reader.type"),
        (('type = "csv"', 'type = "csv"\ndelimiter = "||"'), "reader.delimiter"),
        (('type = "csv"', 'type = "csv"\nleast = 9'), "reader.least"),
        (('unit = "s"', 'unit = "hours"'), "time.unit"),
        (('unit = "s"', 'unit = "syslog"'), "time.unit"),
        (('unit = "s"', 'zone = "Mars/Olympus"'), "time.zone"),
        (('field = "t"', ""), "time"),
    ],
)
def test_a_mistake_is_one_sentence_with_its_key(change: tuple[str, str], key: str) -> None:
    """Each mistake is a Fault that names the file, the key and what to do."""
    with pytest.raises(Fault) as fault:
        parse_mapping(CSV.replace(*change).encode(), "m.toml")
    assert fault.value.code == "E-MAPPING-002"
    assert (fault.value.values["path"], fault.value.values["key"]) == ("m.toml", key)


@pytest.mark.parametrize(("name", "value"), [("basis", "evil"), ("rsit", "no:such"), ("nothing", "x")])
def test_rules_set_known_columns_to_known_values(name: str, value: str) -> None:
    """A basis or class that does not exist is found before any line is read."""
    text = CSV + f'[[rules]]\nwhen = {{ a = "x" }}\nset = {{ {name} = "{value}" }}\n'
    with pytest.raises(Fault) as fault:
        parse_mapping(text.encode(), "m.toml")
    assert fault.value.values["key"] == f"rules[0].set.{name}"


def test_a_file_that_is_no_mapping_is_said(tmp_path: Path) -> None:
    """Absent, broken, huge and binary files are one sentence each."""
    for name, data in (("broken", b"name = "), ("binary", b"\xff\x00"), ("huge", b"#" * (FILE_BOUND + 1))):
        (tmp_path / name).write_bytes(data)
    for name in ("absent", "broken", "binary", "huge"):
        with pytest.raises(Fault) as fault:
            load_mapping(tmp_path / name)
        assert fault.value.code == "E-MAPPING-001"


def test_hostile_lines_change_only_themselves(scene: Scene) -> None:
    """Terminal escapes, SQL, bad UTF-8, huge values and wrong addresses: good lines around them are stored."""
    mapping = scene.write("m.toml", CSV.encode())
    lines = [
        b"1773457920,192.0.2.1,good",
        b"1773457921,\x1b[31m'; DROP TABLE x;--,bad address",
        b"1773457922,192.0.2.2,\xff\xfe{{7*7}} %s %n",
        b"1773457923,192.0.2.3," + b"x" * 900_000,
        b"1773457924,192.0.2.4," + b"x" * (1 << 20),
        b"1773457925,2001:db8::1,good",
    ]
    assert counts(scene.ingest(scene.write("log.csv", lines), mapping=mapping)) == (4, 0, 2)
    assert counts(scene.ingest(scene.write("log.csv", lines), mapping=mapping)) == (0, 4, 2)


def test_explaining_stores_nothing(scene: Scene) -> None:
    """Fields, columns and flaws of the first lines are told, and the lake and the quarantine stay empty."""
    mapping = scene.write("m.toml", CSV.encode())
    log = scene.write("log.csv", [b"1773457920,192.0.2.1,x", b"1773457920,nowhere,x", b"no"])
    options = IngestOptions(quarantine=scene.quarantine, node_side="TW", mapping=mapping)
    found = explain(log, scene.lake, options, lines=2)
    assert (found.format, found.lines) == ("plain", 2)
    good, bad = found.items
    assert good.fields == {"t": "1773457920", "a": "192.0.2.1", "b": "x"}
    assert (good.columns[0]["time"], good.columns[0]["side"], good.flaws) == (1_773_457_920_000_000, "TW", [])
    assert (bad.columns, [flaw.code for flaw in bad.flaws]) == ([], ["bad-address"])
    assert scene.rows() == []
    assert not scene.quarantine.exists() or not list(scene.quarantine.iterdir())


def test_explaining_what_is_no_log_is_a_sentence(scene: Scene) -> None:
    """A binary file and a file that is not there cannot be explained."""
    options = IngestOptions(quarantine=scene.quarantine, node_side="TW")
    for path in (scene.write("binary", b"\x00\x01\x02"), scene.folder / "absent"):
        with pytest.raises(Fault) as fault:
            explain(path, scene.lake, options)
        assert fault.value.code == "E-MAPPING-003"


def test_a_format_with_code_is_explained_too(scene: Scene) -> None:
    """A JSON line of a format without a mapping shows what it holds."""
    line = b'{"timestamp": "2026-03-14T03:12:00+0000", "event_type": "flow", "src_ip": "192.0.2.1", "proto": "TCP"}'
    options = IngestOptions(quarantine=scene.quarantine, node_side="TW")
    found = explain(scene.write("eve.json", [line]), scene.lake, options)
    assert found.format == "suricata-eve"
    assert found.items[0].fields["src_ip"] == "192.0.2.1"
    assert found.items[0].columns[0]["kind"] == "flow"
