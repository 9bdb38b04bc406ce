"""Faces that resolve their names on first use say each name three times: these are one and the same."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from house.source import SOURCE, named, python_files, tree

LAZY = [path for path in SOURCE.rglob("__init__.py") if "on_first_use" in path.read_text("utf-8")]


def room_of(face: Path) -> str:
    """The room's dotted name."""
    return ".".join(face.parent.relative_to(SOURCE.parent).parts)


def places(face: Path) -> dict[str, tuple[str, ...]]:
    """Module of the room -> names, as the face hands them to ``on_first_use``."""
    calls = [node for node in ast.walk(tree(face)) if isinstance(node, ast.Call)
             and isinstance(node.func, ast.Name) and node.func.id == "on_first_use"]  # fmt: skip
    said: dict[str, tuple[str, ...]] = ast.literal_eval(calls[0].args[1])
    return said


def imported(face: Path) -> Iterator[tuple[str, str]]:
    """Module of the room, name: what the face imports from it for type checkers."""
    for node in ast.walk(tree(face)):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            for one in node.body:
                if isinstance(one, ast.ImportFrom) and (one.module or "").startswith(f"{room_of(face)}."):
                    yield from ((str(one.module).removeprefix(f"{room_of(face)}."), alias.name) for alias in one.names)


@pytest.mark.parametrize("face", LAZY, ids=named)
def test_a_lazy_face_says_the_same_three_times(face: Path) -> None:
    """What type checkers see, what is resolved and what ``__all__`` lists agree."""
    said = [(module, name) for module, names in places(face).items() for name in names]
    assert sorted(said) == sorted(imported(face))
    listed = next(node.value for node in tree(face).body if isinstance(node, ast.Assign)
                  and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "__all__")  # fmt: skip
    assert {name for _, name in said} <= set(ast.literal_eval(listed))


@pytest.mark.parametrize("face", LAZY, ids=named)
def test_a_name_like_its_module_is_taken_from_the_face_only(face: Path) -> None:
    """Where a lazy name is also a module's, nobody imports that module: it would take the name's place."""
    room = room_of(face)
    modules = {path.stem for path in face.parent.iterdir()}
    twice = sorted({name for names in places(face).values() for name in names} & modules)
    if twice:
        direct = re.compile(rf"(?:from|import) {re.escape(room)}\.(?:{'|'.join(twice)})\b")
        paths = [path for path in python_files("src", "tests", "bench", "scripts") if path != face]
        assert [named(path) for path in paths if direct.search(path.read_text("utf-8"))] == []
