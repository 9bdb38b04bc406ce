"""The table that says which module holds which command."""

from __future__ import annotations

from pathlib import Path

import pytest
from cyclopts import App

import seawall.cli
from seawall.cli import every_command
from seawall.cli.commands import MODULES, load


def modules_below(group: App) -> set[str]:
    """The modules whose functions stand anywhere in this group of commands."""
    own = {group.default_command.__module__.rpartition(".")[2]} if group.default_command else set()
    return own.union(*(modules_below(group[name]) for name in group if not name.startswith("-")))


def test_the_table_of_commands_is_true() -> None:
    """A first word's modules in the table are those that its commands come from, and every module is in it."""
    tree = every_command()
    words = {name for name in tree if not name.startswith("-")}
    assert {word: {module for module, said in MODULES.items() if word in said} for word in words} == {
        word: modules_below(tree[word]) for word in words
    }
    folder = Path(seawall.cli.__file__).parent
    registering = {path.stem for path in folder.glob("*.py") if ".command" in path.read_text("utf-8")}
    assert registering - {"app", "commands"} == set(MODULES)


def test_a_command_loads_its_own_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first word behind the global options decides; without one, or with an unknown one, all are loaded."""
    loaded: list[str] = []
    monkeypatch.setattr("seawall.cli.commands.import_module", loaded.append)

    def of(*arguments: str) -> list[str]:
        loaded.clear()
        load(arguments)
        return [name.removeprefix("seawall.cli.") for name in loaded]

    assert of("--node", "relay", "--json", "sightings", "--limit", "3") == ["findings"]
    assert of("peers", "list") == ["overlap", "peers", "post"]
    assert of("--node", "relay", "--help") == of("sightngs") == of() == list(MODULES)
