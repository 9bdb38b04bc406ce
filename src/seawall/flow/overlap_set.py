"""Which of our values enter a run: what was committed to in time, strongest evidence first, cut at the budget.

What stays outside is counted with its reason, so that ``seawall overlap --explain`` can tell.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from seawall.flow.commitments import committed
from seawall.flow.decoys import decoys
from seawall.flow.node import Node
from seawall.flow.overlap_circles import carries, commitment_age
from seawall.flow.overlap_cosigning import covered
from seawall.model import ObservableType
from seawall.model.circle import CircleTerms

UNBOUNDED = 1 << 62
SAMPLE = 1_000  # values kept of each reason: more can be asked for from the books


class OwnSet(msgspec.Struct, frozen=True, kw_only=True):
    """What enters of one type, in the order of its rank."""

    type: ObservableType
    values: tuple[bytes, ...]  # canonical; those of before in this epoch, old enough ones, hot ones
    hot: int = 0  # of these, younger than the agreed age
    decoys: int = 0  # beside them, made up by us
    left_out: dict[str, int] = {}
    sample: dict[str, list[str]] = {}

    def entering(self) -> int:
        """How many values of ours enter, without decoys."""
        return len(self.values)


class Room(msgspec.Struct, frozen=True):
    """How many new values the peer answers; None: nobody has said yet."""

    values: int | None = None
    hot: int | None = None


def own_set(
    node: Node,
    peer: str,
    type: ObservableType,
    circles: Sequence[CircleTerms],
    room: Room,
    sent: frozenset[bytes] = frozenset(),
    *,
    brought: frozenset[bytes] | None = None,
) -> OwnSet:
    """The values that enter; ``sent`` ones were answered before in this epoch and cost nothing again.

    ``brought``: only these, which stood the tests of age in another lane of this epoch.

    Tests, in this order: (1) some circle carries the type, (2) no stricter marking, (3) the peer cosigned a checkpoint
    over the commitment, (4) long enough ago, or within the budget for young values, (5) the budget is not used up.
    Decoys count against it too, before anything else. Raises NotFound for an unknown peer.
    """
    carrying = [terms for terms in circles if carries(terms, type)]
    at = node.clock()
    vouched = covered(node, peer, at)
    old = covered(node, peer, at - commitment_age(carrying)) if carrying else 0
    stricter = marked_stricter(node, type, carrying)
    made_up = decoys(node, type) if carrying else frozenset()
    free = room.values - len(made_up - sent) if room.values is not None else UNBOUNDED
    hot_free = room.hot if room.hot is not None else UNBOUNDED
    values: list[bytes] = []
    out = LeftOut()
    hot = 0
    for one in committed(node, type, before=at + 1):
        young = one.committed_at > old
        if not carrying:
            out.add("no-circle", one.value)
        elif one.value in stricter:
            out.add("marked-stricter", one.value)
        elif one.value in sent:
            values.append(one.value)
        elif brought is not None and one.value not in brought:
            out.add("not-brought", one.value)
        elif brought is not None and free > 0:
            values.append(one.value)
            free -= 1
        elif one.committed_at > vouched and room.values is not None:
            out.add("not-cosigned", one.value)
        elif young and hot >= hot_free:
            out.add("too-young", one.value)
        elif free <= 0:
            out.add("over-budget", one.value)
        else:
            values.append(one.value)
            free, hot = free - 1, hot + int(young)
    return OwnSet(type=type, values=tuple(values), hot=hot, decoys=len(made_up), left_out=out.counts, sample=out.sample)


class LeftOut:
    """Counts by reason, and the first values of each."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.sample: dict[str, list[str]] = {}

    def add(self, reason: str, value: bytes) -> None:
        """One value more that stays out."""
        self.counts[reason] = self.counts.get(reason, 0) + 1
        if len(kept := self.sample.setdefault(reason, [])) < SAMPLE:
            kept.append(value.decode("utf-8", "replace"))


def marked_stricter(node: Node, type: ObservableType, circles: Sequence[CircleTerms]) -> frozenset[bytes]:
    """Values that an indicator here marks more strictly than every circle allows: what derives from it inherits."""
    if not circles:
        return frozenset()
    import pyarrow.compute as pc

    ceiling = max(int(terms.tlp_ceiling) for terms in circles)
    pap = max(int(terms.pap_ceiling) for terms in circles)
    keys = node.store.indicators.keys()
    beyond = pc.or_(pc.greater(keys["tlp"], ceiling), pc.greater(keys["pap"], pap))
    found = keys.filter(pc.and_(pc.equal(keys["type"], type.value), beyond))
    return frozenset(value.encode() for value in found["value"].to_pylist() if value is not None)
