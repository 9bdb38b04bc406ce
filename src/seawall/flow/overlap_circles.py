"""Under which terms a run with a peer happens: the circles that both agreed on, and what their terms ask of values."""

from __future__ import annotations

from seawall.flow.circles import agreed_with
from seawall.flow.node import Node
from seawall.flow.stops import held_back
from seawall.model import ObservableType, Pap, Refused, Tlp
from seawall.model.circle import CircleTerms
from seawall.model.peer import PeerRecord, PeerState

STIX_TYPES: dict[ObservableType, str] = {
    ObservableType.IPV4: "ipv4-addr",
    ObservableType.IPV6: "ipv6-addr",
    ObservableType.CIDR: "ipv4-addr",
    ObservableType.DOMAIN: "domain-name",
    ObservableType.URL: "url",
    ObservableType.EMAIL: "email-addr",
    ObservableType.MD5: "file",
    ObservableType.SHA1: "file",
    ObservableType.SHA256: "file",
    ObservableType.FILE_NAME: "file",
    ObservableType.CERTIFICATE: "x509-certificate",
    ObservableType.AS: "autonomous-system",
    ObservableType.CVE: "vulnerability",
}
"""Under which of a circle's types a value falls; the others fall under ``indicator`` alone."""

CANDIDATE_TLP, CANDIDATE_PAP = Tlp.AMBER, Pap.GREEN
"""How this node marks what its own sensors found (as ``flow.shareable`` does)."""


def verified(node: Node, peer: str) -> PeerRecord:
    """The peer. Raises NotFound for nobody, Refused E-FLOW-550 for one with which nothing may be compared now."""
    record = node.store.peers.get(peer)
    if record.state is not PeerState.VERIFIED:
        raise Refused(
            "E-FLOW-550", "Nothing is compared with {peer}, which is {state}.", peer=peer, state=record.state.value
        )
    return record


def overlap_circles(node: Node, peer: str, *, agreed: bool = True) -> list[CircleTerms]:
    """The circles that seat this peer, that both sides agreed on, and that nobody stopped here.

    ``agreed`` False: also those to which the peer has not said yes yet, to explain what would be.

    Raises NotFound and Refused E-FLOW-550 as ``verified``, Refused E-FLOW-551 when there is none.
    """
    verified(node, peer)
    found = [
        terms
        for terms in node.store.circles.list()
        if peer in terms.members
        and peer not in terms.exclusions
        and (not agreed or agreed_with(node, terms, peer))
        and not held_back(node, terms)
    ]
    if not found:
        raise Refused(
            "E-FLOW-551",
            "No circle with {peer} is agreed on by both sides and running; 'seawall circles list' shows what is "
            "missing.",
            peer=peer,
        )
    return found


def carries(terms: CircleTerms, type: ObservableType) -> bool:
    """Whether a candidate of ours of this type may be compared under these terms."""
    named = {"indicator", "sighting"} <= terms.types and STIX_TYPES.get(type, "indicator") in terms.types
    return named and terms.tlp_ceiling >= CANDIDATE_TLP and terms.pap_ceiling >= CANDIDATE_PAP


def commitment_age(circles: list[CircleTerms]) -> int:
    """How old a commitment must be for these circles, in microseconds: a value may enter by whichever permits it."""
    return min(terms.commitment_age_seconds for terms in circles) * 1_000_000
