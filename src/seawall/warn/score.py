"""How much a value still deserves attention: 0 to 100, from who says what of it, and how long ago. Pure.

Each party (we, a peer, an imported source) has one ``Voice``, however often it speaks. What it says becomes a share
below 1: it *named* the value, its sensors *saw* it, its people *confirmed* it. Each share grows old by itself (the MISP
decay polynomial, half-life by type), a party's shares are joined and capped, and the parties are joined as independent
hints: 1 - (1 - a)(1 - b) ... Refutations then multiply what is left, and never fade. So by construction

- one more voice never lowers the score, one more refutation never raises it, time alone never raises it;
- one peer adds at most ``PEER_CAP`` of what was missing to 100 and takes at most ``PEER_REFUTES`` away, whatever it
  claims and however often; its news keep nobody else's old knowledge alive;
- imported sources, which often copy one list, count together for at most ``SOURCES_CAP``.

Form: Iklody et al., "Decaying Indicators of Compromise" (arXiv:1803.11052); docs/decisions/0023 says why.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from math import prod

import msgspec

from seawall.messages import mark
from seawall.model import ObservableType
from seawall.reference import half_life_of

SECOND = 1_000_000  # microseconds
OWN_CAP, PEER_CAP, SOURCE_CAP = 0.95, 0.6, 0.7
"""Most that one party may add, as a share of what was missing to 100."""
SOURCES_CAP = 0.8
"""Most that all imported sources add together: three copies of one public list are one opinion."""
OWN_REFUTES, PEER_REFUTES = 0.85, 0.5
"""Share that one party's refutation takes away, times its reliability."""
SEEN_ONCE, SEEN_MORE, SEEN_SENSORS, SEEN_SURELY = 0.45, 0.1, 4, 0.15
"""One sensor's alarm; each further sensor, up to so many; a honeypot, a block or an analyst among them."""
SEEN_CALMLY = 0.15
"""Our sensors met it without any alarm of their own."""
CONFIRMED = 0.6
SAID_NOTHING = 60  # confidence of a source that stated none
UNDATED = 0.5  # what is left of something that nobody dated: as after one half-life
FADED = 20.0
"""Default threshold of ``fades_at``: what scores less is weaker than one unreliable source's fresh word."""


class VoiceKind(StrEnum):
    """Who speaks."""

    OWN = "own"
    PEER = "peer"
    SOURCE = "source"  # a list, report or feed that was imported


