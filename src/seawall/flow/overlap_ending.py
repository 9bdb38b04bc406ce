"""The end of comparing with a peer: every key of ours for it, and every list kept with one, is wiped at once.

From then on nobody can try values against lists that either side recorded, we ourselves included. What both hold, and
what was told of it, stays in the book of overlaps.
"""

from __future__ import annotations

import msgspec

from seawall.exchange.psi.epoch import PURPOSES, name_of
from seawall.flow.node import Node
from seawall.flow.overlap_counted import COUNT, counting_of, wipe_count_key
from seawall.flow.overlap_state import RUN, TALK, TYPES, alone_with, epoch_now, scalars_of, talk_of, terms_of

COUNTS = "count"  # the purpose whose keys bear the name of a run


def forget_epochs(node: Node, peer: str) -> int:
    """Wipe them; how many keys there were. Also keys that a greeting named and the peer never answered."""
    scalars = scalars_of(node)
    with alone_with(node, peer):
        before = len(scalars.names())
        for type in TYPES:
            talk, counting = talk_of(node, peer, type), counting_of(node, peer, type)
            numbers = {epoch_now(node), epoch_now(node) - 1} | ({talk.number} if talk is not None else set())
            for number in numbers:
                terms = terms_of(node, peer, type, number)
                for purpose in PURPOSES:
                    if purpose != COUNTS:
                        scalars.wipe(name_of(msgspec.structs.replace(terms, purpose=purpose)))
            if counting is not None:
                wipe_count_key(node, peer, type, counting)
            for key in (TALK, COUNT):
                node.store.notes.delete(key.format(peer=peer, type=type.value))
        node.store.psi.forget(peer)
        node.store.notes.delete(RUN.format(peer=peer))
        return before - len(scalars.names())
