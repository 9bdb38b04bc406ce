"""What a person says on the telephone about one warning, in twenty seconds: the marking first, whom to call last."""

from __future__ import annotations

import re

import msgspec

from seawall.codec.detection import detect
from seawall.flow.contacts import contact_of
from seawall.flow.findings import warning_row
from seawall.flow.listing import Listing
from seawall.flow.mail import own_phone
from seawall.flow.node import Node
from seawall.flow.warning import refresh_warnings
from seawall.messages import canonical_language, format_moment, translate
from seawall.model import Actor, NotFound, ObservableType, Warning
from seawall.model.contact import Contact
from seawall.policy import visibility
from seawall.reference.contacts import readable_phone
from seawall.reference.spoken import is_shortened, spoken

SECONDS = 20
MAX_NAME = 30  # characters of a name that is said
PACE = {"en": 2.6, "zh-Hant": 4.5, "ko": 5.5}
"""Words a second in English, syllables in the others: the slower ends of measured newsreaders, for who writes along."""
_EAST = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")  # kana, Han and Hangul syllables
_WORDS = re.compile(r"\d|[^\W\d_]+")
KINDS = {
    ObservableType.IPV4: "address", ObservableType.IPV6: "address", ObservableType.CIDR: "network",
    ObservableType.DOMAIN: "domain", ObservableType.URL: "web address", ObservableType.EMAIL: "mail address",
    ObservableType.SHA256: "file, SHA-256", ObservableType.SHA1: "file, SHA-1", ObservableType.MD5: "file, MD5",
}  # fmt: skip


class Spoken(msgspec.Struct, frozen=True):
    """A read-out and how long it takes."""

    text: str
    seconds: float


def read_out(node: Node, value: str, lang: str) -> dict[str, object]:
    """The warning about a value, with its ``read_out``. Raises NotFound E-FLOW-281 when there is none."""
    refresh_warnings(node)
    return Speaker(node, lang).row(find_warning(node, value, node.require("read")))


def find_warning(node: Node, value: str, actor: Actor) -> Warning:
    """The warning about a value, as typed or defanged. Raises NotFound E-FLOW-281 when ``actor`` may see none."""
    seen = visibility(actor)
    found = detect(value)
    kinds = [found.type] if found is not None else []
    canonical = found.value if found is not None else value
    for kind, text in [*((kind, canonical) for kind in kinds), *((kind, value) for kind in ObservableType)]:
        warning = node.store.warnings.get(kind, text, visibility=seen)
        if warning is not None:
            return warning
    raise NotFound("E-FLOW-281", "There is no warning about {value}.", value=ascii(value[:100]))


def list_read_outs(node: Node, lang: str, *, limit: int, after: int) -> Listing:
    """As ``list_warnings``, each row with its ``read_out``."""
    seen = visibility(node.require("read"))
    refresh_warnings(node)
    page = node.store.warnings.list(seen, after=after, limit=limit)
    speaker = Speaker(node, lang)
    return Listing([speaker.row(warning) for warning in page.items], page.next)


class Speaker:
    """Says warnings in one language; whom to call is looked up once a side."""

    def __init__(self, node: Node, lang: str) -> None:
        self._node = node
        self._lang = canonical_language(lang)
        self._own = own_phone(node)
        self._contacts: dict[str, Contact | None] = {}

    def row(self, warning: Warning) -> dict[str, object]:
        """The warning as the doors show it, with ``read_out`` and ``read_out_seconds``."""
        said = self.say(warning)
        return {**warning_row(warning), "read_out": said.text, "read_out_seconds": said.seconds}

    def say(self, warning: Warning) -> Spoken:
        """The text for the telephone: what is optional falls away until it can be said in time."""
        zone = self._node.settings.node.timezone
        marking = self._tr("T L P {level}.", level=warning.tlp.label.upper().replace("+", " "))
        value = spoken(warning.type, warning.value, self._lang)
        told = self._tr(
            "Hostile {kind}: {value}.",
            kind=translate(KINDS.get(warning.type, "value"), self._lang),
            value=value,
        )
        first = self._tr(
            "First seen {moment} by {side}.",
            moment=f"{format_moment(warning.first_seen, self._lang, zone, 'date')} "
            f"{format_moment(warning.first_seen, self._lang, zone, 'time')}",
            side=warning.first_side,
        )
        both = warning.other_first_seen is not None
        also = self._tr("Both sides are hit.") if both else self._tr("Only one side is hit so far.")
        ends = self._tr("Compare the middle in writing.") if is_shortened(warning.type, warning.value) else ""
        call = self._call(warning)
        for parts in (
            (marking, told, ends, first, also, call),
            (marking, told, ends, first, call),
            (marking, told, ends, call),
            (marking, told, call),
        ):
            text = " ".join(part for part in parts if part)
            if duration(text, self._lang) <= SECONDS:
                break
        return Spoken(text, round(duration(text, self._lang), 1))

    def _tr(self, text: str, **values: object) -> str:
        return translate(text, self._lang, **values)

    def _call(self, warning: Warning) -> str:
        """The first contact of a side that the warning names, else ourselves."""
        for side in (warning.first_side, warning.other_side, *sorted(warning.origins)):
            contact = self._contact(side) if side else None
            if contact is not None and (contact.phone_24x7 or contact.phone):
                name, phone = contact.short_name or contact.name, contact.phone_24x7 or contact.phone
                return self._tr("Call {name}: {phone}.", name=name[:MAX_NAME], phone=readable_phone(phone))
        return self._tr("Call back: {phone}.", phone=readable_phone(self._own)) if self._own else ""

    def _contact(self, side: str) -> Contact | None:
        if side not in self._contacts:
            self._contacts[side] = contact_of(self._node, side)
        return self._contacts[side]


def duration(text: str, lang: str) -> float:
    """Seconds to say it: a word for each group of letters and each digit; in Chinese and Korean a character each."""
    east = 0 if text.isascii() else len(_EAST.findall(text))
    plain = text if not east else _EAST.sub(" ", text)
    return len(_WORDS.findall(plain)) / PACE["en"] + east / PACE[lang]
