"""The page ``docs/how-to/add-a-log-format.md``, followed to the letter."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from ingest_scenes import Scene, counts
from seawall.ingest import formats
from seawall.ingest.interface import Format

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "add-a-log-format.md"
EXCEPT = {"event", "source_file"}


def block(language: str) -> str:
    """The one block of the page in this language."""
    found = re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert len(found) == 1, language
    return str(found[0])


def rows(scene: Scene) -> list[dict[str, Any]]:
    """The lake's rows without what tells the run apart."""
    return [{name: value for name, value in row.items() if name not in EXCEPT} for row in scene.rows()]


@pytest.fixture
def log(scene: Scene) -> Path:
    """The page's log."""
    return scene.write("gatehouse.log", block("log").encode())


@pytest.fixture
def mapping(scene: Scene) -> Path:
    """The page's mapping."""
    return scene.write("gatehouse.toml", block("toml").encode())


def test_the_mapping_of_the_page_takes_its_log(scene: Scene, log: Path, mapping: Path) -> None:
    """Two lines are stored with the columns that the page promises, the third is rejected, and again nothing new."""
    assert counts(scene.ingest(log, mapping=mapping)) == (2, 0, 1)
    assert counts(scene.ingest(log, mapping=mapping)) == (0, 2, 1)
    first, second = scene.rows()
    assert (first["kind"], first["basis"], first["rsit"]) == ("alert", "blocked", "malicious-code:c2-server")
    assert (first["time"], first["sensor"]) == (1_773_457_920_250_000, "tpe-gw-1")
    assert (first["url"], first["domain"]) == ("http://www.example.net/login", "www.example.net")
    assert (second["kind"], second["basis"], second["signature"]) == ("http", "none", None)


def test_the_code_of_the_page_gives_the_same_rows(
    scene: Scene, log: Path, mapping: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The format file of the second half stores what the mapping of the first half stores, and recognises the log."""
    scene.ingest(log, mapping=mapping)
    space: dict[str, Any] = {"__name__": "gatehouse"}
    exec(compile(block("python"), "gatehouse.py", "exec"), space)  # noqa: S102  # the page's own code
    made: Format = space["Gatehouse"]()
    monkeypatch.setattr(formats, "FORMATS", (made, *formats.FORMATS))
    other = Scene(tmp_path_factory.mktemp("coded"))
    assert counts(other.ingest(log)) == (2, 0, 1)
    assert rows(other) == rows(scene)


def test_the_page_names_every_column_and_every_shipped_mapping() -> None:
    """What a mapping may name stands on the page."""
    from seawall.ingest.mapped import shipped
    from seawall.ingest.mapping import COLUMNS, UNITS

    text = PAGE.read_text("utf-8")
    assert [name for name in (*COLUMNS, *UNITS, *(one.name for one in shipped())) if f"`{name}`" not in text] == []
