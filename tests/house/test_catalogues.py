"""Every sentence is spoken in every language."""

from __future__ import annotations

from functools import cache

import pytest

from house.source import script
from seawall.messages import LANGUAGES


@cache
def sentences() -> dict[str, set[str]]:
    """Every sentence with its files; read once."""
    found: dict[str, set[str]] = script("sentences").sentences()
    return found


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_a_catalogue_is_complete(language: str) -> None:
    """A catalogue misses no sentence, holds no obsolete one, and has the same named places as the English."""
    assert script("extract_messages").problems(language, sentences()) == []


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_a_catalogue_stands_in_its_order(language: str) -> None:
    """The file is as ``make messages`` writes it, so that a change shows only what changed."""
    path = script("extract_messages").catalogue_path(language)
    assert path.read_bytes() == script("extract_messages").updated(language, sentences())


def test_sentences_have_matching_braces() -> None:
    """Every English sentence can be filled: its braces match and its places have plain names."""
    for sentence in sentences():
        assert all(name.isidentifier() for name in script("extract_messages").places(sentence)), sentence
