"""STIX objects that did not come from MISP, one at a time: an indicator's attributes, an observable's attribute."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from seawall.codec.misp.extension import carried
from seawall.codec.misp.marking import MAX_TAG, credibility_tag
from seawall.codec.misp.pieces import Losses, attribute, seconds_of, uuid_of
from seawall.codec.misp.reading import MAX_TAGS, Json, uuid_from
from seawall.codec.misp.trust import disbelief
from seawall.codec.misp.types import CERTIFICATE_WORDS, HASHES, KNOWN_TYPES, OBSERVABLE_WORDS, RULES
from seawall.codec.pattern import simple_keys
from seawall.model import Observable, ObservableType
from seawall.model.stix.tlp import pap_of_label, tlp_of_label, tlp_of_refs

_EPOCH = "1970-01-01"
_LABEL = re.compile(r'misp:type="([^"]{1,100})"')
_END = re.compile(r"network-traffic:(?:src|dst)_ref\.type = '[a-z0-9-]{1,20}' AND (network-traffic:)")
"""misp-stix names the kind of a connection's end before its value, which says as much."""
_TWO = re.compile(r"\[[^' ]+ = '((?:[^'\\]|\\.)*)' AND [^' ]+ = '((?:[^'\\]|\\.)*)'\]")
_ESCAPED = re.compile(r"\\(.)")
_RULE_WORDS = {pattern_type: word for word, pattern_type in RULES.items() if word != "bro"}
_HASH_WORDS = {name: word for word, name in HASHES.items()}
_SCO_WORDS: dict[str, tuple[str, str]] = {  # SCO type -> property, attribute type
    "ipv4-addr": ("value", "ip-dst"),
    "ipv6-addr": ("value", "ip-dst"),
    "domain-name": ("value", "domain"),
    "url": ("value", "url"),
    "email-addr": ("value", "email"),
    "mac-addr": ("value", "mac-address"),
    "mutex": ("name", "mutex"),
    "windows-registry-key": ("key", "regkey"),
    "autonomous-system": ("number", "AS"),
    "email-message": ("subject", "email-subject"),
    "file": ("name", "filename"),
}


def attribute_of(indicator: Mapping[str, Any]) -> list[Json]:
    """The MISP attributes of one STIX indicator (as a dictionary): one for each value that it looks for.

    A pattern that is more than a list of values goes whole, as ``stix2-pattern``. Empty for what is no indicator.
    """
    return attributes_of(indicator, [])


def attributes_of(indicator: Mapping[str, Any], losses: Losses) -> list[Json]:
    """``attribute_of``, with what could not be carried."""
    obj = dict(indicator)
    pattern, pattern_type = obj.get("pattern"), obj.get("pattern_type", "stix")
    if obj.get("type") != "indicator" or not isinstance(pattern, str) or not pattern:
        return []
    if (part := carried(obj)) is not None and disbelief(obj, part) is None:
        misp = part["misp"]
        said = {**misp, "Tag": misp.get("Tag", [])}
        return [_made(uuid_of(obj), str(misp.get("type")), misp["value"], obj, said, losses)]
    said = _said(obj)
    if pattern_type != "stix":
        word = _RULE_WORDS.get(str(pattern_type), "other")
        return [_made(uuid_of(obj), word, pattern, obj, {**said, "to_ids": True}, losses)]
    bare, labelled = _END.sub(r"\1", pattern) if "_ref.type" in pattern else pattern, _labelled(obj)
    if labelled is not None and "|" in labelled and (both := _TWO.fullmatch(bare)) is not None:
        text = "|".join(_ESCAPED.sub(r"\1", half) for half in both.groups())
        return [_made(uuid_of(obj), labelled, text, obj, {**said, "to_ids": True}, losses)]
    try:
        keys = simple_keys(bare)
    except ValueError:
        keys = None
    if keys is None:
        return [_made(uuid_of(obj), "stix2-pattern", pattern, obj, {**said, "to_ids": True}, losses)]
    made: list[Json] = []
    for key in keys:
        uuid = uuid_of(obj) if len(keys) == 1 else uuid_from(str(obj.get("id")), key.type.value, key.value)
        kind = labelled if labelled is not None and "|" not in labelled and len(keys) == 1 else word_of(key)
        made.append(_made(uuid, kind, key.value, obj, {**said, "to_ids": True}, losses))
    return made


