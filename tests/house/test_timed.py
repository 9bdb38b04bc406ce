"""No test asserts that something was quick: what holds on an idle machine fails on a busy one.

Benches measure; tests count (``counting``), and each test's time limit ends what hangs. Loops that wait until a moment
may end in an assertion, since they only bound how long is waited for what must come.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from house.source import ROOT, python_files, tree

CLOCKS = {"monotonic", "perf_counter", "process_time", "thread_time", "monotonic_ns", "perf_counter_ns"}
TESTS = [path for path in python_files("tests") if path.name.startswith("test_")]


def _clock(node: ast.AST) -> bool:
    """Whether a clock is read in this expression."""
    return any(
        isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute) and one.func.attr in CLOCKS
        for one in ast.walk(node)
    )


def _measured(node: ast.AST) -> bool:
    """Whether this expression takes one moment from another."""
    return any(isinstance(one, ast.BinOp) and isinstance(one.op, ast.Sub) and _clock(one) for one in ast.walk(node))


def _at_least(test: ast.expr) -> bool:
    """Whether only a shortest time is asked for, which a busy machine cannot fall short of."""
    return isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.Gt | ast.GtE) and _measured(test.left)


def _lengths(function: ast.AST) -> set[str]:
    """Names in this function that hold a measured time, or lists that such times were added to."""
    found = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Assign | ast.AugAssign) and _measured(node.value):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name)}
        if isinstance(node, ast.Call) and any(_measured(one) for one in node.args):
            called = node.func
            if isinstance(called, ast.Attribute) and called.attr == "append" and isinstance(called.value, ast.Name):
                found.add(called.value.id)
    return found


def timed(module: ast.Module) -> Iterator[int]:
    """The lines of assertions on a measured time."""
    for function in ast.walk(module):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        lengths = _lengths(function)
        for node in ast.walk(function):
            if isinstance(node, ast.Assert):
                names = {one.id for one in ast.walk(node.test) if isinstance(one, ast.Name)}
                if names & lengths or (_measured(node.test) and not _at_least(node.test)):
                    yield node.lineno


def test_no_test_asserts_on_a_measured_time() -> None:
    """Seconds, CPU-seconds and rates are figures of ``bench/``."""
    assert [f"{path.relative_to(ROOT)}:{line}" for path in TESTS for line in timed(tree(path))] == []


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("began = time.monotonic()\n work()\n assert time.monotonic() - began < 5", [4]),
        ("began = time.process_time()\n took = time.process_time() - began\n assert 10 / took > 3", [4]),
        ("took = []\n took.append(time.perf_counter() - began)\n assert max(took) < 1", [4]),
        ("began = time.monotonic()\n work()\n assert time.monotonic() - began >= 1", []),
        ("end = time.monotonic() + 9\n while not done():\n  assert time.monotonic() < end", []),
    ],
)
def test_the_check_itself_sees_what_it_is_for(body: str, found: list[int]) -> None:
    """Differences of moments, names and lists that hold one; not the end of a wait or a shortest time."""
    assert list(timed(ast.parse(f"def test_x():\n {body}\n"))) == found
