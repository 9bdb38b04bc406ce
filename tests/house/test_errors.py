"""Error codes: what a person quotes to the operator must mean one thing."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator

from house.source import SOURCE, extractor, named, python_files, tree

CODE = re.compile(r"E-[A-Z]+-\d{3}")


def raised() -> Iterator[tuple[str, str, str, str, ast.Call]]:
    """(code, sentence, room, file, call) of every Fault in the product that is made with literals."""
    trees = {path: tree(path) for path in python_files("src")}
    faults = extractor().fault_names(trees)
    for path, module in trees.items():
        room = path.relative_to(SOURCE).parts[0].removesuffix(".py")
        for node in ast.walk(module):
            if isinstance(node, ast.Call) and extractor().called(node) in faults:
                code, text = extractor().fault_arguments(node)
                for code_text in extractor().literals(code):
                    for sentence in extractor().literals(text):
                        yield code_text, sentence, room, named(path), node


def test_codes_have_their_shape() -> None:
    """Every code is E-ROOM-NNN."""
    assert [(code, file) for code, _, _, file, _ in raised() if not CODE.fullmatch(code)] == []


def test_one_code_one_sentence() -> None:
    """A code always comes with the same sentence, and a sentence with the same code."""
    sentences: dict[str, set[str]] = defaultdict(set)
    codes: dict[str, set[str]] = defaultdict(set)
    for code, sentence, _, _, _ in raised():
        sentences[code].add(sentence)
        codes[sentence].add(code)
    assert {code: texts for code, texts in sentences.items() if len(texts) > 1} == {}
    assert {text: names for text, names in codes.items() if len(names) > 1} == {}


def test_a_prefix_belongs_to_one_room() -> None:
    """Whoever reads E-LEDGER-003 knows which room to open."""
    rooms: dict[str, set[str]] = defaultdict(set)
    for code, _, room, _, _ in raised():
        rooms[code.rpartition("-")[0]].add(room)
    assert {prefix: names for prefix, names in rooms.items() if len(names) > 1} == {}


def test_every_place_is_filled() -> None:
    """The values given with a Fault are exactly the named places of its sentence."""
    wrong = []
    for code, sentence, _, file, call in raised():
        given = {keyword.arg for keyword in call.keywords}
        if None in given:
            continue  # **values: decided at run time
        if extractor().places(sentence) != given - {"code", "text"}:
            wrong.append((code, file, sorted(extractor().places(sentence) ^ (given - {"code", "text"}))))
    assert wrong == []


def test_sentences_are_sentences() -> None:
    """An error starts with a capital, a digit, a quote or a place, and ends with a full stop."""
    wrong = [
        (code, sentence)
        for code, sentence, _, _, _ in raised()
        if not re.match(r"[A-Z0-9{'-]", sentence) or not sentence.endswith(".")
    ]
    assert wrong == []
