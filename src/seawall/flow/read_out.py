"""What a person says on the telephone about one warning, in twenty seconds: the marking first, whom to call last."""

from __future__ import annotations

import unicodedata

import msgspec

from seawall.flow.contacts import contact_of
from seawall.flow.findings import warning_row
from seawall.flow.mail import own_phone
from seawall.flow.node import Node
from seawall.flow.warning import refresh_warnings
from seawall.messages import canonical_language, format_moment, translate
from seawall.model import NotFound, ObservableType, Warning
from seawall.model.contact import Contact
from seawall.policy import visibility
from seawall.reference.contacts import readable_phone
from seawall.reference.spoken import is_shortened, spoken

SECONDS = 20
PACE = {"en": 2.6, "zh-Hant": 4.5, "ko": 5.5}
"""Words a second in English, syllables in the others: the slower ends of measured newsreaders, for who writes along."""
KINDS = {
    ObservableType.IPV4: "address", ObservableType.IPV6: "address", ObservableType.CIDR: "network",
    ObservableType.DOMAIN: "domain", ObservableType.URL: "web address", ObservableType.EMAIL: "mail address",
    ObservableType.SHA256: "file, SHA-256", ObservableType.SHA1: "file, SHA-1", ObservableType.MD5: "file, MD5",
}  # fmt: skip


class Spoken(msgspec.Struct, frozen=True):
    """A read-out and how long it takes."""

    text: str
    seconds: float


def read_out(node: Node, value: str, lang: str, *, type: str | None = None) -> dict[str, object]:
    """One warning with its ``read_out``. Raises NotFound E-FLOW-281 for a value that no warning is about."""
    seen = visibility(node.require("read"))
    refresh_warnings(node)
    kinds = [ObservableType(type)] if type in set(ObservableType) else list(ObservableType)
    for kind in kinds:
        warning = node.store.warnings.get(kind, value.strip(), visibility=seen)
        if warning is not None:
            return _with_read_out(node, warning, lang)
    raise NotFound("E-FLOW-281", "There is no warning about {value}.", value=ascii(value[:100]))


def with_read_outs(node: Node, items: list[dict[str, object]], lang: str) -> list[dict[str, object]]:
    """The rows of ``list_warnings``, each with its ``read_out``."""
    seen = visibility(node.require("read"))
    found = []
    for item in items:
        warning = node.store.warnings.get(ObservableType(str(item["type"])), str(item["value"]), visibility=seen)
        said = say_warning(node, warning, lang) if warning is not None else Spoken("", 0.0)
        found.append({**item, "read_out": said.text, "read_out_seconds": said.seconds})
    return found


def _with_read_out(node: Node, warning: Warning, lang: str) -> dict[str, object]:
    said = say_warning(node, warning, lang)
    return {**warning_row(warning), "read_out": said.text, "read_out_seconds": said.seconds}


def say_warning(node: Node, warning: Warning, lang: str) -> Spoken:
    """The text for the telephone: what is optional falls away until it can be said in time."""
    language, zone = canonical_language(lang), node.settings.node.timezone

    def say(text: str, **values: object) -> str:
        return translate(text, language, **values)

    marking = say("T L P {level}.", level=warning.tlp.label.upper().replace("+", " "))
    value = spoken(warning.type, warning.value)
    told = say("Hostile {kind}: {value}.", kind=translate(KINDS.get(warning.type, "value"), language), value=value)
    first = say(
        "First seen {moment} by {side}.",
        moment=f"{format_moment(warning.first_seen, language, zone, 'date')} "
        f"{format_moment(warning.first_seen, language, zone, 'time')}",
        side=warning.first_side,
    )
    also = say("Both sides are hit.") if warning.other_first_seen is not None else say("Only one side is hit so far.")
    ends = say("Compare the middle in writing.") if is_shortened(warning.type, warning.value) else ""
    call = _call(node, warning, language)
    for parts in ((marking, told, ends, first, also, call), (marking, told, ends, first, call), (marking, told, call)):
        text = " ".join(part for part in parts if part)
        if duration(text, language) <= SECONDS:
            break
    return Spoken(text, round(duration(text, language), 1))


def duration(text: str, lang: str) -> float:
    """Seconds to say it: a word for each group of letters and each digit; in Chinese and Korean a character each."""
    east = sum(unicodedata.east_asian_width(letter) in "WF" and letter.isalnum() for letter in text)
    plain = "".join(" " if unicodedata.east_asian_width(letter) in "WF" else letter for letter in text)
    words = sum(_units(word) for word in plain.replace("-", " ").split())
    return words / PACE["en"] + east / PACE[lang]


def _units(word: str) -> int:
    digits = sum(letter.isdigit() for letter in word)
    return digits or int(any(letter.isalpha() for letter in word))


def _call(node: Node, warning: Warning, lang: str) -> str:
    """The first contact of a side that the warning names, else ourselves."""
    for side in (warning.first_side, warning.other_side, *sorted(warning.origins)):
        contact = contact_of(node, side) if side else None
        if contact is not None and (contact.phone_24x7 or contact.phone):
            return _said(contact, lang)
    own = own_phone(node)
    return translate("Call back: {phone}.", lang, phone=readable_phone(own)) if own else ""


def _said(contact: Contact, lang: str) -> str:
    name = contact.short_name or contact.name
    return translate(
        "Call {name}: {phone}.", lang, name=name, phone=readable_phone(contact.phone_24x7 or contact.phone)
    )
