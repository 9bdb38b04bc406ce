"""JSON records, one a line, read by the engine with explicit columns: the quick way for formats of high volume.

Explicit columns cost a third of automatic ones and keep unknown fields out. Numbers are read as text first, because
the engine would round 1.5 to 2 and take ``true`` for 1.

What counts as a text: a JSON string, and a number or boolean as its text. A number may also be written as a string.
Anything else in such a place rejects the line, as does a repeated key among those read.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from seawall.ingest.interface import LINE_BOUND, Flaw
from seawall.ingest.typed import RAW, typed
from seawall.model.unreadable import UNREADABLE

NOT_JSON = "not-json"
WRONG_TYPE = "wrong-type"
REPEATED_KEY = "repeated-key"
HEAD_LINES = 200  # lines looked at to recognise a format
_ARRAY = b"["


class JsonLines(msgspec.Struct, frozen=True):
    """One JSON format: what is read, and how it becomes raw columns.

    ``shape`` nests as the records do: "" is a text, {} an object, [] a list of what it holds. ``columns`` gives names
    of ``typed.RAW`` as SQL over the keys of ``shape``; names left out are NULL.
    """

    shape: dict[str, Any]
    columns: dict[str, str]
    telling: tuple[str, ...]  # every record has at least one of these keys
    kind: str  # the key that every record must have
    foreign: tuple[str, str]  # stable code and sentence part for a record without it
    strict_texts: frozenset[str] = frozenset()  # texts not checked later: an object there would be stored as its text

    def query(self, path: str) -> str:
        """One typed row per line. The engine raises when a line is no JSON object or nests values in wrong places."""
        columns = ", ".join(f"{self.columns.get(name, f'NULL::{kind}')} AS {name}" for name, kind in RAW.items())
        return typed(f"(SELECT {columns} FROM {_read(path, self.shape, lenient=False)})")

    def syntax_query(self, path: str) -> str:
        """One row per line: whether the engine can parse it as an object with at least one telling field."""
        parsed = " OR ".join(f'"{name}" IS NOT NULL' for name in self.telling)
        return f"SELECT {parsed} AS parsed FROM {_read(path, dict.fromkeys(self.telling, ''), lenient=True)}"

    def flaw(self, line: bytes) -> Flaw | None:
        """What is wrong with the shape of one line: encoding, syntax, then types."""
        try:
            event = msgspec.json.decode(line)
        except RecursionError:
            return None  # deep nesting among fields that are not read is harmless; the engine decides
        except UnicodeDecodeError as error:
            return Flaw(NOT_JSON, f"invalid UTF-8: {error.reason}")
        except msgspec.DecodeError as error:
            return Flaw(NOT_JSON, str(error).removeprefix("JSON is malformed: "))
        code, sentence = self.foreign
        if not isinstance(event, dict):
            return Flaw(code, "it is no JSON object")
        if event.get(self.kind) is None:
            return Flaw(code, sentence)
        misplaced = _misplaced(event, self.shape, "", self.strict_texts)
        return Flaw(WRONG_TYPE, misplaced) if misplaced else None

    def thorough_flaw(self, line: bytes) -> Flaw | None:
        """As ``flaw``, and a repeated key among those read: asked only for lines that the engine refused."""
        if (found := self.flaw(line)) is not None:
            return found
        try:
            event = json.loads(line, object_pairs_hook=_with_repeats)
        except (ValueError, RecursionError):
            return None
        repeated = _repeated(event, self.shape)
        return Flaw(REPEATED_KEY, f"{repeated!r} stands twice in one object") if repeated else None


def array_lines(whole: bytes) -> bytes | None:
    """A JSON array of records, one a line; None for what is no array (its lines are then judged one by one).

    Line ends inside a record can only be white space between its parts.
    """
    if whole.lstrip()[:1] != _ARRAY:
        return None
    try:
        items = msgspec.json.decode(whole, type=list[msgspec.Raw])
    except UNREADABLE:
        return whole
    return b"\n".join(bytes(item).replace(b"\n", b" ").replace(b"\r", b" ") for item in items)


def looks_like_objects(head: bytes) -> bool:
    """True when a line looks like the beginning of a JSON object."""
    return any(line.lstrip()[:1] == b"{" for line in head.split(b"\n", HEAD_LINES)[:HEAD_LINES])


def first_objects(head: bytes, marks: tuple[bytes, ...], *, limit: int = HEAD_LINES) -> list[dict[str, Any]]:
    """The JSON objects among the first lines of ``head`` that hold every one of ``marks``, also inside an array."""
    found = []
    if head.lstrip()[:1] == _ARRAY:
        return _first_of_array(head)
    lines = head.split(b"\n", limit)[:limit]
    for line in lines:
        if all(mark in line for mark in marks):
            try:
                event = msgspec.json.decode(line)
            except UNREADABLE:
                continue
            if isinstance(event, dict):
                found.append(event)
    return found


def _first_of_array(head: bytes) -> list[dict[str, Any]]:
    text = head.decode("utf-8", "replace").lstrip()[1:].lstrip()
    try:
        event, _ = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return []
    return [event] if isinstance(event, dict) else []


def sql_type(shape: Any) -> str:
    """The engine's type of a JSON shape: nested structures of texts."""
    if isinstance(shape, dict):
        return "STRUCT(" + ", ".join(f'"{name}" {sql_type(inner)}' for name, inner in shape.items()) + ")"
    return f"{sql_type(shape[0])}[]" if isinstance(shape, list) else "VARCHAR"


def _read(path: str, shape: dict[str, Any], *, lenient: bool) -> str:
    columns = ", ".join(f"'{name}': '{sql_type(inner)}'" for name, inner in shape.items())
    return (
        f"read_json('{path}', format='newline_delimited', maximum_object_size={LINE_BOUND + 1024}, "
        f"ignore_errors={str(lenient).lower()}, columns={{{columns}}})"
    )


_REPEATS = "\0repeated"  # no key of a line: it is set after the line's own keys


def _with_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    seen: set[str] = set()
    found[_REPEATS] = {key for key, _ in pairs if key in seen or seen.add(key)}  # type: ignore[func-returns-value]
    return found


def _repeated(value: Any, shape: Any) -> str | None:
    """The first key of ``shape`` that stands twice in ``value``."""
    if isinstance(shape, list):
        inner = [_repeated(item, shape[0]) for item in value] if isinstance(value, list) else []
        return next((key for key in inner if key), None)
    if not isinstance(shape, dict) or not isinstance(value, dict):
        return None
    for key, below in shape.items():
        if key in value[_REPEATS]:
            return str(key)
        if key in value and (found := _repeated(value[key], below)):
            return found
    return None


def _misplaced(value: Any, shape: Any, where: str, strict: frozenset[str]) -> str | None:
    """The first place where ``value`` does not fit ``shape``, as a sentence part. NULL fits everywhere."""
    if value is None:
        return None
    if isinstance(shape, list):
        if not isinstance(value, list):
            return f"{where} is no list"
        return next(
            (found for item in value if (found := _misplaced(item, shape[0], f"an item of {where}", strict))), None
        )
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return f"{where} is no object"
        inner = ((value.get(key), below, f"{where}.{key}".lstrip(".")) for key, below in shape.items())
        return next((found for item in inner if (found := _misplaced(*item, strict))), None)
    return f"{where} is no text" if where in strict and isinstance(value, dict | list) else None
