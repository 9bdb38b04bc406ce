"""What decoders raise: one list (``model.unreadable``), used wherever bytes of somebody else are decoded."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from house.source import SOURCE, named, python_files, tree

HOME = SOURCE / "model" / "unreadable.py"
DECODING = frozenset({"msgspec.MsgspecError", "msgspec.DecodeError"})
CHECKING = "msgspec.ValidationError"
"""May be caught alone where data that was decoded before is only converted."""
EXCEPTIONS = {
    ("src/seawall/ingest/json_lines.py", "flaw"): "three sentences for three errors, the third of them no flaw at all",
}


def _parts(type: ast.expr | None) -> Iterator[str]:
    for part in type.elts if isinstance(type, ast.Tuple) else [type]:
        if part is not None:
            yield ast.unparse(part)


def _decodes(body: list[ast.stmt]) -> bool:
    """Whether msgspec decodes in these statements: anything but a plain ``data.decode()`` of text or Base64."""
    for node in (node for statement in body for node in ast.walk(statement)):
        if isinstance(node, ast.Call) and "decode" in (called := ast.unparse(node.func)):
            owner = called.rpartition(".")[0]
            if owner in ("msgspec.json", "msgspec.msgpack") or called.startswith("_decode"):
                return True
    return False


def _bare(module: ast.Module) -> Iterator[tuple[str, int, str]]:
    """(function, line, what stands there) of each handler that forgets what else a decoder raises."""

    def walk(node: ast.AST, function: str) -> Iterator[tuple[str, int, str]]:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            function = node.name
        if isinstance(node, ast.Try):
            for handler in node.handlers:
                names = set(_parts(handler.type))
                if names & DECODING or (CHECKING in names and _decodes(node.body)):
                    yield function, handler.lineno, ast.unparse(handler.type or node)
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress"):
            names = {ast.unparse(given) for given in node.args}
            if names & {*DECODING, CHECKING}:
                yield function, node.lineno, ast.unparse(node)
        for below in ast.iter_child_nodes(node):
            yield from walk(below, function)

    yield from walk(module, "")


def _lists(module: ast.Module) -> Iterator[int]:
    """Lines where another list of msgspec's errors is made."""
    for node in ast.walk(module):
        if not isinstance(node, ast.Assign | ast.AnnAssign) or not isinstance(node.value, ast.Tuple):
            continue
        if DECODING & {ast.unparse(part) for part in node.value.elts}:
            yield node.lineno


def test_nobody_catches_half_of_what_a_decoder_raises() -> None:
    """No ``except`` names msgspec's decoding errors by itself: text that is no UTF-8 raises another one."""
    wrong = [
        (named(path), function, line, said)
        for path in python_files("src")
        if path != HOME
        for function, line, said in _bare(tree(path))
        if (named(path), function) not in EXCEPTIONS
    ]
    assert wrong == []


def test_there_is_one_list() -> None:
    """Only ``model.unreadable`` puts msgspec's errors into a list."""
    assert [(named(path), line) for path in python_files("src") for line in _lists(tree(path)) if path != HOME] == []


def test_each_exception_is_still_there() -> None:
    """An exception that nobody needs any more is struck from the list."""
    found = {(named(path), function) for path in python_files("src") for function, _, _ in _bare(tree(path))}
    assert set(EXCEPTIONS) <= found


@pytest.mark.parametrize(
    "handler",
    [
        "msgspec.DecodeError",
        "(OSError, msgspec.MsgspecError)",
        "(msgspec.MsgspecError, UnicodeDecodeError, RecursionError)",
        "msgspec.ValidationError",
    ],
)
def test_the_search_sees_it(handler: str) -> None:
    """Alone, among others and behind another name: each is found."""
    module = ast.parse(f"try:\n    msgspec.json.decode(data)\nexcept {handler}:\n    pass\n")
    assert list(_bare(module))


@pytest.mark.parametrize(
    ("call", "handler"),
    [("msgspec.convert(data, X)", "msgspec.ValidationError"), ("msgspec.json.decode(data)", "(OSError, *UNREADABLE)")],
)
def test_the_search_lets_others_be(call: str, handler: str) -> None:
    """A conversion may be wrong in one way only, and the list itself is what is wanted."""
    assert not list(_bare(ast.parse(f"try:\n    {call}\nexcept {handler}:\n    pass\n")))
