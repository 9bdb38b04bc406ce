"""Decoys: values in our own unused space that no honest party holds. Who holds one has guessed.

They are drawn with ``secrets``, one from each of as many equal stretches of the space as are asked for: a sweep of any
stretch then meets its share, wherever it begins. They stay secret: no leaf, log line or message names one.

What follows: the first hit is a question to the peer, the third an incident, and nothing is compared with that peer
until a named person says to go on. A decoy that our own sensors meet is retired by itself.
"""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from seawall.codec.values import canonical
from seawall.flow.decoy_tending import met_values
from seawall.flow.excluded import values_in
from seawall.flow.node import Node
from seawall.flow.overlap_stops import stop_overlap
from seawall.ledger import EventKind, LedgerEvent
from seawall.model import Fault, NotFound, ObservableType, Refused, rfc3339
from seawall.model.books import Judgement, Verdict
from seawall.reference import OwnAssets
from seawall.reference.networks import Network, parse_network

INCIDENT_HITS = 3
"""An honest set that is scattered at random would hit one now and then; three are no accident."""
MAX_DECOYS = 10_000  # of one type: each takes a place of our own budget
ROUNDS = 32  # how often a stretch is tried before its space counts as used up
DRAWN_TYPES = (ObservableType.IPV4, ObservableType.IPV6, ObservableType.DOMAIN)
TYPES = (*DRAWN_TYPES, ObservableType.WALLET)
NODE = "node"
HOST_WORDS = (
    "adm", "api", "app", "auth", "backup", "cdn", "cloud", "corp", "db", "dev", "docs", "edge", "erp", "files", "ftp",
    "git", "gw", "hr", "intra", "lab", "ldap", "log", "mail", "mx", "ns", "ops", "portal", "print", "proxy", "qa",
    "sap", "sftp", "sso", "stage", "test", "vpn", "web", "wiki",
)  # fmt: skip
"""What administrators call machines; with three letters or digits behind, none of ours is called so by chance."""
TAIL = "abcdefghijkmnpqrstuvwxyz23456789"
TAIL_LENGTH = 3
SMALL_SPACE = 65_536  # values that are all looked at when stretches of it are full


def draw_decoys(node: Node, type: str, count: int, file: Path | None = None) -> dict[str, object]:
    """Draw ``count`` new decoys from own space that the lake never saw; wallets are taken from the list in ``file``.

    Raises Refused E-FLOW-004, Fault E-FLOW-530 for another type, 531 for too many, 532 when the space has no more, 533
    for wallets without a list.
    """
    person = node.require("manage-peers")
    kind = _type(type)
    if not 0 < count <= MAX_DECOYS - len(node.store.decoys.list(kind.value)):
        raise Fault(
            "E-FLOW-531", "A node has at most {most} decoys of a type, and draws at least one.", most=MAX_DECOYS
        )
    taken = {item.value for item in node.store.decoys.list(kind.value)}
    found = _listed(kind, file, count, taken) if kind is ObservableType.WALLET else _drawn(node, kind, count, taken)
    if len(found) < count:
        raise Fault(
            "E-FLOW-532",
            "There is unused space of our own for {found} decoys of type {type} only; import more own assets with "
            "'seawall assets import', or ask for fewer.",
            found=len(found),
            type=kind.value,
        )
    added = node.store.decoys.add(kind.value, sorted(found), node.clock(), person.name)
    node.event(EventKind.DECOYS_DRAWN, kind.value, count=added)
    return {"type": kind.value, "drawn": added, "decoys": len(node.store.decoys.list(kind.value, standing=True))}


def list_decoys(node: Node) -> list[dict[str, object]]:
    """All of them, for people who may manage peers: a list that must not be sent to anybody."""
    node.require("manage-peers")
    return [
        {
            "type": item.type,
            "value": item.value,
            "drawn_at": rfc3339(item.drawn_at),
            "drawn_by": item.drawn_by,
            "retired": item.retired,
        }
        for item in node.store.decoys.list()
    ]


def remove_decoys(node: Node, type: str, value: str | None, *, all_of_them: bool = False) -> dict[str, object]:
    """Forget one decoy, or all of a type. Raises Fault E-FLOW-536 for neither or both, NotFound E-FLOW-534."""
    node.require("manage-peers")
    kind = _type(type)
    if (value is None) != all_of_them:
        raise Fault("E-FLOW-536", "Give either one decoy or --all.")
    wanted = [item.value for item in node.store.decoys.list(kind.value)] if value is None else [value]
    gone = node.store.decoys.remove(kind.value, wanted)
    if not gone:
        raise NotFound("E-FLOW-534", "None of these is a decoy of type {type}.", type=kind.value)
    return {"type": kind.value, "removed": gone, "decoys": len(node.store.decoys.list(kind.value, standing=True))}


def decoys(node: Node, type: ObservableType) -> frozenset[bytes]:
    """The decoys of a type that go into our set beside the candidates."""
    return frozenset(item.value.encode() for item in node.store.decoys.list(type.value, standing=True))


