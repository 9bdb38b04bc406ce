"""The slow path: a chunk that the engine refuses, taken apart until good lines are read and bad ones explained.

1. Each line is judged on its own (``JsonLines.flaw``). What Python's parser refuses but the engine reads stays: the
   engine decides, so that a line fares alike beside good and beside bad neighbours.
2. The rest is read as before. When the engine still refuses, lines are judged thoroughly, then halved until the
   guilty ones stand alone.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from seawall.ingest.chunks import Chunk
from seawall.ingest.interface import Engine, Flaw, Reading, Rejected, Typed
from seawall.ingest.json_lines import JsonLines
from seawall.lake import EngineRefusal

UNREADABLE = "unreadable"
REASON_LENGTH = 200


class JsonReader:
    """Reads JSON lines: the whole chunk at once, the slow path where the engine refuses it."""

    def __init__(self, lines: JsonLines, engine: Engine) -> None:
        self._lines = lines
        self._engine = engine

    def read(self, chunk: Chunk) -> Reading:
        """One record a line."""
        table = read_typed(chunk, self._lines, self._engine)
        if table is not None:
            return Reading([Typed(chunk, table)], [])
        return Reading(*salvage(chunk, self._lines, self._engine))

    def flaw(self, line: bytes) -> Flaw | None:
        """An object or list where a text belongs."""
        return self._lines.flaw(line)


def read_typed(chunk: Chunk, lines: JsonLines, engine: Engine) -> pa.Table | None:
    """The typed rows of ``chunk``, one per line; None when the engine refuses it as a whole."""
    engine.file.fill(chunk.runs())
    try:
        table = engine.session.sql(lines.query(engine.file.path))
    except EngineRefusal:
        return None
    return table if len(table) == len(chunk) else None


def salvage(chunk: Chunk, lines: JsonLines, engine: Engine) -> tuple[list[Typed], list[Rejected]]:
    """What can be read of a refused chunk, in line order, and the rejected lines with their reasons."""
    flaws = _flaws(chunk, lines.flaw)
    blank = [index for index in flaws if not chunk.line(index).strip()]
    doubtful = [index for index, flaw in flaws.items() if flaw.code == "not-json" and index not in set(blank)]
    for index, parsed in zip(doubtful, _parsed(chunk, doubtful, lines, engine), strict=True):
        if parsed:
            del flaws[index]
    rejected = [chunk.reject(i, flaw.code, flaw.reason) for i, flaw in flaws.items() if i not in set(blank)]
    rest = chunk.without(list(flaws))
    if (table := read_typed(rest, lines, engine)) is not None:
        return [Typed(rest, table)], rejected
    repeated = _flaws(rest, lines.thorough_flaw)
    rejected += [rest.reject(index, flaw.code, flaw.reason) for index, flaw in repeated.items()]
    found, alone = _halve(rest.without(list(repeated)), lines, engine)
    return found, rejected + alone


def _flaws(chunk: Chunk, judge: Callable[[bytes], Flaw | None]) -> dict[int, Flaw]:
    judged = ((index, judge(chunk.line(index))) for index in range(len(chunk)))
    return {index: flaw for index, flaw in judged if flaw is not None}


def _parsed(chunk: Chunk, indices: list[int], lines: JsonLines, engine: Engine) -> list[bool]:
    """The engine's opinion on single lines; all False when it will not even give one."""
    if not indices:
        return []
    engine.file.fill(chunk.only(np.array(indices)).runs())
    try:
        answers: list[bool] = engine.session.sql(lines.syntax_query(engine.file.path)).column(0).to_pylist()
    except EngineRefusal:
        return [False] * len(indices)
    return answers if len(answers) == len(indices) else [False] * len(indices)


def _halve(chunk: Chunk, lines: JsonLines, engine: Engine) -> tuple[list[Typed], list[Rejected]]:
    if not len(chunk):
        return [], []
    if (table := read_typed(chunk, lines, engine)) is not None:
        return [Typed(chunk, table)], []
    if len(chunk) == 1:
        return [], [chunk.reject(0, UNREADABLE, _engine_reason(lines, engine))]
    middle = len(chunk) // 2
    first, bad = _halve(chunk.only(np.arange(middle)), lines, engine)
    second, worse = _halve(chunk.only(np.arange(middle, len(chunk))), lines, engine)
    return first + second, bad + worse


def _engine_reason(lines: JsonLines, engine: Engine) -> str:
    try:
        engine.session.sql(lines.query(engine.file.path))
    except EngineRefusal as error:
        sentence = str(error).splitlines()[0].partition(". ")[0]
        return sentence.replace(engine.file.path, "the line")[:REASON_LENGTH]
    return "it holds more or less than one record"
