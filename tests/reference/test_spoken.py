"""Values as they are read aloud."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.model import ObservableType
from seawall.reference.spoken import ICAO, MAX_WORDS, is_shortened, spoken


@pytest.mark.parametrize(
    ("type", "value", "said"),
    [
        (ObservableType.IPV4, "198.51.100.7", "1 9 8 dot 5 1 dot 1 0 0 dot 7"),
        (ObservableType.IPV6, "2001:db8::1", "2 0 0 1 colon Delta Bravo 8 colon colon 1"),
        (ObservableType.CIDR, "10.0.0.0/8", "1 0 dot 0 dot 0 dot 0 slash 8"),
        (ObservableType.DOMAIN, "kakao-security.net", "ka-kao dash se-cu-ri-ty dot net"),
        (ObservableType.DOMAIN, "xkcdqz.tw", "X-ray Kilo Charlie Delta Quebec Zulu dot Tango Whiskey"),
        (ObservableType.URL, "https://bad.example/x?a=1", "bad dot example slash X-ray question mark Alfa equals 1"),
        (ObservableType.EMAIL, "a1@bad.example", "Alfa 1 at sign bad dot example"),
    ],
)
def test_a_value_is_said_so_that_the_listener_can_write_it(type: ObservableType, value: str, said: str) -> None:
    """Digits one by one, letters by the ICAO alphabet, words that can be pronounced in syllables."""
    assert spoken(type, value) == said


def test_the_alphabet_is_whole() -> None:
    """Twenty-six letters, each word beginning with its letter."""
    assert len(ICAO) == 26
    assert all(word[0].lower() == letter for letter, word in ICAO.items())


@given(st.text(alphabet="0123456789abcdef", min_size=64, max_size=64))
def test_a_hash_is_said_by_its_ends(value: str) -> None:
    """Too long to say: six digits of each end, and the listener is told so."""
    assert is_shortened(ObservableType.SHA256, value)
    words = spoken(ObservableType.SHA256, value).split()
    assert len(words) == 13
    assert words[6] == "..."


@given(st.sampled_from(list(ObservableType)), st.text(max_size=500))
def test_nothing_takes_longer_than_its_share(type: ObservableType, value: str) -> None:
    """Whatever the value, its words are bounded and nothing is raised."""
    assert len(spoken(type, value).split()) <= 2 * MAX_WORDS  # some marks are two words
