"""Rule 1 in the source tree: who may make the values without which nothing leaves."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from house.source import SOURCE, named, python_files, tree

MAKERS = {
    "Release": SOURCE / "policy" / "decide.py",
    "Withheld": SOURCE / "policy" / "decide.py",
    "Recorded": SOURCE / "ledger" / "record.py",
}
DECODERS = frozenset({"convert", "decode", "Decoder", "from_builtins", "replace", "__new__", "construct"})
"""Calls that make a value without naming its class as the function: forbidden with these classes as an argument."""


def _constructions(module: ast.Module) -> Iterator[tuple[str, int]]:
    """(class, line) of everything in ``module`` that makes a guarded value, under whatever name it was imported."""
    aliases = dict.fromkeys(MAKERS, "") | {
        alias.asname: alias.name
        for node in ast.walk(module)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname is not None and alias.name in MAKERS
    }

    def guarded(node: ast.expr) -> str | None:
        while isinstance(node, ast.Subscript):  # Recorded[Release](...)
            node = node.value
        name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
        return (aliases[name] or name) if name in aliases else None

    for node in ast.walk(module):
        if not isinstance(node, ast.Call):
            continue
        if (made := guarded(node.func)) is not None:
            yield made, node.lineno
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called in DECODERS:
            for given in (*node.args, *(keyword.value for keyword in node.keywords)):
                if (made := guarded(given)) is not None:
                    yield made, node.lineno


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_one_file_makes_it(name: str) -> None:
    """Release and Withheld come from policy/decide.py, Recorded from ledger/record.py, and from nowhere else."""
    makers = {named(path) for path in python_files("src") for made, _ in _constructions(tree(path)) if made == name}
    assert makers == {named(MAKERS[name])}


@pytest.mark.parametrize(
    "line",
    [
        "Release(recipient='x')",
        "model.Release(1)",
        "Recorded[Release](value, 1, '')",
        "msgspec.json.decode(data, type=Release)",
        "msgspec.convert(data, Withheld)",
        "object.__new__(Recorded)",
        "from seawall.model import Release as Harmless\nHarmless()",
    ],
)
def test_the_search_sees_every_way(line: str) -> None:
    """Calls, attributes, generics, decoders and aliases are all found."""
    assert list(_constructions(ast.parse(line)))


@pytest.mark.parametrize(
    "line", ["isinstance(x, Release)", "def f(x: Recorded[Release]) -> None: ...", "TypeVar('T', bound=Release)"]
)
def test_the_search_lets_types_be_named(line: str) -> None:
    """Annotations and type tests are not constructions."""
    assert not list(_constructions(ast.parse(line)))
