"""The readable text of a mail to a peer, in the reader's language; every sentence of ours, every value defanged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from seawall.codec.sharing import indicator_values
from seawall.exchange.mail.bounds import SHOWN_VALUES
from seawall.exchange.mail.defang import defang
from seawall.messages import mark, translate
from seawall.model import Observable, Pap, ReleasedObject, Tlp

MAX_NOTE = 160  # characters of an indicator's description that stand beside its value
TLP_SAYS = {
    Tlp.CLEAR: mark("TLP:CLEAR: you may share this with anybody."),
    Tlp.GREEN: mark("TLP:GREEN: share it within your community, not in public."),
    Tlp.AMBER: mark(
        "TLP:AMBER: share it only within your organisation and with those of its clients who need to know."
    ),
    Tlp.AMBER_STRICT: mark("TLP:AMBER+STRICT: share it only within your organisation, with those who need to know."),
    Tlp.RED: mark("TLP:RED: for your eyes only; tell nobody else."),
}
PAP_SAYS = {
    Pap.CLEAR: mark("PAP:CLEAR: you may act on it in any way."),
    Pap.GREEN: mark("PAP:GREEN: you may block it; do not touch what the attackers run."),
    Pap.AMBER: mark("PAP:AMBER: look for it in your own logs only; nothing that the attackers could notice."),
    Pap.RED: mark("PAP:RED: use it by hand and unseen; no automatic look-ups, no blocking."),
}


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """All that a mail says beside its objects."""

    sender: str  # our organisation's name
    circle: str
    lang: str
    tlp: Tlp
    pap: Pap
    ticket: str
    fingerprint: str  # of our key
    part: int = 1
    parts: int = 1
    phone: str = ""  # ours, day and night
    stix_name: str = "objects.json"
    csv_name: str = "values.csv"


class _Told(msgspec.Struct):
    type: str
    id: str
    name: str | None = None
    description: str | None = None
    revoked: bool = False
    first_seen: str | None = None
    sighting_of_ref: str | None = None


class _Line(msgspec.Struct, frozen=True):
    value: Observable
    note: str


def letter_text(letter: Letter, objects: Sequence[ReleasedObject]) -> str:
    """The text, lines ended by ``\\n``: what it is, whom it may be shown, the first values, how to answer."""
    return "\n".join(_lines(letter, objects)) + "\n"


def _lines(letter: Letter, objects: Sequence[ReleasedObject]) -> Iterator[str]:
    def say(text: str, **values: object) -> str:
        return translate(text, letter.lang, **values)

    current, gone = _values(objects)
    yield f"TLP:{letter.tlp.label.upper()} PAP:{letter.pap.label.upper()} [{letter.ticket}]"
    yield ""
    yield say(
        "{sender} shares with you in the circle {circle}: {objects} objects with {values} values.",
        sender=letter.sender, circle=letter.circle, objects=len(objects), values=len(current),
    )  # fmt: skip
    if letter.parts > 1:
        yield say("This is mail {part} of {parts}; each can be read alone.", part=letter.part, parts=letter.parts)
    yield translate(TLP_SAYS[letter.tlp], letter.lang)
    yield translate(PAP_SAYS[letter.pap], letter.lang)
    for heading, lines in (
        (say("Values, written so that nobody opens them by mistake:"), current),
        (say("Taken back: please stop using these:"), gone),
    ):
        if lines:
            yield from ("", heading, "")
            yield from (_shown(line) for line in lines[:SHOWN_VALUES])
        if len(lines) > SHOWN_VALUES:
            yield say("... and {more} more in the attached table.", more=len(lines) - SHOWN_VALUES)
    yield ""
    yield say("Attached: {stix} (STIX 2.1) and {csv} (a table).", stix=letter.stix_name, csv=letter.csv_name)
    yield say("Answer to this address and keep [{ticket}] in the subject.", ticket=letter.ticket)
    yield say(
        "Encrypt to our key {fingerprint} and sign with yours; we do not take in what comes unencrypted or unsigned.",
        fingerprint=letter.fingerprint,
    )
    if letter.phone:
        yield say("By telephone, day and night: {phone}.", phone=letter.phone)


def _values(objects: Sequence[ReleasedObject]) -> tuple[list[_Line], list[_Line]]:
    """Values that stand and values taken back, each once, in order."""
    told = [(item, msgspec.json.decode(item.body, type=_Told)) for item in objects]
    seen = {one.sighting_of_ref: one.first_seen for _, one in told if one.sighting_of_ref and one.first_seen}
    current: dict[Observable, _Line] = {}
    gone: dict[Observable, _Line] = {}
    for item, one in told:
        if one.type == "indicator":
            for value in indicator_values(item.body):
                said = one.description or one.name
                note = "; ".join(text for text in (seen.get(one.id), said if said != value.value else None) if text)
                (gone if one.revoked else current).setdefault(value, _Line(value, note))
    return list(current.values()), list(gone.values())


def _shown(line: _Line) -> str:
    """The value and its note; what the note says of the value, or of other pages, opens by no click either."""
    value = defang(line.value.type, line.value.value)
    text = line.note[:MAX_NOTE].replace(line.value.value, value).replace("http", "hxxp")
    note = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return f"  {line.value.type.value:<7} {value}" + (f"  ({note})" if note else "")
