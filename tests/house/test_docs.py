"""The documents say what the program does."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cyclopts import App

from house.source import ROOT, named, tracked
from seawall.cli import every_command
from seawall.settings import Settings

LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)")
HAND_WRITTEN = [path for path in tracked() if path.suffix == ".md" and "reference" not in path.parts]


def command_names(group: App, before: str = "") -> Iterator[str]:
    """Every command as it is typed, without the program's name."""
    for name in group:
        if not name.startswith("-"):
            full = f"{before} {name}".strip()
            children = list(command_names(group[name], full))
            yield from children or [full]


def test_generated_pages_are_up_to_date() -> None:
    """The reference pages are what ``make docs`` writes."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "reference_pages.py"), "--check"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_command_is_documented() -> None:
    """Each command is mentioned in a document that a person wrote."""
    text = "\n".join(path.read_text("utf-8") for path in HAND_WRITTEN)
    assert [name for name in command_names(every_command()) if f"seawall {name}" not in text] == []


@pytest.mark.parametrize("path", [path for path in tracked() if path.suffix == ".md"], ids=named)
def test_links_lead_somewhere(path: Path) -> None:
    """Every relative link of a document leads to a file of the project."""
    targets = LINK.findall(path.read_text("utf-8"))
    assert [target for target in targets if not (path.parent / target).exists()] == []


def test_make_targets_are_what_the_readme_names() -> None:
    """Every ``make`` target that a document names exists."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    used = {name for path in HAND_WRITTEN for name in re.findall(r"`make ([a-z-]+)`", path.read_text("utf-8"))}
    assert used <= targets


def test_every_setting_is_on_its_page() -> None:
    """Whatever its type, with its section, default and variable."""
    rows = [line.split(" | ") for line in (ROOT / "docs/reference/settings.md").read_text("utf-8").splitlines()]
    told = {(row[0].removeprefix("| "), row[1].strip("`"), row[3].strip("`")) for row in rows if len(row) >= 4}
    tree = Settings()
    for section in tree.__struct_fields__:
        for key in getattr(tree, section).__struct_fields__:
            assert (section, key, f"SEAWALL_{section}_{key}".upper()) in told
