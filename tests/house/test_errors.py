"""Error codes: what a person quotes to the operator must mean one thing."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

from house.source import SOURCE, named, script


@cache
def raised() -> tuple[tuple[str, str, Path, ast.Call], ...]:
    """(code, sentence, file, call) of every error that the product raises with literals."""
    return tuple(script("sentences").errors(script("sentences").parsed()))


def test_one_code_one_sentence() -> None:
    """A code always comes with the same sentence, and a sentence with the same code."""
    sentences: dict[str, set[str]] = defaultdict(set)
    codes: dict[str, set[str]] = defaultdict(set)
    for code, sentence, _, _ in raised():
        sentences[code].add(sentence)
        codes[sentence].add(code)
    assert {code: texts for code, texts in sentences.items() if len(texts) > 1} == {}
    assert {text: names for text, names in codes.items() if len(names) > 1} == {}


SHARED = {"E-STIX"}  # objects (model) and their bytes (codec) are one subject to whoever reads the message


def test_a_prefix_belongs_to_one_room() -> None:
    """Whoever reads E-LEDGER-003 knows which room to open; another room may only repeat what that room says."""
    rooms: dict[str, set[str]] = defaultdict(set)
    for code, _, path, _ in raised():
        rooms[code].add(path.relative_to(SOURCE).parts[0])
    homes: dict[str, set[str]] = defaultdict(set)
    for code, names in rooms.items():
        if len(names) == 1:
            homes[code.rpartition("-")[0]] |= names
    assert {prefix: names for prefix, names in homes.items() if len(names) > 1 and prefix not in SHARED} == {}


def test_every_place_is_filled() -> None:
    """Where an error is made by ``Fault`` itself, the values given are exactly the named places of its sentence."""
    wrong = []
    for code, sentence, path, call in raised():
        given = {keyword.arg for keyword in call.keywords}
        if script("sentences").called(call) != "Fault" or None in given:
            continue  # a wrapper adds values of its own
        if (odd := script("extract_messages").places(sentence) ^ given) != set():
            wrong.append((code, named(path), sorted(odd)))
    assert wrong == []


def test_sentences_are_sentences() -> None:
    """An error starts with a capital, a digit, a quote or a place, and ends with a full stop."""
    wrong = [
        (code, sentence)
        for code, sentence, _, _ in raised()
        if not re.match(r"[A-Z0-9{'-]", sentence) or not sentence.endswith(".")
    ]
    assert wrong == []
