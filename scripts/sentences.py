"""Finds every sentence that the program can say, by reading its source; nothing is imported or run.

A sentence is a string literal

1. after an error code: ``Fault("E-ROOM-001", "Cannot ...")``, whatever the function or method is called;
2. given to ``mark``, ``tr``, ``_`` or ``translate``;
3. given to a function of the same room that hands this parameter on to one of these (a wrapper);
4. in a table at the top of a module, when the table's items are given to one of these: ``translate(CITIES[side])``;
5. assigned to, or looped over by, the variable that is given to one of these in the same function.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "seawall"
CODE = re.compile(r"E-[A-Z]+-\d{3}")
MARKERS = frozenset({"mark", "tr", "_", "translate"})
Function = ast.FunctionDef | ast.AsyncFunctionDef


class Wrapper(NamedTuple):
    """A function that shows what it is given: where the sentence stands among its arguments."""

    room: str  # "" for the markers, which every room may call
    name: str
    place: int | None  # place among the arguments, without self; None: by name only
    parameter: str
    variadic: bool = False


Wrappers = dict[str, set[Wrapper]]  # by the function's name
Called = tuple[ast.Module | Function, ast.Call]


class Said(NamedTuple):
    """One error as it is raised somewhere."""

    code: str
    sentence: str
    path: Path
    call: ast.Call


def parsed() -> dict[Path, ast.Module]:
    """The syntax tree of every file of the product, by path, in a stable order."""
    return {path: ast.parse(path.read_text("utf-8"), str(path)) for path in sorted(SOURCE.rglob("*.py"))}


def called(node: ast.Call) -> str:
    """The last part of the name that is called."""
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")


def literals(node: ast.expr | None) -> Iterator[str]:
    """The string constants that an expression can be: itself, or a side of a conditional, or a table's default."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from literals(node.body)
        yield from literals(node.orelse)
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from literals(value)


def coded(node: ast.Call) -> tuple[str, ast.expr] | None:
    """(code, sentence) when the call's arguments hold an error code followed by something."""
    for place, argument in enumerate(node.args[:-1]):
        for text in literals(argument):
            if CODE.fullmatch(text):
                return text, node.args[place + 1]
    return None


def errors(trees: dict[Path, ast.Module]) -> Iterator[Said]:
    """Every error that is raised with a literal code and sentence."""
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and (pair := coded(node)) is not None:
                for sentence in literals(pair[1]):
                    yield Said(pair[0], sentence, path, node)


def sentences(trees: dict[Path, ast.Module] | None = None) -> dict[str, set[str]]:
    """Every sentence, with the files it stands in (relative to the project)."""
    trees = trees or parsed()
    found: dict[str, set[str]] = {}

    def add(texts: Iterable[str], path: Path) -> None:
        for text in texts:
            if text and not CODE.fullmatch(text):
                found.setdefault(text, set()).add(path.relative_to(ROOT).as_posix())

    for said in errors(trees):
        add([said.sentence], said.path)
    calls = {path: list(_calls(tree)) for path, tree in trees.items()}
    wrappers = _wrappers(calls)
    for path, tree in trees.items():
        tables = _tables(tree)
        for scope, call in calls[path]:
            for shown in _shown(call, wrappers, _room(path)):
                add(literals(shown), path)
                add(_indirect(shown, scope, tables), path)
    return found


def _room(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0]


def _calls(tree: ast.Module) -> Iterator[Called]:
    """Every call with the innermost function it stands in."""
    waiting: list[tuple[ast.AST, ast.Module | Function]] = [(tree, tree)]
    while waiting:
        node, scope = waiting.pop()
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Call):
                yield scope, child
            waiting.append((child, child if isinstance(child, Function) else scope))


def _shown(call: ast.Call, wrappers: Wrappers, room: str) -> Iterator[ast.expr]:
    """The arguments of a call that a person will read."""
    for wrapper in wrappers.get(called(call), ()):
        if wrapper.room not in ("", room):
            continue
        if wrapper.place is not None and wrapper.variadic:
            yield from call.args[wrapper.place :]
        elif wrapper.place is not None and len(call.args) > wrapper.place:
            yield call.args[wrapper.place]
        yield from (keyword.value for keyword in call.keywords if keyword.arg == wrapper.parameter)