def _labelled(obj: Json) -> str | None:
    """The type that misp-stix notes in a label."""
    labels = obj.get("labels")
    for label in labels if isinstance(labels, list) else ():
        if isinstance(label, str) and label.startswith("misp:type=") and (match := _LABEL.fullmatch(label)) is not None:
            return match[1] if match[1] in KNOWN_TYPES else None
    return None


def word_of(value: Observable) -> str:
    """MISP's type for a canonical value."""
    if value.type is ObservableType.CERTIFICATE:
        return CERTIFICATE_WORDS[len(value.value)]
    if value.type is ObservableType.WALLET and not value.value.startswith(("1", "3", "bc1", "tb1")):
        return "other"
    return OBSERVABLE_WORDS[value.type]


def observable_attributes(holder: Json, sco: Json, losses: Losses) -> list[Json]:
    """What an observable says, for the record, not for detection. ``holder`` is the observed-data around it."""
    said = {**_said(holder), "to_ids": False}
    kind = str(sco.get("type"))
    found: list[tuple[str, str]] = []
    hashes = sco.get("hashes")
    if isinstance(hashes, dict) and kind in ("file", "artifact"):
        found += [(_HASH_WORDS.get(str(name), "other"), text) for name, text in hashes.items() if isinstance(text, str)]
    elif isinstance(hashes, dict) and kind == "x509-certificate":
        found += [(CERTIFICATE_WORDS[len(text)], text) for text in hashes.values()
                  if isinstance(text, str) and len(text) in CERTIFICATE_WORDS]  # fmt: skip
    if (word := _SCO_WORDS.get(kind)) is not None and isinstance(value := sco.get(word[0]), (str, int)):
        found.append((word[1], str(value)))
    if not found:
        losses.append((str(sco.get("id")), f"MISP has no attribute for this {kind[:40]}"))
    return [_made(uuid_from(uuid_of(holder), str(sco.get("id")), word, text), word, text, holder, said, losses)
            for word, text in found]  # fmt: skip


def _made(uuid: str, kind: str, value: str, obj: Json, said: Json, losses: Losses) -> Json:
    return attribute(uuid, kind, value, said, losses, identifier=str(obj.get("id")), timestamp=seconds_of(obj),
                     deleted=obj.get("revoked") is True)  # fmt: skip


def _said(obj: Json) -> Json:
    """Comment, tags and times of a plain STIX object under MISP's names."""
    name, description = obj.get("name"), obj.get("description")
    said: Json = {"comment": description if isinstance(description, str) else name if isinstance(name, str) else ""}
    said["Tag"] = [{"name": tag} for tag in tag_names(obj)]
    for theirs, ours in (("first_seen", "valid_from"), ("last_seen", "valid_until"),
                         ("first_seen", "first_observed"), ("last_seen", "last_observed")):  # fmt: skip
        moment = obj.get(ours)
        if isinstance(moment, str) and not moment.startswith(_EPOCH):
            said[theirs] = moment
    return said


def tag_names(obj: Json) -> list[str]:
    """The tags for what markings, labels, confidence (as a word, not a number) and kill chain of an object say."""
    refs = obj.get("object_marking_refs")
    tlp = tlp_of_refs([ref for ref in refs if isinstance(ref, str)]) if isinstance(refs, list) else None
    labels = obj.get("labels")
    names = [str(label)[:MAX_TAG] for label in labels[:MAX_TAGS]] if isinstance(labels, list) else []
    levels = [level for name in names if (level := tlp_of_label(name)) is not None]
    if tlp is not None:
        names = [name for name in names if tlp_of_label(name) is None]
        names.insert(0, f"tlp:{max([tlp, *levels]).label}")
    names = [f"PAP:{pap.label.upper()}" if (pap := pap_of_label(name)) is not None else name for name in names]
    confidence = obj.get("confidence")
    if isinstance(confidence, int) and not isinstance(confidence, bool) and 0 <= confidence <= 100:
        names.append(credibility_tag(confidence))
    phases = obj.get("kill_chain_phases")
    for phase in phases[:MAX_TAGS] if isinstance(phases, list) else ():
        if isinstance(phase, dict):
            names.append(f"{phase.get('kill_chain_name')}:{phase.get('phase_name')}"[:MAX_TAG])
    return list(dict.fromkeys(name for name in names if name.strip()))
