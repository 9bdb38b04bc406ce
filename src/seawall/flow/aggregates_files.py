"""Rounds for members whom no network reaches: everything that one should have heard, in a file that people carry.

A file holds signed documents only; masked counts tell nothing, but who asks what of whom can be read in it. Whoever
may not learn that must not see the file: carry it sealed, or in a drop folder of your own.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from seawall.exchange.aggregate import MAX_BUNDLE_BYTES, pack, unpack
from seawall.flow.aggregates_book import record
from seawall.flow.aggregates_taking import take
from seawall.flow.aggregates_telling import TELLING, hearers, said, stage_of
from seawall.flow.node import Node
from seawall.ledger import EventKind
from seawall.model import Fault, Refused
from seawall.model.aggregate import KeptRound


def export_round(node: Node, kept: KeptRound, peer: str, path: Path) -> dict[str, object]:
    """Write what a member should have heard of a round so far; carrying it twice is no harm.

    Keys: round, peer, file, documents, sha256. Raises NotFound for nobody, Refused E-FLOW-671 for a peer that hears
    nothing of this round from us, Fault E-FLOW-672 when the file is there already.
    """
    person = node.require("release")
    if node.store.peers.get(peer).node_id not in (hearers(node, kept) if kept.state in TELLING else ()):
        raise Refused(
            "E-FLOW-671",
            "{peer} hears nothing of round {given} from here now; the starter tells all, the others the starter.",
            peer=peer,
            given=kept.round_id[:8],
        )
    documents = said(node, kept, 0, stage_of(node, kept))
    body = pack(documents)
    digest = hashlib.sha256(body).hexdigest()
    with os.fdopen(_reserve(path), "wb") as file:
        record(node, EventKind.AGGREGATE_EXPORTED, kept, person.name, peer=peer, sha256=digest)
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    return {"round": kept.round_id, "peer": peer, "file": str(path), "documents": len(documents), "sha256": digest}


def import_rounds(node: Node, path: Path) -> dict[str, object]:
    """Take in a file from a member. Keys: documents, rejected, problems (sentences).

    Raises Refused E-EXCHANGE-840 for something else than such a file.
    """
    node.require("release")
    with path.open("rb") as file:
        envelopes = unpack(file.read(MAX_BUNDLE_BYTES + 1))
    faults = take(node, envelopes)
    return {"documents": len(envelopes), "rejected": len(faults), "problems": [str(fault) for fault in faults]}


def _reserve(path: Path) -> int:
    """A new empty file that only its owner may read: nothing is on the record for a name that is taken."""
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Fault("E-FLOW-672", "{file} exists already; choose another name.", file=path) from None
