"""Sentences in the reader's language."""

from __future__ import annotations

import pytest

from seawall.messages import LANGUAGES, canonical_language, catalogue, translate

KNOWN = "There is no node in {folder}; run 'seawall init' first."


@pytest.mark.parametrize("language", LANGUAGES)
def test_values_stand_in_every_language(language: str) -> None:
    """The value is in the sentence, whatever the language."""
    assert "/srv/node" in translate(KNOWN, language, folder="/srv/node")


def test_languages_differ() -> None:
    """The three languages give three sentences."""
    assert len({translate(KNOWN, language, folder="x") for language in LANGUAGES}) == 3


@pytest.mark.parametrize(
    ("tag", "language"),
    [("en", "en"), ("zh_TW", "zh-Hant"), ("zh-hant", "zh-Hant"), ("ko-KR", "ko"), ("KO", "ko"), ("fr", "en"),
     ("", "en"), ("ko_KR.UTF-8", "ko"), ("../../etc", "en")],
)  # fmt: skip
def test_any_spelling_of_a_language_is_understood(tag: str, language: str) -> None:
    """Locale names, BCP 47 tags and unknown languages all give one of our three."""
    assert canonical_language(tag) == language


def test_a_sentence_without_translation_stays_english() -> None:
    """What no catalogue holds is said in English rather than not at all."""
    assert translate("Nobody translated {this}.", "ko", this=1) == "Nobody translated 1."


def test_a_missing_value_hides_nothing() -> None:
    """A place without a value stays visible instead of raising while an error is shown."""
    assert translate("Cannot use {path}: {reason}.", "en", path="x") == "Cannot use x: {reason}."


@pytest.mark.parametrize("hostile", ["{other}", "{0.__class__}", "%s%n", "{", "}"])
def test_values_are_never_interpreted(hostile: str) -> None:
    """What an attacker wrote is inserted as it is, never read as a place (rule 7)."""
    assert translate("Saw {value}.", "en", value=hostile, other="secret") == f"Saw {hostile}."


def test_english_needs_no_catalogue() -> None:
    """English is the key, so its catalogue is empty; the others are not."""
    assert catalogue("en") == {}
    assert catalogue("ko")
    assert catalogue("zh-Hant")
