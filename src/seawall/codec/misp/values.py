"""One attribute's value: the pattern that detects it, or the cyber-observables that record it.

Patterns stay "any one of these values", so that match keys arise: of ``ip-dst|port`` the address, of
``filename|sha256`` the hash, of ``domain|ip`` either part. The whole value is carried beside the pattern.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from seawall.codec.misp.types import ATTRIBUTE_TYPES, HASHES, Part
from seawall.codec.pattern import pattern_for
from seawall.codec.refang import refang
from seawall.codec.spelling import canonical_pair
from seawall.model import Observable, ObservableType

Json = dict[str, Any]

# Types whose whole value is compared with one property.
_PATHS: dict[str, str] = {
    "mutex": "mutex:name",
    "regkey": "windows-registry-key:key",
    "email-subject": "email-message:subject",
    "email-body": "email-message:body",
    "email-message-id": "email-message:message_id",
    "email-dst": "email-message:to_refs[*].value",
    "email-attachment": "file:name",
    "email-x-mailer": "email-message:additional_header_fields.'X-Mailer'",
    "user-agent": "network-traffic:extensions.'http-request-ext'.request_header.'User-Agent'",
    "mac-address": "mac-addr:value",
    "size-in-bytes": "file:size",
    "mime-type": "file:mime_type",
    "github-username": "user-account:account_login",
    "twitter-id": "user-account:account_login",
    **{name: f"file:hashes.'{hash}'" for name, hash in HASHES.items()},
}
PARTED = frozenset({"regkey|value"} | {f"filename|{name}" for name in HASHES})
"""Types of two parts beside those of ``ATTRIBUTE_TYPES``."""


def values_of(kind: str, text: str) -> list[Observable]:
    """The canonical values that an attribute of a matched type names.

    Raises ValueError when the text is not of its type, KeyError when the type is none that is matched.
    """
    parts = ATTRIBUTE_TYPES[kind]
    pieces = text.split("|", len(parts) - 1) if len(parts) > 1 else [text]
    if len(pieces) != len(parts):
        raise ValueError(f"it has not {len(parts)} parts with a bar between them")
    return [
        _canonical(part, refang(piece.strip())) for part, piece in zip(parts, pieces, strict=True) if part is not None
    ]


def _canonical(kinds: Part, text: str) -> Observable:
    reason = ""
    for kind in kinds or ():
        try:
            return Observable(*canonical_pair(kind, text))
        except ValueError as error:
            reason = reason or str(error)
    raise ValueError(reason)


def pattern_of(kind: str, text: str) -> str | None:
    """The STIX pattern for an attribute; None when STIX cannot say it.

    Raises ValueError when the text is not of its type.
    """
    if kind in ATTRIBUTE_TYPES:
        return " OR ".join(pattern_for(value) for value in values_of(kind, text))
    if kind in PARTED:
        name, bar, rest = text.partition("|")
        if not bar or not name.strip() or not rest.strip():
            raise ValueError("it has not 2 parts with a bar between them")
        kind, text = ("regkey", name) if kind == "regkey|value" else (kind.partition("|")[2], rest)
    path = _PATHS.get(kind)
    if path is None:
        return None
    text = text.strip()
    if kind == "size-in-bytes":
        if not (text.isascii() and text.isdigit() and len(text) < 16):
            raise ValueError("it is no number of bytes")
        return f"[{path} = {text}]"
    return f"[{path} = {quoted(text.lower() if kind == 'mac-address' else text)}]"


def quoted(text: str) -> str:
    """A string constant of the pattern language (9.2)."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def observables_of(kind: str, text: str, uuid: str) -> list[Json]:
    """The cyber-observables of an attribute that records something, the main one first. Empty: STIX has none.

    Their ids carry the attribute's UUID, so each belongs to one attribute and takes its marking. Raises ValueError when
    the text is not of its type.
    """
    make = _MAKERS.get(kind)
    return make(kind, text.strip(), uuid) if make is not None else []


def _sco(kind: str, uuid: str, **properties: object) -> Json:
    return {"type": kind, "spec_version": "2.1", "id": f"{kind}--{uuid}", **properties}


_VALUE_TYPES = {
    ObservableType.IPV4: "ipv4-addr",
    ObservableType.IPV6: "ipv6-addr",
    ObservableType.DOMAIN: "domain-name",
    ObservableType.URL: "url",
    ObservableType.EMAIL: "email-addr",
}


def plain_observable(value: Observable, uuid: str) -> Json:
    """An address, name, URL or mailbox as an observable under this UUID. Raises KeyError for other types."""
    if value.type is ObservableType.CIDR:
        return _sco("ipv6-addr" if ":" in value.value else "ipv4-addr", uuid, value=value.value)
    return _sco(_VALUE_TYPES[value.type], uuid, value=value.value)


def _one(kind: str, text: str, uuid: str) -> list[Json]:
    return [plain_observable(values_of(kind, text)[0], uuid)]


def _address_and_port(kind: str, text: str, uuid: str) -> list[Json]:
    address = plain_observable(values_of(kind, text)[0], uuid)
    port = text.rpartition("|")[2].strip()
    if not (port.isascii() and port.isdigit() and len(port) < 6):
        return [address]
    end = "src" if kind.startswith("ip-src") else "dst"
    protocol = "tcp" if address["type"] == "domain-name" else address["type"].removesuffix("-addr")
    traffic = {f"{end}_ref": address["id"], f"{end}_port": int(port)}
    return [_sco("network-traffic", uuid, protocols=[protocol], **traffic), address]


def _domain_and_address(kind: str, text: str, uuid: str) -> list[Json]:
    domain, address = (plain_observable(value, uuid) for value in values_of(kind, text))
    return [{**domain, "resolves_to_refs": [address["id"]]}, address]


def _email_to(_kind: str, text: str, uuid: str) -> list[Json]:
    return [plain_observable(_canonical((ObservableType.EMAIL,), refang(text)), uuid)]


def _hash(kind: str, text: str, uuid: str) -> list[Json]:
    return [
        _sco("file", uuid, hashes={HASHES[kind]: text.lower() if HASHES[kind].startswith(("MD5", "SHA")) else text})
    ]


def _name_and_hash(kind: str, text: str, uuid: str) -> list[Json]:
    name, _, digest = text.rpartition("|")
    word = "md5" if kind == "malware-sample" else kind.partition("|")[2]
    return [{**_hash(word, digest, uuid)[0], "name": name}] if name else []


def _key_and_value(_kind: str, text: str, uuid: str) -> list[Json]:
    key, _, data = text.partition("|")
    return [_sco("windows-registry-key", uuid, key=key.strip(), values=[{"data": data.strip()}])]


def _certificate(kind: str, text: str, uuid: str) -> list[Json]:
    digest = values_of(kind, text)[0].value
    return [_sco("x509-certificate", uuid, hashes={{32: "MD5", 40: "SHA-1", 64: "SHA-256"}[len(digest)]: digest})]


def _number(kind: str, text: str, uuid: str) -> list[Json]:
    return [_sco("autonomous-system", uuid, number=int(values_of(kind, text)[0].value))]


def _named(type: str, name: str, **more: object) -> Callable[[str, str, str], list[Json]]:
    def make(_kind: str, text: str, uuid: str) -> list[Json]:
        return [_sco(type, uuid, **{name: text}, **more)]

    return make


_MAKERS: dict[str, Callable[[str, str, str], list[Json]]] = {
    **dict.fromkeys(("ip-src", "ip-dst", "domain", "hostname", "onion-address", "url", "uri", "email"), _one),
    **dict.fromkeys(("email-src", "email-reply-to"), _one),
    **dict.fromkeys(("email-dst", "target-email", "whois-registrant-email", "dns-soa-email"), _email_to),
    **dict.fromkeys(("ip-src|port", "ip-dst|port", "hostname|port"), _address_and_port),
    **dict.fromkeys(HASHES, _hash),
    **dict.fromkeys((f"filename|{name}" for name in HASHES), _name_and_hash),
    **dict.fromkeys((f"x509-fingerprint-{name}" for name in ("md5", "sha1", "sha256")), _certificate),
    "domain|ip": _domain_and_address,
    "malware-sample": _name_and_hash,
    "filename": _named("file", "name"),
    "attachment": _named("file", "name"),
    "email-attachment": _named("file", "name"),
    "mutex": _named("mutex", "name"),
    "regkey": _named("windows-registry-key", "key"),
    "regkey|value": _key_and_value,
    "AS": _number,
    "mac-address": lambda _kind, text, uuid: [_sco("mac-addr", uuid, value=text.lower().replace("-", ":"))],
    "email-subject": _named("email-message", "subject", is_multipart=False),
    "email-body": _named("email-message", "body", is_multipart=False),
    "email-message-id": _named("email-message", "message_id", is_multipart=False),
    "github-username": _named("user-account", "account_login", account_type="github"),
    "twitter-id": _named("user-account", "account_login", account_type="twitter"),
    "jabber-id": _named("user-account", "account_login", account_type="jabber"),
    "target-user": _named("user-account", "account_login"),
}
