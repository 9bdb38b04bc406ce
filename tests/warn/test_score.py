"""Scores of values: explained, bounded for each party, and monotonic whatever is said."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.model import ObservableType
from seawall.reference import half_life_of, half_lives
from seawall.warn.score import (
    PEER_CAP,
    PEER_REFUTES,
    SOURCES_CAP,
    Score,
    ScoreEvidence,
    Voice,
    VoiceKind,
    fades_at,
    kept,
    score,
)

DAY = 86_400 * 1_000_000
NOW = 20_000 * DAY
IPV4 = ObservableType.IPV4

_moments = st.none() | st.integers(NOW - 500 * DAY, NOW + 30 * DAY)
_voices = st.builds(
    Voice,
    kind=st.sampled_from(VoiceKind),
    party=st.sampled_from(["", "a", "b", "c"]),
    reliability=st.floats(0, 1),
    named=st.booleans(),
    named_at=_moments,
    named_until=_moments,
    confidence=st.none() | st.integers(0, 100),
    seen=st.booleans(),
    seen_at=_moments,
    sensors=st.integers(0, 60),
    surely=st.booleans(),
    confirmed_at=_moments,
    refuted_at=_moments,
)
_evidence = st.builds(ScoreEvidence, st.sampled_from(ObservableType), st.lists(_voices, max_size=6).map(tuple))


def _source(party: str, **said: object) -> Voice:
    plain = {"kind": VoiceKind.SOURCE, "party": party, "named": True, "named_at": NOW, "reliability": 0.7}
    return msgspec.convert(plain | said, Voice, strict=False)


def _value(*voices: Voice, at: int = NOW, type: ObservableType = IPV4) -> float:
    return score(ScoreEvidence(type, voices), at).value


def test_every_type_has_a_half_life() -> None:
    """Every observable type has a half-life with its source, and at that age half is left."""
    for kind in ObservableType:
        row = half_life_of(kind)
        assert row.source
        assert kept(kind, row.half_life_seconds) == pytest.approx(0.5, abs=1e-6)
        assert kept(kind, row.lifetime_seconds) == 0.0
    assert set(half_lives()) == set(ObservableType)


def test_addresses_fade_before_names_before_files() -> None:
    """An address grows old faster than a name, and a name faster than a file."""
    lives = [half_life_of(kind).half_life_seconds for kind in (IPV4, ObservableType.DOMAIN, ObservableType.SHA256)]
    assert lives == sorted(lives)
    assert len(set(lives)) == 3


def test_the_misp_polynomial() -> None:
    """The decay is that of the MISP models: with lifetime 40 days and speed 2 a quarter of it leaves one half."""
    assert kept(IPV4, 40 * 86_400 / 4) == pytest.approx(0.5)
    assert kept(IPV4, 40 * 86_400 * 0.36) == pytest.approx(0.4)


def test_nothing_known_scores_nothing() -> None:
    """A value of which nobody says anything scores 0 without reasons."""
    assert score(ScoreEvidence(IPV4), NOW) == Score(0.0, 10 * 86_400, ())


@given(_evidence, st.integers(NOW - 600 * DAY, NOW + 600 * DAY))
def test_parts_add_up(evidence: ScoreEvidence, at: int) -> None:
    """A score is within 0 and 100, is the sum of its parts, and every part has a sentence."""
    found = score(evidence, at)
    assert 0.0 <= found.value <= 100.0
    assert sum(part.effect for part in found.parts) == pytest.approx(found.value, abs=1e-6)
    assert all(part.why for part in found.parts)


@given(_evidence, st.integers(NOW - 600 * DAY, NOW + 600 * DAY), st.integers(0, 900 * DAY))
def test_age_never_raises(evidence: ScoreEvidence, at: int, later: int) -> None:
    """Time alone never raises a score."""
    assert score(evidence, at + later).value <= score(evidence, at).value + 1e-9


@given(_evidence, _voices, st.integers(NOW - 600 * DAY, NOW + 600 * DAY))
def test_a_refutation_never_raises(evidence: ScoreEvidence, voice: Voice, at: int) -> None:
    """One more refutation never raises a score, whoever says it."""
    only = Voice(kind=voice.kind, party=voice.party, reliability=0.0, refuted_at=voice.refuted_at or NOW)
    more = ScoreEvidence(evidence.type, (*evidence.voices, only))
    assert score(more, at).value <= score(evidence, at).value + 1e-9


@given(_evidence, _voices, st.integers(NOW - 600 * DAY, NOW + 600 * DAY))
def test_another_voice_never_lowers(evidence: ScoreEvidence, voice: Voice, at: int) -> None:
    """One more party that refutes nothing never lowers a score, an equal one neither."""
    other = msgspec.structs.replace(voice, party="another", refuted_at=None)
    more = ScoreEvidence(evidence.type, (*evidence.voices, other))
    assert score(more, at).value >= score(evidence, at).value - 1e-9
    equal = tuple(msgspec.structs.replace(one, party=f"{one.party}+") for one in evidence.voices if not one.refuted_at)
    assert score(ScoreEvidence(evidence.type, (*evidence.voices, *equal)), at).value >= score(evidence, at).value - 1e-9


@given(_evidence, st.lists(_voices, max_size=8), st.integers(NOW - 600 * DAY, NOW + 600 * DAY))
def test_one_peer_is_bounded(evidence: ScoreEvidence, claims: list[Voice], at: int) -> None:
    """Whatever one peer claims and however often, it moves a score within named bounds."""
    honest = score(evidence, at).value
    lies = tuple(msgspec.structs.replace(one, kind=VoiceKind.PEER, party="liar") for one in claims)
    told = score(ScoreEvidence(evidence.type, (*evidence.voices, *lies)), at).value
    assert told <= honest + PEER_CAP * (100 - honest) + 1e-9
    assert told >= honest * (1 - PEER_REFUTES) - 1e-9


def test_copies_of_one_list_are_bounded() -> None:
    """Fifty sources that copy one list stay below the cap for all sources together."""
    assert _value(*(_source(f"copy {number}") for number in range(50))) <= 100 * SOURCES_CAP


def test_a_peer_keeps_nothing_old_alive() -> None:
    """A fresh claim of a peer does not refresh what an imported list said long ago."""
    old = _source("list", named_at=NOW - 39 * DAY)
    fresh = Voice(kind=VoiceKind.PEER, party="p", reliability=0.5, seen=True, seen_at=NOW)
    assert _value(old, fresh) - _value(fresh) < _value(old) + 1e-9
    assert _value(old) < 1


def test_a_later_answer_of_the_same_party_counts() -> None:
    """A party that refuted and later confirmed counts as confirming, and the other way round."""
    named = _source("list")
    base = _value(named)
    own = {"kind": VoiceKind.OWN, "party": ""}
    assert _value(named, Voice(**own, refuted_at=NOW - DAY, confirmed_at=NOW)) > base  # type: ignore[arg-type]
    assert _value(named, Voice(**own, refuted_at=NOW, confirmed_at=NOW - DAY)) < base / 2  # type: ignore[arg-type]


def test_a_source_that_ended_its_statement() -> None:
    """Past its valid_until a source no longer counts."""
    assert _value(_source("list", named_until=NOW)) == 0.0
    assert _value(_source("list", named_until=NOW + 1)) > 0.0


@given(_evidence, st.floats(1, 99))
def test_the_moment_of_fading(evidence: ScoreEvidence, threshold: float) -> None:
    """From the moment given for expiry on the score is below the threshold, and a second before it is not."""
    end = fades_at(evidence, NOW, threshold)
    assert end >= NOW
    if end == NOW:
        return
    undated = score(evidence, end).value >= threshold
    assert undated or score(evidence, end - 2_000_000).value >= threshold or end - NOW <= 2_000_000