def judge_hits(node: Node, peer: str, type: ObservableType, values: Iterable[bytes]) -> Judgement:
    """What the values that a peer turned out to hold say of it; on record, and its stop in force, when this returns.

    Give it every answer before anything else is done with it, and show decoys among the values to nobody. The same
    decoy again counts once.
    """
    mine = decoys(node, type) | _retired_by_hit(node, type)
    hits = sorted({value for value in values if value in mine})
    if not hits:
        return Judgement(Verdict.NOTHING, 0, node.store.decoys.unsettled(peer))
    before = node.store.decoys.unsettled(peer)
    total = node.store.decoys.hit(peer, type.value, (value.decode() for value in hits), node.clock())
    if total == before and before < INCIDENT_HITS:
        return Judgement(Verdict.QUESTION, len(hits), total)
    details: dict[str, str | int | list[str]] = {"type": type.value, "hits": len(hits), "total": total}
    node.ledger.record_event(LedgerEvent(EventKind.DECOY_HIT, node.clock(), NODE, peer, details))
    if total < INCIDENT_HITS:
        return Judgement(Verdict.QUESTION, len(hits), total)
    stop_overlap(node, peer, f"{peer} asked about {total} decoys, which nobody can have met")
    return Judgement(Verdict.INCIDENT, len(hits), total)


def describe_hits(node: Node, peer: str) -> dict[str, object]:
    """What one peer's answers hit, by type and number; never which."""
    found: dict[str, int] = {}
    for type, _, _ in node.store.decoys.hits_of(peer):
        found[type] = found.get(type, 0) + 1
    total = sum(found.values())
    verdict = Verdict.INCIDENT if total >= INCIDENT_HITS else Verdict.QUESTION if total else Verdict.NOTHING
    return {"peer": peer, "verdict": verdict.value, "hits": total, "by_type": found}


def _retired_by_hit(node: Node, type: ObservableType) -> frozenset[bytes]:
    """Decoys that were retired because a peer knows them now: to hold one still tells something of another peer."""
    held = node.store.decoys.list(type.value)
    return frozenset(item.value.encode() for item in held if item.retired == BURNT)


BURNT = "a peer knows it"


def _type(text: str) -> ObservableType:
    kind = next((each for each in TYPES if each.value == text), None)
    if kind is None:
        raise Fault("E-FLOW-530", "There are no decoys of type {given}; use one of {known}.", given=repr(text[:40]),
                    known=", ".join(each.value for each in TYPES))  # fmt: skip
    return kind


def _listed(kind: ObservableType, file: Path | None, count: int, taken: set[str]) -> set[str]:
    """Wallets that were never on chain: only a list that somebody checked can say so."""
    if file is None:
        raise Fault("E-FLOW-533", "Wallets that were never on chain come from a list; give it with --file.")
    pool = sorted({canonical(kind, line).value for line in values_in(file)} - taken)
    secrets.SystemRandom().shuffle(pool)
    return set(pool[:count])


def _drawn(node: Node, kind: ObservableType, count: int, taken: set[str]) -> set[str]:
    if not node.settings.lake.store_telemetry:
        raise Refused("E-FLOW-535", "A node without telemetry cannot say which of its addresses are unused; keep none.")
    own = OwnAssets.load(node.folder / "reference")
    space = _Names(own) if kind is ObservableType.DOMAIN else _Addresses(own, 4 if kind is ObservableType.IPV4 else 6)
    found: set[str] = set()
    with node.lake.reading() as session:

        def unused(values: set[str]) -> set[str]:
            fresh = values - taken - found
            return fresh - {value for _, value in met_values(session, ((kind.value, value) for value in fresh))}

        places = list(range(count)) if space.size else []
        for _ in range(ROUNDS):
            if not places:
                break
            drawn = {place: space.pick(place, count) for place in places}
            fresh, rest = unused(set(drawn.values())), []
            for place, value in drawn.items():
                if value in fresh:
                    found.add(value)
                    fresh.discard(value)  # two stretches of a small space may have drawn one value
                else:
                    rest.append(place)
            places = rest
        if places and space.size <= SMALL_SPACE:  # some stretches are full: whatever is left, wherever it lies
            pool = sorted(unused({space.pick(offset, space.size) for offset in range(space.size)}))
            secrets.SystemRandom().shuffle(pool)
            found.update(pool[: len(places)])
    return found


class _Space(Protocol):
    """Where decoys of one type may lie."""

    size: int  # how many values there are

    def pick(self, place: int, count: int) -> str:
        """A random value of one of ``count`` equal stretches."""


class _Addresses:
    """All our imported ranges, joined in order."""

    def __init__(self, own: OwnAssets, version: int) -> None:
        networks = (parse_network(asset.value) for asset in own.assets)
        self._ranges = _joined(each for each in networks if each is not None and each.version == version)
        self.size = sum(network.num_addresses for network in self._ranges)

    def pick(self, place: int, count: int) -> str:
        start = self.size * place // count
        offset = start + secrets.randbelow(max(self.size * (place + 1) // count - start, 1))
        for network in self._ranges:
            if offset < network.num_addresses:
                break
            offset -= network.num_addresses
        return str(network[offset])


class _Names:
    """Names that a machine of ours could have, below each of our zones in turn."""

    def __init__(self, own: OwnAssets) -> None:
        self._zones = sorted(own.domains())
        self.size = len(self._zones) * len(HOST_WORDS) * len(TAIL) ** TAIL_LENGTH

    def pick(self, place: int, count: int) -> str:
        del count
        tail = "".join(secrets.choice(TAIL) for _ in range(TAIL_LENGTH))
        return f"{secrets.choice(HOST_WORDS)}-{tail}.{self._zones[place % len(self._zones)]}"


def _joined(networks: Iterable[Network]) -> list[Network]:
    """Without ranges that lie in others, in order."""
    found = list(networks)
    four = [each for each in found if isinstance(each, ipaddress.IPv4Network)]
    six = [each for each in found if isinstance(each, ipaddress.IPv6Network)]
    return [*ipaddress.collapse_addresses(four), *ipaddress.collapse_addresses(six)]
