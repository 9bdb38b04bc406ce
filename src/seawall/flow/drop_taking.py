"""Taking in the drops that a peer's people carried here, in the order of their numbers.

Steps for one file: (1) signature, by a peer we verified; (2) it is for this node; (3) its place in the chain; (4) the
whole body is intact; (5) the terms are heard; (6) the objects go over the inbound desk, as those of ``sync`` do; (7)
the number counts as taken in, and what the peer acknowledges is believed. A process killed before (7) takes the drop in
again: nothing is kept twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import msgspec

from seawall.exchange import require_verified
from seawall.exchange.drop import (
    DEFAULT_DROP_BOUNDS,
    NOTICES,
    Drop,
    DropBounds,
    Header,
    Place,
    Receiving,
    judge,
    offer,
    open_drop,
)
from seawall.flow.between import believed_of_anybody
from seawall.flow.drop import locked
from seawall.flow.drop_books import Books
from seawall.flow.drop_sealed import unsealed
from seawall.flow.exchange import shared_circles
from seawall.flow.health import LAST_SYNC, remember_totals
from seawall.flow.incoming import inbound_desk
from seawall.flow.mishaps import as_fault
from seawall.flow.node import Node
from seawall.flow.notices import NoticeBook
from seawall.flow.peer_keys import drop_keys
from seawall.ledger import EventKind
from seawall.model import Fault, Refused
from seawall.model.peer import PeerRecord

PATTERN = "*.drop.zst"  # files of a folder that are drops
MAX_PROBLEMS = 20
NOT_OURS = {"E-FLOW-124": "own", "E-FLOW-125": "elsewhere", "E-FLOW-624": "elsewhere"}
"""What a folder may well hold beside drops for us, as one stick serves both ways: code -> status, no problem."""
OWN = ""  # the name under which our own key opens a drop

Progress = Callable[[int], None]
"""Called now and then with the objects taken in so far."""


class _Taken(msgspec.Struct):
    received: int = 0
    unchanged: int = 0
    rejected: int = 0
    problems: list[str] = []


def import_drops(
    node: Node,
    paths: Sequence[Path],
    *,
    bounds: DropBounds = DEFAULT_DROP_BOUNDS,
    progress: Progress | None = None,
) -> dict[str, object]:
    """Take in files, or the drops in folders. One bad file never costs the good ones beside it.

    Raises, when no file could be used, what the first one raised: Fault or Refused E-EXCHANGE-2xx, E-EXCHANGE-023.
    """
    node.require("sync")
    return take_in_drops(node, paths, bounds=bounds, progress=progress)


def take_in_drops(
    node: Node,
    paths: Sequence[Path],
    *,
    only: str | None = None,
    bounds: DropBounds = DEFAULT_DROP_BOUNDS,
    progress: Progress | None = None,
) -> dict[str, object]:
    """As ``import_drops``, for what this node fetched itself; ``only``: the one peer whose drops these may be."""
    with locked(node):
        named = frozenset(path for path in paths if not path.is_dir())
        return _Import(node, bounds, progress, named, only).run(_files(paths))


def _files(paths: Sequence[Path]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        inside = sorted(path.glob(PATTERN)) if path.is_dir() else [path]
        if not inside:
            raise Fault("E-FLOW-123", "The folder {path} holds no drop; their names end in {ending}.", path=path,
                        ending=PATTERN[1:])  # fmt: skip
        found += inside
    return found


class _Import:
    """One run of ``import-drop``."""

    def __init__(
        self, node: Node, bounds: DropBounds, progress: Progress | None, named: frozenset[Path], only: str | None
    ) -> None:
        self._node, self._bounds, self._progress, self._named = node, bounds, progress, named
        self._peers = [peer for peer in node.store.peers.list() if only is None or peer.code_name == only]
        self._keys = [(peer.code_name, key) for peer in self._peers for key in drop_keys(node, peer)]
        self._keys += [(OWN, key) for key in (node.keys.signing_public, *node.keys.former_keys)]
        self._only = only
        self._sum = _Taken()

    def run(self, files: Sequence[Path]) -> dict[str, object]:
        """All files, in the order of their chains."""
        items: list[dict[str, object]] = []
        first: Fault | None = None
        for path in self._in_order(files):
            try:
                items.append(self._file(path))
            except Exception as error:
                fault = as_fault(error, "the reading of a drop")
                if fault.code in NOT_OURS and path not in self._named:
                    items.append({"file": str(path), "status": NOT_OURS[fault.code]})
                    continue
                first = first or fault
                items.append({"file": str(path), "status": "refused", "problem": str(fault)})
                self._sum.problems.append(f"{path.name}: {fault}")
        if first is not None and all(item["status"] == "refused" for item in items):
            raise first
        return {
            "received": self._sum.received,
            "sent": 0,
            "withheld": 0,
            "unchanged": self._sum.unchanged,
            "rejected": self._sum.rejected,
            "problems": self._sum.problems,
            "items": items,
        }

    def _in_order(self, files: Sequence[Path]) -> list[Path]:
        """By sender, chain and number; what cannot be opened comes last and says why when its turn has come."""
        if len(files) == 1:
            return list(files)
        keyed: list[tuple[tuple[int, str, int, int], Path]] = []
        for path in files:
            try:
                with self._open(path) as drop:
                    keyed.append(((0, drop.signer, drop.header.epoch, drop.header.number), path))
            except Fault:
                keyed.append(((1, "", 0, 0), path))
        return [path for _, path in sorted(keyed, key=lambda pair: pair[0])]

    def _open(self, path: Path) -> Drop:
        between = partial(believed_of_anybody, self._node, self._only)
        with unsealed(self._node, path, self._peers, self._bounds) as plain:
            return open_drop(plain, self._node.folder, self._keys, self._bounds, between=between)

    def _file(self, path: Path) -> dict[str, object]:
        with self._open(path) as drop:
            peer = self._sender(drop)
            books = Books(self._node, peer.code_name)
            chain = books.receiving()
            item: dict[str, object] = {"file": str(path), "peer": peer.code_name, "number": drop.header.number}
            if self._place(drop, peer.code_name, books, chain) is Place.REPEATED:
                self._sum.unchanged += drop.header.objects
                return item | _counts("repeated", _Taken(unchanged=drop.header.objects))
            drop.check()
            taken = self._take(drop, peer)
            self._settle(drop, peer.code_name, books, taken)
        for field in ("received", "unchanged", "rejected"):
            setattr(self._sum, field, getattr(self._sum, field) + getattr(taken, field))
        self._sum.problems += [f"{path.name}: {problem}" for problem in taken.problems]
        return item | _counts("imported", taken)

    def _sender(self, drop: Drop) -> PeerRecord:
        if drop.signer == OWN:
            raise Refused("E-FLOW-124", "This drop was written by this very node; it is for the other side.")
        peer = require_verified(self._node.store.peers.get(drop.signer))
        if drop.header.sender != peer.node_id or drop.header.recipient != self._node.keys.node_id:
            raise Refused("E-FLOW-125", "This drop from {peer} is for another node; it was not taken in.",
                          peer=peer.code_name)  # fmt: skip
        return peer

    def _place(self, drop: Drop, peer: str, books: Books, chain: Receiving) -> Place:
        header = drop.header
        try:
            return judge(header, peer, chain, drop.link, lambda number: books.got(header.epoch, number))
        except Fault as fault:
            if fault.code == "E-EXCHANGE-213" and header.epoch >= chain.epoch:
                behind = chain if header.epoch == chain.epoch else Receiving(header.epoch)
                books.keep_receiving(offer(behind, header.number))
            raise

    def _take(self, drop: Drop, peer: PeerRecord) -> _Taken:
        node, name = self._node, peer.code_name
        Books(node, name).hear_standing(drop.header.heard)
        desk = inbound_desk(node)
        taken = _Taken()
        for circle, bodies in drop.pages():
            if circle == NOTICES:  # they come first: what they say of terms counts for what follows
                for problem in NoticeBook(node).take(name, bodies).problems:
                    _problem(taken, f"of {name}: {problem.sentence}")
                continue
            if circle not in shared_circles(node, name):
                taken.rejected += len(bodies)
                _problem(taken, f"{len(bodies)} objects are for a circle that we do not share with {name}")
                continue
            done = desk.take(name, circle, bodies)
            taken.received += done.counts.new + done.counts.updated
            taken.unchanged += done.counts.unchanged
            taken.rejected += done.rejected
            for outcome in done.outcomes:
                if outcome.problem is not None:
                    _problem(taken, f"{outcome.id[:100]}: {outcome.problem}")
            if self._progress is not None:
                self._progress(taken.received + taken.unchanged + taken.rejected)
        return taken

    def _settle(self, drop: Drop, peer: str, books: Books, taken: _Taken) -> None:
        header, at = drop.header, self._node.clock()
        books.keep_got(header.epoch, header.number, drop.link)
        books.keep_receiving(_after(header, drop.link, books.receiving(), taken, at))
        books.hear(header.acknowledged, at)
        remember_totals(self._node, peer, received=taken.received)
        self._node.store.notes.set(LAST_SYNC.format(peer=peer), str(at))
        details = {"drop": header.number, "received": taken.received, "rejected": taken.rejected}
        self._node.event(EventKind.SYNC_RECEIPT, peer, **details)


def _after(header: Header, link: str, chain: Receiving, taken: _Taken, at: int) -> Receiving:
    same = header.epoch == chain.epoch
    return Receiving(
        epoch=header.epoch,
        number=header.number,
        link=link,
        at=at,
        offered=tuple(number for number in chain.offered if number > header.number) if same else (),
        rejected=taken.rejected,
        worth=header.number if header.objects else chain.worth if same else 0,
    )


def _problem(taken: _Taken, sentence: str) -> None:
    if len(taken.problems) < MAX_PROBLEMS:
        taken.problems.append(sentence)


def _counts(status: str, taken: _Taken) -> dict[str, object]:
    return {
        "status": status,
        "received": taken.received,
        "unchanged": taken.unchanged,
        "rejected": taken.rejected,
    }
