"""The files of the project: short, clean of the machine they were made on, without loose ends."""

from __future__ import annotations

import ast
import re

from house.source import SOURCE, named, python_files, tracked, tree

MAX_LINES = 400  # when a file needs a table of contents, it is a folder
BINARY = {".png", ".ico", ".woff2", ".gz", ".zst", ".pcap", ".parquet", ".whl"}

# Written with a class of one letter, so that this file does not name what it forbids.
FORBIDDEN = re.compile(
    r"pythonhoste[d]|registry\.npmj[s]|deb\.debia[n]\.|pyp[i]\.or[g]|archive\.ubunt[u]\.|/(?:hom[e]|wor[k]|Use[r]s)/\w|"
    r"(?<![\w/.])/tm[p]/\w"
)
LOOSE_ENDS = re.compile(r"NotImplementedErro[r]|pragma: no cove[r]|\bFIXM[E]\b|\bXX[X]\b|\bTOD[O]\b(?!\(#\d+\))")


def test_files_can_be_read_in_one_sitting() -> None:
    """No Python file is longer than 400 lines."""
    lines = {named(path): len(path.read_text("utf-8").splitlines())
             for path in python_files("src", "tests", "bench", "scripts", "accelerator")}  # fmt: skip
    assert {name: count for name, count in lines.items() if count > MAX_LINES} == {}


def test_nothing_names_the_machine_it_was_made_on() -> None:
    """No tracked file holds a registry's host or a path of somebody's machine."""
    found = [
        f"{named(path)}:{number}"
        for path in tracked()
        if path.suffix not in BINARY
        for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1)
        if FORBIDDEN.search(line)
    ]
    assert found == []


def test_there_are_no_loose_ends() -> None:
    """No stub and no reminder without an issue number."""
    found = [
        f"{named(path)}:{number}"
        for path in python_files("src", "tests", "bench", "scripts", "accelerator")
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if LOOSE_ENDS.search(line)
    ]
    assert found == []


def test_every_test_states_its_behaviour() -> None:
    """Each test function starts with one sentence that ends with a full stop."""
    wrong = []
    for path in python_files("tests"):
        for node in ast.walk(tree(path)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test_"):
                said = (ast.get_docstring(node) or "").split("\n\n")[0]
                if not said.rstrip().endswith("."):
                    wrong.append(f"{named(path)}::{node.name}")
    assert wrong == []


def test_every_room_has_a_face() -> None:
    """Each room opens with what comes in, what goes out and what never happens here, and lists its face."""
    wrong = []
    for folder in sorted(path for path in SOURCE.iterdir() if path.is_dir() and path.name != "__pycache__"):
        face = folder / "__init__.py"
        if not face.exists():
            wrong.append(f"{folder.name}: no __init__.py")
            continue
        said = (ast.get_docstring(tree(face)) or "").lower()
        wrong += [f"{folder.name}: does not say {word!r}" for word in ("in:", "out:", "never") if word not in said]
        names = {target.id for node in tree(face).body if isinstance(node, ast.Assign)
                 for target in node.targets if isinstance(target, ast.Name)}  # fmt: skip
        if "__all__" not in names:
            wrong.append(f"{folder.name}: no __all__")
    assert wrong == []


def test_public_functions_say_what_they_promise() -> None:
    """Every public class and function at the top of a module has a docstring."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    wrong = [
        f"{named(path)}::{node.name}"
        for path in python_files("src")
        for node in tree(path).body
        if isinstance(node, kinds) and not node.name.startswith("_") and not ast.get_docstring(node)
    ]
    assert wrong == []
