"""Which version comes before which, and what nobody can tell."""

from __future__ import annotations

import pytest

from seawall.model.exposure import VersionRange
from seawall.warn.versions import compare, contains

RISING = {
    "": [
        ["1.0-dev1", "1.0-alpha", "1.0-beta2", "1.0-rc1", "1.0", "1.0.2", "1.0.2k", "1.0.10", "1.9", "v1.10"],
        ["21.4R3", "21.4R3-S5", "21.4R3-S10", "22.1"],
        ["10.2.3-h4", "10.2.3-h13", "10.2.4"],
        ["R80.40", "R81", "R81.10"],
        ["9.16(3)", "9.16(4)", "9.16(4)57"],
    ],
    "pypi": [["1.0.dev1", "1.0a1", "1.0rc1", "1.0", "1.0.post1", "1!0.5"]],
    "deb": [["1.0~rc1-1", "1.0-1", "1.0-1+deb12u1", "1.0-2", "1:0.5-1"]],
}


@pytest.mark.parametrize("scheme", RISING)
def test_versions_rise_as_their_makers_count(scheme: str) -> None:
    """Each version of a list is before all that follow it, and the comparison is the same from both ends."""
    for rising in RISING[scheme]:
        for place, one in enumerate(rising):
            assert compare(one, one, scheme) == 0
            for later in rising[place + 1 :]:
                assert (compare(one, later, scheme), compare(later, one, scheme)) == (-1, 1), (one, later)


def test_missing_numbers_are_zero() -> None:
    """1.2, v1.2 and 1.2.0 are one version, also before a word; build metadata says nothing."""
    assert {compare("1.2", text) for text in ("1.2.0", "v1.2", "1.2.0.0", "1.2+build7")} == {0}
    assert compare("1.2.0", "1.2p1") == -1


@pytest.mark.parametrize(
    "pair", [("unknown", "1.0"), ("", "1"), ("R80", "80"), ("1" * 300, "1"), ("latest", "latest-2")]
)
def test_nobody_can_tell(pair: tuple[str, str]) -> None:
    """Where there is no common ground there is no answer."""
    assert compare(*pair) is None


def test_a_digit_that_is_no_number_begins_no_epoch() -> None:
    """A raised two counts as a digit and is no number: the text before the colon is then no epoch."""
    assert compare("\u00b2:1.0", "1.0", "deb") in (-1, 1, None)


def test_a_range_that_cannot_be_read_is_never_a_no() -> None:
    """Unknown versions and unreadable ranges give neither yes nor no; a range of all versions gives yes for both."""
    whole = VersionRange(start="1.0", end="2.0")
    assert [contains(whole, text) for text in ("0.9", "1.0", "1.9.9", "2.0", "", "unknown")] == [
        False, True, True, False, None, None,
    ]  # fmt: skip
    assert contains(VersionRange(text="see advisory"), "1.0") is None
    assert contains(VersionRange(), "1.0") is None
    assert [contains(VersionRange(every=True), text) for text in ("", "1.0")] == [True, True]
