"""What the order book goes by at one moment: relations, circles, lists, and what people took back.

Read anew when one of them changed, in whichever process; else a question takes a few microseconds.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from weakref import WeakKeyDictionary

import msgspec

from seawall.flow.node import Node
from seawall.flow.protect import BOOK, gate_for, terms_of
from seawall.flow.standing_with import is_in_force
from seawall.messages import mark
from seawall.model import ObservableType
from seawall.model.circle import CircleTerms
from seawall.model.indicator import IndicatorEntry
from seawall.protect import Gate, JsonUndoBook
from seawall.protect.objections import Objection

CONSUMER = "protect-orders"
RELATION = Objection("relation", mark("The relation with {detail}, who named it, is not in force."))
REFUTED = Objection("refuted", mark("{detail} looked at it and found it harmless."))
POLICY = Objection("policy", mark("Policy permits neither blocking nor watching it: {detail}."))
NO_INDICATOR = Objection("no-indicator", mark("No indicator that we hold names it."))
_COUNTED_AGAIN = 60_000_000  # microseconds: how full the book is, is counted anew after this


class Rules:
    """One node's rules of the moment."""

    def __init__(self, node: Node, state: object) -> None:
        self.state = state
        self.terms = terms_of(node)
        self.gate: Gate = gate_for(node, JsonUndoBook(node.folder / "reference" / BOOK))
        self.policy_said: dict[tuple[object, ...], Objection | None] = {}
        """What policy answered, by all that it looks at."""
        self._accepted: dict[str, tuple[str, ...]] = {}
        self._standing: dict[str, bool] = {}
        self._node = node
        self._held: Counter[ObservableType] | None = None
        self._counted_at = 0

    def accepted_by(self, origin: str | None) -> tuple[str, ...]:
        """The two people who signed the terms under which this peer's indicators may act without a click; or nobody."""
        terms = self.terms.get(origin or "")
        if terms is None or not terms.auto_enforce or origin in terms.exclusions:
            return ()
        if terms.name not in self._accepted:
            approval = self._node.store.approvals.of("circle", f"{terms.name}@{terms.version}")
            people = () if approval is None else (approval.requester, approval.approver or "")
            self._accepted[terms.name] = tuple(name for name in people if name)
        return self._accepted[terms.name]

    def in_force(self, origin: str) -> bool:
        """Whether the relation with somebody stands."""
        if origin not in self._standing:
            self._standing[origin] = is_in_force(self._node, origin)
        return self._standing[origin]

    def objection(self, entry: IndicatorEntry) -> Objection | None:
        """Why an entry cannot be asked about at all."""
        if entry.origin is not None and not self.in_force(entry.origin):
            return RELATION.about(entry.origin)
        return None

    def held(self, at: int) -> Counter[ObservableType]:
        """How many orders of each type the book holds, counted at most once a minute; callers add what they put."""
        if self._held is None or at - self._counted_at > _COUNTED_AGAIN:
            self._held, self._counted_at = Counter(self._node.store.orders.count_by_type()), at
        return self._held


class _State(msgspec.Struct, frozen=True):
    """Changes whenever the rules may have."""

    lists: tuple[tuple[str, int, int], ...]
    undone: tuple[int, int]
    peers: tuple[tuple[str, str], ...]
    circles: tuple[tuple[str, int], ...]


_rules: WeakKeyDictionary[Node, Rules] = WeakKeyDictionary()


def rules_of(node: Node) -> Rules:
    """The rules as of now. Raises what ``Gate`` raises: a list that cannot be read must not open the gate."""
    state = rules_state(node)
    known = _rules.get(node)
    if known is not None and known.state == state:
        return known
    if known is not None and isinstance(known.state, _State) and known.state.lists != state.lists:
        node.forget_lists()
    _rules[node] = fresh = Rules(node, state)
    return fresh


def rules_state(node: Node) -> _State:
    """What the rules are made from, briefly: equal as long as they stay the same."""
    folder = node.folder / "reference"
    peers = [(peer.code_name, peer.state.value) for peer in node.store.peers.list()]
    peers += [(peer.code_name, peer.state.value) for peer in node.store.mail_peers.list()]
    circles: list[CircleTerms] = list(node.store.circles.list())
    book = _told(folder / BOOK)
    return _State(
        lists=tuple(_files(folder)),
        undone=(0, 0) if book is None else book,
        peers=tuple(sorted(peers)),
        circles=tuple(sorted((terms.name, terms.version) for terms in circles)),
    )


def _files(folder: Path) -> Iterator[tuple[str, int, int]]:
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            told = None if name.startswith(BOOK) else _told(Path(place) / name)
            if told is not None:
                yield (name, *told)


def _told(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns
