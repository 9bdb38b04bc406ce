"""A MISP object as one cyber-observable: a file with its name and hashes, a connection with both ends.

The attributes stand on their own as well; this is what other people's tools expect to find. It carries nothing that
would have to come back, so an object of another kind, or with values that make no sense, simply has none.
"""

from __future__ import annotations

from collections.abc import Callable

from seawall.codec.misp.reading import Json
from seawall.codec.misp.types import HASHES
from seawall.codec.misp.values import plain_observable, values_of
from seawall.model import Observable
from seawall.model.stix.ids import uuid5_text

Said = dict[str, list[tuple[str, str]]]  # object relation -> (attribute type, value)
_REGISTRY_TYPES = frozenset({"REG_SZ", "REG_EXPAND_SZ", "REG_MULTI_SZ", "REG_BINARY", "REG_DWORD", "REG_QWORD"})


def composite_of(name: str, uuid: str, said: Said) -> list[Json]:
    """The observables of an object, the one it is about first; empty when STIX has none for it."""
    make = _MAKERS.get(name)
    try:
        return make(uuid, said) if make is not None else []
    except (ValueError, KeyError, OverflowError):
        return []


def _sco(kind: str, uuid: str, **properties: object) -> Json:
    return {"type": kind, "spec_version": "2.1", "id": f"{kind}--{uuid}", **properties}


def _first(said: Said, *relations: str) -> str | None:
    return next((said[relation][0][1].strip() for relation in relations if said.get(relation)), None)


def _number(said: Said, *relations: str) -> int | None:
    text = _first(said, *relations)
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 16 else None


def _ends(said: Said, *relations: str) -> list[Observable]:
    """The addresses and names that attributes of these relations say."""
    return [value for relation in relations for kind, text in said.get(relation, ()) for value in values_of(kind, text)]


def _placed(values: list[Observable], uuid: str) -> list[Json]:
    """One observable each, under ids that derive from the object's."""
    return [plain_observable(value, uuid5_text(bytes.fromhex(uuid.replace("-", "")), value.value.encode()))
            for value in dict.fromkeys(values)]  # fmt: skip


def _file(uuid: str, said: Said) -> list[Json]:
    hashes: dict[str, str] = {}
    for listed in said.values():
        for kind, text in listed:
            if kind in HASHES:
                hashes.setdefault(
                    HASHES[kind], text.strip().lower() if HASHES[kind][:2] in ("MD", "SH") else text.strip()
                )
    found: Json = {"hashes": hashes} if hashes else {}
    if name := _first(said, "filename"):
        found["name"] = name.partition("|")[0]
    if not found:
        return []
    if (size := _number(said, "size-in-bytes")) is not None:
        found["size"] = size
    if mime := _first(said, "mimetype"):
        found["mime_type"] = mime
    return [_sco("file", uuid, **found)]


def _domain(uuid: str, said: Said) -> list[Json]:
    names, addresses = _ends(said, "domain", "hostname")[:1], _placed(_ends(said, "ip"), uuid)
    if not names:
        return []
    domain = plain_observable(names[0], uuid)
    return [{**domain, "resolves_to_refs": [part["id"] for part in addresses]} if addresses else domain, *addresses]


def _connection(uuid: str, said: Said) -> list[Json]:
    sources = _placed(_ends(said, "ip-src", "hostname-src")[:1], uuid)
    targets = _placed(_ends(said, "ip-dst", "hostname-dst", "ip", "hostname", "domain")[:1], uuid)
    if not sources and not targets:
        return []
    found: Json = {"protocols": [(_first(said, "layer4-protocol", "protocol") or "tcp").lower()]}
    for name, ends, ports in (("src", sources, ("src-port",)), ("dst", targets, ("dst-port",))):
        if ends:
            found[f"{name}_ref"] = ends[0]["id"]
        if (port := _number(said, *ports)) is not None:
            found[f"{name}_port"] = port
    known = {part["id"]: part for part in (*sources, *targets)}
    return [_sco("network-traffic", uuid, **found), *known.values()]


def _registry_key(uuid: str, said: Said) -> list[Json]:
    key = _first(said, "key")
    if key is None:
        return []
    value: Json = {}
    for relation, name in (("name", "name"), ("data", "data")):
        if (text := _first(said, relation)) is not None:
            value[name] = text
    if value and (kind := _first(said, "data-type")) in _REGISTRY_TYPES:
        value["data_type"] = kind
    return [_sco("windows-registry-key", uuid, key=key, **({"values": [value]} if value else {}))]


def _certificate(uuid: str, said: Said) -> list[Json]:
    hashes: dict[str, str] = {}
    for relation, name in (("md5", "MD5"), ("sha1", "SHA-1"), ("sha256", "SHA-256")):
        if (digest := _first(said, f"x509-fingerprint-{relation}")) is not None:
            hashes[name] = digest.lower().replace(":", "")
    found: Json = {"hashes": hashes} if hashes else {}
    for relation, name in (("serial-number", "serial_number"), ("issuer", "issuer"), ("subject", "subject"),
                           ("version", "version")):  # fmt: skip
        if text := _first(said, relation):
            found[name] = text
    return [_sco("x509-certificate", uuid, **found)] if found else []


def _email(uuid: str, said: Said) -> list[Json]:
    found: Json = {"is_multipart": False}
    for relation, name in (("subject", "subject"), ("message-id", "message_id"), ("email-body", "body")):
        if text := _first(said, relation):
            found[name] = text
    senders = _placed(_addresses(said, "from")[:1], uuid)
    receivers = _placed(_addresses(said, "to"), uuid)
    if senders:
        found["from_ref"] = senders[0]["id"]
    if receivers:
        found["to_refs"] = [part["id"] for part in receivers]
    known = {part["id"]: part for part in (*senders, *receivers)}
    return [_sco("email-message", uuid, **found), *known.values()] if len(found) > 1 else []


def _addresses(said: Said, relation: str) -> list[Observable]:
    return [value for _, text in said.get(relation, ()) for value in values_of("email", text)]


_MAKERS: dict[str, Callable[[str, Said], list[Json]]] = {
    "file": _file,
    "domain-ip": _domain,
    "ip-port": _connection,
    "network-connection": _connection,
    "network-socket": _connection,
    "registry-key": _registry_key,
    "x509": _certificate,
    "email": _email,
}
