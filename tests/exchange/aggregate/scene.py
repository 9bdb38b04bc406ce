"""Five members with keys, and one round between them, without any flow."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from seawall.exchange.aggregate import (
    Contribution,
    Proposal,
    Query,
    SetUp,
    Signed,
    binding_of,
    catalogue,
    contribute,
    new_key,
    public_of,
    read_period,
    roster_of,
    seal,
    without_noise_unsafe,
)
from seawall.identity import NodeKeys

AT = 1_773_446_400_000_000
DAY = 86_400_000_000
PERIOD = read_period("2026-W10")


@cache
def member_keys() -> tuple[NodeKeys, ...]:
    """Node keys of five members, in order of their ids."""
    folder = Path(tempfile.mkdtemp(prefix="aggregate-"))
    made = [NodeKeys.create(folder / str(place), name=f"m{place}", economy="TW", at=AT) for place in range(5)]
    return tuple(sorted(made, key=lambda keys: keys.node_id))


class Round:
    """A round of the first ``count`` members; each step can be spoilt."""

    def __init__(self, count: int = 5, *, round_id: str = "a" * 32, query: str = "attacks-by-sector") -> None:
        self.nodes = {keys.node_id: keys for keys in member_keys()[:count]}
        self.query: Query = catalogue().query(query)
        self.places = len(self.query.labels(PERIOD))
        first = next(iter(self.nodes.values()))
        self.wanted = Proposal(
            node=first.node_id, round_id=round_id, query=query, catalogue=catalogue().digest,
            first_week=PERIOD.first, weeks=PERIOD.weeks, members=tuple(self.nodes), rerun_of="", at=AT,
            expires=AT + 7 * DAY,
        )  # fmt: skip
        self.proposal = seal(self.wanted, first)
        self.secrets: dict[str, X25519PrivateKey] = {node: new_key() for node in self.nodes}
        self.set_ups = [self.set_up(node) for node in self.nodes]

    def set_up(self, node: str, **changes: object) -> Signed:
        """A member's set-up, signed."""
        plain = SetUp(
            node, self.wanted.round_id, self.proposal.digest, self.wanted.catalogue, public_of(self.secrets[node]), AT
        )
        return seal(msgspec.structs.replace(plain, **changes), self.nodes[node])

    @property
    def roster(self) -> str:
        """The name of all set-ups."""
        return roster_of(self.set_ups)

    def contribution(self, node: str, counts: list[int]) -> Contribution:
        """A member's masked counts, without noise."""
        put_in = without_noise_unsafe(counts, self.query, self.places)
        binding = binding_of(self.proposal, self.set_ups, self.query)
        return contribute(put_in, node, self.secrets[node], binding, self.roster, AT)

    def vectors(self, counts: Mapping[str, list[int]]) -> dict[str, bytes]:
        """All members' masked words."""
        return {node: self.contribution(node, counts[node]).vector for node in self.nodes}
