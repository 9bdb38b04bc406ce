"""Which values may enter a search for the overlap at all: what is not in the set cannot be guessed.

Own assets, victims, ongoing operations (a list that people keep here), warninglisted values, sites that everybody
visits, shared content networks, address translators and resolvers, and mass scanners stay out whatever the terms say.
Candidates (DESIGN section 1) passed the tests on the lake already; ``may_enter`` asks all of them about one value.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from seawall.codec.values import canonical, detect, refang
from seawall.flow.node import Node
from seawall.model import Fault, NotFound, Observable, ObservableType, rfc3339
from seawall.reference import OwnAssets, Warninglists, registered_domain
from seawall.reference.networks import NetworkMap, host_of, parents, parse_address, parse_network

OWN, VICTIM, OPERATION, LISTED, SHARED, COMMON, SCANNER = (
    "own-asset",
    "victim",
    "operation",
    "warninglist",
    "shared",
    "common-site",
    "mass-scanner",
)
"""Reasons, as they are counted and shown."""
OF_TEST: Mapping[str, str] = {
    "own-asset": OWN,
    "own-end": VICTIM,
    "own": VICTIM,
    "warninglist": LISTED,
    "mass-scanner": SCANNER,
    "popular": SHARED,
    "popular-domain": COMMON,
}
"""Tests on the lake (``match.why``) that keep a value out of every overlap -> the reason."""
MAX_LIST_BYTES = 64 * 1024 * 1024  # of a file of exclusions
MAX_LINE = 4_096  # characters of one value


class Gate:
    """The lists of this node as they are on disk now; implements ``match``'s ``Screens``."""

    def __init__(self, node: Node) -> None:
        reference = node.folder / "reference"
        self._own = OwnAssets.load(reference)
        self._lists = Warninglists.load(reference)
        self._operations = Operations((type, value) for type, value, _, _ in node.store.exclusions.list())

    def is_own(self, observable: Observable, /) -> bool:
        """True for our own addresses and names."""
        return self._own.is_own(observable)

    def listed(self, observable: Observable, /) -> str | None:
        """The name of the warninglist that holds the value."""
        return self._lists.hit(observable)

    def registered_domain(self, name: str, /) -> str | None:
        """The registrable part of a name; None for a public suffix."""
        return registered_domain(name)

    def operation(self, observable: Observable, /) -> bool:
        """Whether people here keep it out."""
        return self._operations.hold(observable)

    def reason(self, observable: Observable, /) -> str | None:
        """Why a list keeps the value out; None when none does. The lake is not asked."""
        if self._operations.hold(observable):
            return OPERATION
        if self._own.is_own(observable):
            return OWN
        return LISTED if self._lists.hit(observable) is not None else None


class Operations:
    """The local list: an address range covers what lies in it, a name what lies below it and URLs and mail there."""

    def __init__(self, values: Iterable[tuple[str, str]]) -> None:
        self._networks: NetworkMap[bool] = NetworkMap()
        self._names: set[str] = set()
        self._exact: set[tuple[str, str]] = set()
        for type, value in values:
            network = parse_network(value) if type in ("ipv4", "ipv6", "cidr") else None
            if network is not None:
                self._networks.setdefault(network, True)
            elif type == "domain":
                self._names.add(value)
            else:
                self._exact.add((type, value))

    def hold(self, observable: Observable) -> bool:
        """Whether the value is on the list, lies in a range of it or below a name of it."""
        if not (self._exact or self._names or len(self._networks)):
            return False
        type, value = observable.type, observable.value
        if (type.value, value) in self._exact:
            return True
        if type is ObservableType.CIDR:
            network = parse_network(value)
            return network is not None and any(self._networks.touching(network))
        if type is ObservableType.URL:
            if ("url", value.split("?", 1)[0]) in self._exact:
                return True
            host = host_of(value) or ""
        else:
            host = value.rpartition("@")[2] if type is ObservableType.EMAIL else value
        if type in (ObservableType.IPV4, ObservableType.IPV6, ObservableType.URL):
            address = parse_address(host)
            if address is not None:
                return any(self._networks.around(address))
        if type in (ObservableType.DOMAIN, ObservableType.URL, ObservableType.EMAIL):
            return any(name in self._names for name in parents(host))
        return False


def may_enter(node: Node, type: ObservableType, value: str | bytes) -> bool:
    """Whether this value may enter an overlap. ``committed`` and ``decoys`` need not be asked again."""
    return why_not(node, type, value) is None


def why_not(node: Node, type: ObservableType, value: str | bytes) -> str | None:
    """The reason that keeps one canonical value out, by the lists and by what our own sensors know; None: it may."""
    from seawall.match import why  # Arrow, which whoever only reads a value does without

    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    observable, gate = Observable(type, text), Gate(node)
    reason = gate.reason(observable)
    if reason is not None or not node.settings.lake.store_telemetry:
        return reason
    with node.lake.reading() as session:
        failed = why(session, gate, observable).excluded_by
    return next((OF_TEST[name] for name in failed if name in OF_TEST), None)


def exclude(node: Node, values: Iterable[str], type: str | None = None) -> dict[str, object]:
    """Keep values out of every overlap from now on, also those that were committed to before.

    Raises Refused E-FLOW-004, Fault E-FLOW-500 for what is no value, E-VALUE-001 for none of that type.
    """
    person = node.require("match")
    found = sorted({read_value(text, type) for text in values})
    added = node.store.exclusions.add(((item.type.value, item.value) for item in found), node.clock(), person.name)
    return {"given": len(found), "added": added, "excluded": len(node.store.exclusions.list())}


def include(node: Node, value: str, type: str | None = None) -> dict[str, object]:
    """Take a value off the list. Raises NotFound E-FLOW-501 when it is not on it."""
    node.require("match")
    item = read_value(value, type)
    if not node.store.exclusions.remove([(item.type.value, item.value)]):
        raise NotFound("E-FLOW-501", "{value} is not on the list of exclusions.", value=ascii(item.value[:80]))
    return {"removed": item.value, "excluded": len(node.store.exclusions.list())}


def excluded(node: Node) -> list[dict[str, object]]:
    """The local list."""
    node.require("read-telemetry")
    return [
        {"type": type, "value": value, "added_at": rfc3339(at), "added_by": by}
        for type, value, at, by in node.store.exclusions.list()
    ]


def values_in(path: Path) -> list[str]:
    """The lines of a file, without empty ones and comments (#). Raises Fault E-FLOW-502 for one that is too large."""
    with path.open("rb") as file:
        data = file.read(MAX_LIST_BYTES + 1)
    lines = [line.strip() for line in data.decode("utf-8-sig", "replace").splitlines()]
    if len(data) > MAX_LIST_BYTES or any(len(line) > MAX_LINE for line in lines):
        raise Fault("E-FLOW-502", "{path} is too large for a list with one value a line.", path=path.name)
    return [line for line in lines if line and not line.startswith("#")]


def lists_state(node: Node) -> str:
    """Changes whenever own assets, warninglists or the local list do."""
    digest = hashlib.sha256()
    for path in sorted((node.folder / "reference").rglob("*")):
        if path.is_file():
            told = path.stat()
            digest.update(f"{path.name} {told.st_size} {told.st_mtime_ns}\n".encode())
    for type, value, _, _ in node.store.exclusions.list():
        digest.update(f"{type} {value}\n".encode())
    return digest.hexdigest()[:16]


def read_value(text: str, type: str | None) -> Observable:
    """A value as people write it, defanged or not. Raises Fault E-FLOW-500, 503, E-VALUE-001."""
    plain = refang(text.strip())
    if type is not None:
        return canonical(type_named(type), plain)
    found = detect(plain)
    if found is None:
        raise Fault(
            "E-FLOW-500", "{given} is no value of a known type; name the type with --type.", given=ascii(text[:80])
        )
    return found


def type_named(text: str) -> ObservableType:
    """The type. Raises Fault E-FLOW-503 for an unknown one."""
    if text not in set(ObservableType):
        known = ", ".join(kind.value for kind in ObservableType)
        raise Fault("E-FLOW-503", "There is no type {given}; use one of {known}.", given=repr(text[:40]), known=known)
    return ObservableType(text)
