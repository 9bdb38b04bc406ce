"""The slow path: a chunk that the engine refuses, taken apart until good lines are read and bad ones explained.

1. Each line is judged on its own (``Format.flaw``). What Python's parser refuses but the engine reads stays: the engine
   decides, so that a line fares alike beside good and beside bad neighbours.
2. The rest is read as before. When the engine still refuses, lines are judged thoroughly, then halved until the
   guilty ones stand alone.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from seawall.ingest.chunks import Chunk, EngineFile
from seawall.ingest.interface import Flaw, Format, Rejected
from seawall.lake import EngineRefusal, LakeSession

Found = tuple[Chunk, pa.Table]
UNREADABLE = "unreadable"
REASON_LENGTH = 200


def read_typed(chunk: Chunk, format: Format, session: LakeSession, file: EngineFile) -> pa.Table | None:
    """The typed rows of ``chunk``, one per line; None when the engine refuses it as a whole."""
    file.fill(chunk.runs())
    try:
        table = session.sql(format.query(file.path))
    except EngineRefusal:
        return None
    return table if len(table) == len(chunk) else None


def salvage(chunk: Chunk, format: Format, session: LakeSession, file: EngineFile) -> tuple[list[Found], list[Rejected]]:
    """What can be read of a refused chunk, in line order, and the rejected lines with their reasons."""
    flaws = _flaws(chunk, format.flaw)
    blank = [index for index in flaws if not chunk.line(index).strip()]
    doubtful = [index for index, flaw in flaws.items() if flaw.code == "not-json" and index not in set(blank)]
    for index, parsed in zip(doubtful, _parsed(chunk, doubtful, format, session, file), strict=True):
        if parsed:
            del flaws[index]
    rejected = [chunk.reject(i, flaw.code, flaw.reason) for i, flaw in flaws.items() if i not in set(blank)]
    rest = chunk.without(list(flaws))
    if (table := read_typed(rest, format, session, file)) is not None:
        return [(rest, table)], rejected
    repeated = _flaws(rest, format.thorough_flaw)
    rejected += [rest.reject(index, flaw.code, flaw.reason) for index, flaw in repeated.items()]
    found, alone = _halve(rest.without(list(repeated)), format, session, file)
    return found, rejected + alone


def _flaws(chunk: Chunk, judge: Callable[[bytes], Flaw | None]) -> dict[int, Flaw]:
    judged = ((index, judge(chunk.line(index))) for index in range(len(chunk)))
    return {index: flaw for index, flaw in judged if flaw is not None}


def _parsed(chunk: Chunk, indices: list[int], format: Format, session: LakeSession, file: EngineFile) -> list[bool]:
    """The engine's opinion on single lines; all False when it will not even give one."""
    if not indices:
        return []
    file.fill(chunk.only(np.array(indices)).runs())
    try:
        answers: list[bool] = session.sql(format.syntax_query(file.path)).column(0).to_pylist()
    except EngineRefusal:
        return [False] * len(indices)
    return answers if len(answers) == len(indices) else [False] * len(indices)


def _halve(chunk: Chunk, format: Format, session: LakeSession, file: EngineFile) -> tuple[list[Found], list[Rejected]]:
    if not len(chunk):
        return [], []
    if (table := read_typed(chunk, format, session, file)) is not None:
        return [(chunk, table)], []
    if len(chunk) == 1:
        return [], [chunk.reject(0, UNREADABLE, _engine_reason(format, session, file))]
    middle = len(chunk) // 2
    first, bad = _halve(chunk.only(np.arange(middle)), format, session, file)
    second, worse = _halve(chunk.only(np.arange(middle, len(chunk))), format, session, file)
    return first + second, bad + worse


def _engine_reason(format: Format, session: LakeSession, file: EngineFile) -> str:
    try:
        session.sql(format.query(file.path))
    except EngineRefusal as error:
        sentence = str(error).splitlines()[0].partition(". ")[0]
        return sentence.replace(file.path, "the line")[:REASON_LENGTH]
    return "it holds more or less than one record"
