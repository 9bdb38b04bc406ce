"""Made-up words and digests, many at a time."""

from __future__ import annotations

import numpy as np

_ONSETS = ("b", "br", "d", "f", "g", "gr", "h", "k", "l", "m", "n", "p", "pl", "r", "s", "st", "t", "tr", "v", "z")
_RHYMES = ("a", "an", "ar", "e", "el", "en", "i", "in", "o", "or", "os", "u", "um", "ai", "eo")
SYLLABLES = tuple(onset + rhyme for onset in _ONSETS for rhyme in _RHYMES)


def words(rng: np.random.Generator, count: int, syllables: int = 3) -> list[str]:
    """``count`` pronounceable words; repeats are possible and harmless."""
    picks = rng.integers(0, len(SYLLABLES), (count, syllables)).tolist()
    return ["".join([SYLLABLES[pick] for pick in row]) for row in picks]


def hexadecimal(rng: np.random.Generator, count: int, size: int) -> list[str]:
    """``count`` digests of ``size`` bytes, in lower-case hexadecimal."""
    text, width = rng.bytes(count * size).hex(), size * 2
    return [text[place : place + width] for place in range(0, count * width, width)]
