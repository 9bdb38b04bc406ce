"""Every sentence is spoken in every language."""

from __future__ import annotations

import pytest

from house.source import script
from seawall.messages import LANGUAGES


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_a_catalogue_is_complete(language: str) -> None:
    """A catalogue misses no sentence, holds no obsolete one, and has the same named places as the English."""
    found = script("sentences").sentences()
    assert script("extract_messages").problems(language, found) == []


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_a_catalogue_stands_in_its_order(language: str) -> None:
    """The file is as ``make messages`` writes it, so that a change shows only what changed."""
    path = script("extract_messages").catalogue_path(language)
    assert path.read_bytes() == script("extract_messages").updated(language, script("sentences").sentences())


def test_sentences_have_matching_braces() -> None:
    """Every English sentence can be filled: its braces match and its places have plain names."""
    for sentence in script("sentences").sentences():
        assert all(name.isidentifier() for name in script("extract_messages").places(sentence)), sentence
