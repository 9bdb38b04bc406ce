from __future__ import annotations

from pathlib import Path

import pytest

from seawall.model import Fault
from seawall.reference import SensorPlace, SensorTable


def _table(tmp_path: Path, text: str) -> SensorTable:
    path = tmp_path / "sensors.csv"
    path.write_bytes(text.encode())
    return SensorTable.from_csv(path)


def test_reads_what_people_write(tmp_path: Path) -> None:
    """Byte-order mark, spaces, empty lines, CRLF, other columns and their order do not matter."""
    table = _table(
        tmp_path,
        "\ufeffSide, sensor ,Sector,timezone,note\r\n TW , taipei-1 ,water,Asia/Taipei,x\r\n"
        "\r\n,,,,\r\nKR,seoul-1,,+09:00\r\n",
    )
    assert list(table) == [
        SensorPlace("taipei-1", "TW", "water", "Asia/Taipei"),
        SensorPlace("seoul-1", "KR", "unknown", "+09:00"),
    ]
    assert table.get("taipei-1") == SensorPlace("taipei-1", "TW", "water", "Asia/Taipei")
    assert table.get("TAIPEI-1") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sensor,side,sector\na,TW,water\nb,TW,water\na,KR,water\n", r"E-REFERENCE-011.*line 4.*'a'.*line 2"),
        ("sensor,side,sector\na,TW,water\na,TW,water\n", r"E-REFERENCE-011.*line 3"),
        ("sensor,side,sector\n,TW,water\n", r"E-REFERENCE-010.*line 2"),
        ("sensor,side,sector\na,,water\n", r"E-REFERENCE-010.*line 2"),
        ("sensor,side\na,TW\n", r"E-REFERENCE-002.*no column sector"),
        ("", r"E-REFERENCE-002.*no column sensor"),
        ("sensor,side,sector,timezone\na,TW,water,Mars/Olympus\n", r"E-REFERENCE-012.*line 2.*Mars/Olympus"),
        ("sensor,side,sector,timezone\na,TW,water,../../etc/passwd\n", r"E-REFERENCE-012"),
        ("sensor,side,sector,timezone\na,TW,water,+25:00\n", r"E-REFERENCE-012"),
        ("sensor,side,sector\na,TW,water,1,2\n", r"E-REFERENCE-003.*line 2"),
        ("sensor,side,sector\n" + "a" * 300 + ",TW,water\n", r"E-REFERENCE-003.*line 2"),
    ],
)
def test_refusals_name_the_line(tmp_path: Path, text: str, said: str) -> None:
    """What cannot be used is refused as a whole, with the line and the reason."""
    with pytest.raises(Fault, match=said):
        _table(tmp_path, text)


def test_unreadable_files(tmp_path: Path) -> None:
    """A missing file, a folder and other bytes than UTF-8 get one sentence each."""
    (tmp_path / "latin.csv").write_bytes(b"sensor,side,sector\n\xe9,TW,water\n")
    for path in (tmp_path / "missing.csv", tmp_path, tmp_path / "latin.csv"):
        with pytest.raises(Fault, match="E-REFERENCE-001"):
            SensorTable.from_csv(path)


def test_kept_in_a_folder(tmp_path: Path) -> None:
    """A saved table is loaded again, an absent one is empty, a damaged one is refused."""
    table = SensorTable([SensorPlace("a", "TW", "water"), SensorPlace("b", "KR", "energy", "UTC")])
    assert len(SensorTable.load(tmp_path)) == 0
    table.save(tmp_path / "reference")
    assert list(SensorTable.load(tmp_path / "reference")) == list(table)
    assert [path.name for path in (tmp_path / "reference").iterdir()] == ["sensors.json"]
    (tmp_path / "reference" / "sensors.json").write_text("[{")
    with pytest.raises(Fault, match="E-REFERENCE-001"):
        SensorTable.load(tmp_path / "reference")


def test_a_later_table_holds(tmp_path: Path) -> None:
    """Joining keeps sensors that only one table names, and takes the later word about the others."""
    first = SensorTable([SensorPlace("a", "TW", "water"), SensorPlace("b", "TW", "water")])
    joined = first.joined(SensorTable([SensorPlace("b", "KR", "energy"), SensorPlace("c", "KR", "energy")]))
    assert {place.sensor: place.side for place in joined} == {"a": "TW", "b": "KR", "c": "KR"}


def test_arrow_form() -> None:
    """The table can be joined: one row a sensor, a missing time zone is NULL."""
    table = SensorTable([SensorPlace("a", "TW", "water"), SensorPlace("b", "KR", "energy", "UTC")]).arrow_table()
    assert table.to_pylist()[0] == {"sensor": "a", "side": "TW", "sector": "water", "timezone": None}
    assert SensorTable().arrow_table().num_rows == 0