class Voice(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """All that one party says about one value. Moments in microseconds UTC; None: it does not say that."""

    kind: VoiceKind
    party: str  # name of the peer or source; "" for us
    reliability: float = 1.0  # 0..1; ours is 1
    named: bool = False  # it calls the value hostile, as an indicator or by name
    named_at: int | None = None
    named_until: int | None = None  # after this it no longer says so
    confidence: int | None = None  # 0..100 of the naming
    seen: bool = False
    seen_at: int | None = None  # last sighting
    sensors: int = 1  # that raised an alarm about it; 0: it was only met
    surely: bool = False  # a honeypot, a block or an analyst among them
    confirmed_at: int | None = None
    refuted_at: int | None = None  # counts when it is the party's later answer


class ScoreEvidence(msgspec.Struct, frozen=True, gc=False):
    """What is known about one value; several voices of one party count as their strongest."""

    type: ObservableType
    voices: tuple[Voice, ...] = ()


class ScorePart(msgspec.Struct, frozen=True):
    """One reason, with its effect in points. The effects of all parts add up to the score."""

    name: str  # source, agreement, seen_here, seen_by_peers, confirmed, age, refuted
    effect: float
    text: str  # English sentence with {named} places: the key of the message catalogues
    values: Mapping[str, str | int] = {}

    @property
    def why(self) -> str:
        """The sentence in English."""
        return self.text.format(**self.values)


class Score(msgspec.Struct, frozen=True):
    """How much a value still deserves attention. Evidence, no verdict."""

    value: float  # 0..100
    half_life_seconds: int
    parts: tuple[ScorePart, ...]


def kept(type: ObservableType, age_seconds: float) -> float:
    """Share of a piece of knowledge that is left at this age: 1 - (age / lifetime)^(1 / speed), 1 before age 0."""
    row = half_life_of(type)
    if age_seconds <= 0:
        return 1.0
    if age_seconds >= row.lifetime_seconds:
        return 0.0
    return float(1.0 - (age_seconds / row.lifetime_seconds) ** (1.0 / row.decay_speed))


def score(evidence: ScoreEvidence, at: int) -> Score:
    """The score at a moment (microseconds UTC), with its reasons. What is dated later counts as just said."""
    voices = _by_party(evidence.voices)
    fresh = _Pieces(evidence.type, None)
    steps = [
        ("source", fresh.strongest(voices)),
        ("agreement", fresh.joined(voices, "named")),
        ("seen_here", fresh.joined(voices, "named", own="seen")),
        ("seen_by_peers", fresh.joined(voices, "named", "seen")),
        ("confirmed", fresh.joined(voices, "named", "seen", "confirmed")),
        ("age", _Pieces(evidence.type, at).joined(voices, "named", "seen", "confirmed")),
    ]
    steps.append(("refuted", steps[-1][1] * _left_by_refutations(voices)))
    parts, before = [], 0.0
    for name, after in steps:
        if abs(after - before) > 1e-12:
            parts.append(_part(name, 100.0 * (after - before), voices, evidence.type))
        before = after
    return Score(100.0 * before, half_life_of(evidence.type).half_life_seconds, tuple(parts))


def fades_at(evidence: ScoreEvidence, at: int, threshold: float = FADED) -> int:
    """The moment from which the score is below ``threshold`` if nothing more is heard; ``at`` when it is already.

    For expiries: exact to a second, found by halving, which is sound because time alone never raises a score.
    """
    if score(evidence, at).value < threshold:
        return at
    dates = [moment for voice in evidence.voices for moment in _dates(voice)]
    low, high = at, max([at, *dates]) + (half_life_of(evidence.type).lifetime_seconds + 1) * SECOND
    if score(evidence, high).value >= threshold:  # nothing of it is dated, so nothing fades
        return high
    while high - low > SECOND:
        middle = (low + high) // 2
        low, high = (low, middle) if score(evidence, middle).value < threshold else (middle, high)
    return high


class _Pieces:
    """Shares of voices, as if just said (``at`` None) or as they are left at a moment."""

    def __init__(self, type: ObservableType, at: int | None) -> None:
        self._type = type
        self._at = at

    def strongest(self, voices: Sequence[Voice]) -> float:
        return max((self._capped(voice, ("named",)) for voice in voices), default=0.0)

    def joined(self, voices: Iterable[Voice], *names: str, own: str | None = None) -> float:
        """All voices as independent hints; ``own``: one more kind of piece, of our own voice alone."""
        apart: dict[bool, list[float]] = {True: [], False: []}
        for voice in voices:
            wanted = (*names, own) if own is not None and voice.kind is VoiceKind.OWN else names
            apart[voice.kind is VoiceKind.SOURCE].append(self._capped(voice, wanted))
        return _or([min(SOURCES_CAP, _or(apart[True])), *apart[False]])

    def _capped(self, voice: Voice, names: Iterable[str]) -> float:
        cap = {VoiceKind.OWN: OWN_CAP, VoiceKind.PEER: PEER_CAP, VoiceKind.SOURCE: SOURCE_CAP}[voice.kind]
        return min(cap, _or([self._piece(voice, name) for name in names]))

    def _piece(self, voice: Voice, name: str) -> float:
        reliability = _unit(voice.reliability)
        if name == "named" and voice.named and not self._over(voice):
            confidence = SAID_NOTHING if voice.confidence is None else voice.confidence
            return reliability * _unit(confidence / 100) * self._left(voice.named_at)
        if name == "seen" and voice.seen:
            return reliability * _sight(voice) * self._left(voice.seen_at)
        if name == "confirmed" and voice.confirmed_at is not None and not _refutes(voice):
            return reliability * CONFIRMED * self._left(voice.confirmed_at)
        return 0.0

    def _over(self, voice: Voice) -> bool:
        return self._at is not None and voice.named_until is not None and self._at >= voice.named_until

    def _left(self, moment: int | None) -> float:
        if self._at is None:
            return 1.0
        return UNDATED if moment is None else kept(self._type, (self._at - moment) / SECOND)


def _sight(voice: Voice) -> float:
    if voice.sensors <= 0:
        return SEEN_CALMLY
    more = SEEN_MORE * (min(voice.sensors, SEEN_SENSORS) - 1)
    return SEEN_ONCE + more + (SEEN_SURELY if voice.surely else 0.0)


def _left_by_refutations(voices: Iterable[Voice]) -> float:
    return prod(
        1.0 - (OWN_REFUTES if voice.kind is VoiceKind.OWN else PEER_REFUTES) * _unit(voice.reliability)
        for voice in voices
        if _refutes(voice)
    )


def _refutes(voice: Voice) -> bool:
    return voice.refuted_at is not None and (voice.confirmed_at is None or voice.refuted_at >= voice.confirmed_at)


def _by_party(voices: Iterable[Voice]) -> list[Voice]:
    """One voice for each party, in a stable order: of several the strongest of each thing said."""
    merged: dict[tuple[str, str], Voice] = {}
    for voice in voices:
        key = voice.kind.value, voice.party
        merged[key] = _merged(merged[key], voice) if key in merged else voice
    return [merged[key] for key in sorted(merged)]


def _merged(one: Voice, two: Voice) -> Voice:
    both = [voice for voice in (one, two) if voice.named]
    ends = [voice.named_until for voice in both]
    sights = [voice for voice in (one, two) if voice.seen]
    return Voice(
        kind=one.kind,
        party=one.party,
        reliability=max(one.reliability, two.reliability),
        named=bool(both),
        named_at=_latest(voice.named_at for voice in both),
        named_until=None if None in ends else _latest(ends),
        confidence=max((SAID_NOTHING if v.confidence is None else v.confidence for v in both), default=None),
        seen=bool(sights),
        seen_at=_latest(voice.seen_at for voice in sights),
        sensors=max((voice.sensors for voice in sights), default=1),
        surely=any(voice.surely for voice in sights),
        confirmed_at=_latest((one.confirmed_at, two.confirmed_at)),
        refuted_at=_latest((one.refuted_at, two.refuted_at)),
    )


TEXTS = {
    "source": mark("Named hostile; parties that name it: {count}, of which this is the strongest."),
    "agreement": mark("The others that name it agree: {count} in all; copies of one list count little."),
    "seen_here": mark("Our own sensors saw it; with an alarm: {count}."),
    "seen_by_peers": mark("Peers saw it: {peers}."),
    "confirmed": mark("Parties whose people confirmed it: {count}."),
    "age": mark("It grows old: half is gone after {days} days without news."),
    "refuted": mark("Parties that call it a false alarm: {count}."),
}
"""The sentence of each part."""


def _part(name: str, effect: float, voices: Sequence[Voice], type: ObservableType) -> ScorePart:
    named = sum(voice.named for voice in voices)
    own = next((voice for voice in voices if voice.kind is VoiceKind.OWN), None)
    confirmed = sum(voice.confirmed_at is not None and not _refutes(voice) for voice in voices)
    values: dict[str, dict[str, str | int]] = {
        "source": {"count": named},
        "agreement": {"count": named},
        "seen_here": {"count": own.sensors if own else 0},
        "seen_by_peers": {
            "peers": ", ".join(voice.party for voice in voices if voice.kind is VoiceKind.PEER and voice.seen)
        },
        "confirmed": {"count": confirmed},
        "age": {"days": round(half_life_of(type).half_life_seconds / 86_400)},
        "refuted": {"count": sum(_refutes(voice) for voice in voices)},
    }
    return ScorePart(name, effect, TEXTS[name], values[name])


def _dates(voice: Voice) -> list[int]:
    moments = (voice.named_at, voice.named_until, voice.seen_at, voice.confirmed_at)
    return [moment for moment in moments if moment is not None]


def _or(shares: Iterable[float]) -> float:
    return 1.0 - prod(1.0 - share for share in shares)


def _unit(share: float) -> float:
    return min(1.0, max(0.0, share))


def _latest(moments: Iterable[int | None]) -> int | None:
    return max((moment for moment in moments if moment is not None), default=None)