def _wrappers(calls: dict[Path, list[Called]]) -> Wrappers:
    """The markers and, to any depth, the functions that hand a parameter on to one of them."""
    wrappers: Wrappers = {name: {Wrapper("", name, 0, "text")} for name in MARKERS}
    inside = [
        (_room(path), scope, call)
        for path, found in calls.items()
        if path.parent.name != "messages"
        for scope, call in found
        if isinstance(scope, Function)
    ]
    while True:
        more = {
            wrapper
            for room, scope, call in inside
            for shown in _shown(call, wrappers, room)
            for wrapper in _handing_on(scope, shown, room)
        }
        new = [wrapper for wrapper in more if wrapper not in wrappers.get(wrapper.name, ())]
        if not new:
            return wrappers
        for wrapper in new:
            wrappers.setdefault(wrapper.name, set()).add(wrapper)


def _handing_on(function: Function, shown: ast.expr, room: str) -> set[Wrapper]:
    """The function as a wrapper, when what it shows is one of its parameters (or runs through its ``*parameter``)."""
    if not isinstance(shown, ast.Name):
        return set()
    names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
    places = names[1:] if names[:1] in (["self"], ["cls"]) else names
    if shown.id in places:
        return {Wrapper(room, function.name, places.index(shown.id), shown.id)}
    if shown.id in {argument.arg for argument in function.args.kwonlyargs}:
        return {Wrapper(room, function.name, None, shown.id)}
    if function.args.vararg is not None:
        rest = function.args.vararg.arg
        loops = [node for node in ast.walk(function) if isinstance(node, ast.For | ast.comprehension)]
        if any(shown.id in _names(loop.target) and rest in _names(loop.iter) for loop in loops):
            return {Wrapper(room, function.name, len(places), rest, variadic=True)}
    return set()


def _names(node: ast.expr) -> list[str]:
    return [part.id for part in ast.walk(node) if isinstance(part, ast.Name)]


def _tables(tree: ast.Module) -> dict[str, list[str]]:
    """The strings of every literal table at the top of a module, by its name."""
    tables: dict[str, list[str]] = {}
    for node in tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        value = getattr(node, "value", None)
        for target in targets:
            if isinstance(target, ast.Name) and isinstance(value, ast.Dict):
                tables[target.id] = [text for item in value.values for text in literals(item)]
    return tables


def _indirect(shown: ast.expr, scope: ast.Module | Function, tables: dict[str, list[str]]) -> Iterator[str]:
    """What a variable, ``TABLE[key]`` or ``TABLE.get(key, default)`` can be."""
    if isinstance(shown, ast.Subscript) and isinstance(shown.value, ast.Name):
        yield from tables.get(shown.value.id, [])
    elif isinstance(shown, ast.Call) and isinstance(shown.func, ast.Attribute) and shown.func.attr == "get":
        if isinstance(shown.func.value, ast.Name) and shown.func.value.id in tables:
            yield from tables[shown.func.value.id]
            yield from literals(shown.args[1] if len(shown.args) > 1 else None)
    elif isinstance(shown, ast.Name):
        for node in ast.walk(scope):
            if isinstance(node, ast.Assign) and any(ast.unparse(target) == shown.id for target in node.targets):
                yield from literals(node.value)
            elif isinstance(node, ast.For | ast.comprehension) and isinstance(node.iter, ast.Tuple | ast.List):
                yield from _of_rows(shown.id, node.target, node.iter.elts)


def _of_rows(name: str, target: ast.expr, rows: list[ast.expr]) -> Iterator[str]:
    """The strings that ``name`` takes in ``for label, name in (("Events", "events"), ...)``."""
    if isinstance(target, ast.Name) and target.id == name:
        for row in rows:
            yield from literals(row)
    elif isinstance(target, ast.Tuple):
        places = [place for place, part in enumerate(target.elts) if isinstance(part, ast.Name) and part.id == name]
        for row in rows:
            if isinstance(row, ast.Tuple) and len(row.elts) == len(target.elts):
                for place in places:
                    yield from literals(row.elts[place])
