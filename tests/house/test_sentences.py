"""The collector of sentences finds what a person will read, and only that."""

from __future__ import annotations

import ast
import textwrap

import pytest

from house.source import SOURCE, script


def found(source: str, room: str = "flow") -> set[str]:
    """The sentences in one module of one room."""
    trees = {SOURCE / room / "module.py": ast.parse(textwrap.dedent(source))}
    return set(script("sentences").sentences(trees))


@pytest.mark.parametrize(
    "source",
    [
        'raise Fault("E-X-001", "Said.", path=1)',
        'raise self._fault(406, "E-X-001", "Said.")',
        'raise Fault("E-X-001", "Sa" "id.")',
        'raise Fault("E-X-001", "Said." if here else "Said.")',
        'out.tr("Said.")',
        'translate("Said.", lang)',
        'REASON = ("rule", mark("Said."))',
        'TABLE = {"a": "Said."}\ntranslate(TABLE[key], lang)',
        'TABLE = {"a": "Said."}\ntranslate(TABLE.get(key, "Said."), lang)',
        'def f():\n    text = "Said."\n    translate(text, lang)',
        'def f():\n    for label, name in (("Said.", "x"), ("Said.", "y")):\n        translate(label, lang)',
        'def show(text):\n    translate(text, lang)\nshow("Said.")',
        'def show(self, text):\n    self.tr(text)\nself.show("Said.")',
        'def show(*, empty):\n    translate(empty, lang)\nshow(empty="Said.")',
        'def table(lang, *heads):\n    for place, head in enumerate(heads):\n        tr(head)\ntable(l, "Said.")',
        'def a(text):\n    translate(text, l)\ndef b(text):\n    a(text)\nb("Said.")',
    ],
)
def test_a_sentence_is_found(source: str) -> None:
    """Errors, marked literals, tables, variables, loops and wrappers of wrappers all give their sentence."""
    assert found(source) == {"Said."}


@pytest.mark.parametrize(
    "source",
    [
        'note.set("E-X-001")',
        'log("Said.")',
        "translate(fault.text, lang)",
        'value.translate(table)\nname = "Said."',
        'Fault("E-X-001", text)',
    ],
)
def test_other_text_is_left_alone(source: str) -> None:
    """What no person reads, and what is decided at run time, is not collected."""
    assert found(source) == set()


def test_places_are_compared_by_name() -> None:
    """A place with a format is the same place; braces that do not match are an error."""
    places = script("extract_messages").places
    assert places("{count:,} of {all}") == {"count", "all"}
    with pytest.raises(ValueError, match="expected '}'"):
        places("{count")
