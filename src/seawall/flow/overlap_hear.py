"""The handler of messages about the overlap: each word goes to its step, one at a time for each peer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from seawall.flow.node import Node
from seawall.flow.overlap_circles import overlap_circles
from seawall.flow.overlap_greeting import hear_hello, hear_ready
from seawall.flow.overlap_masks import multiplying
from seawall.flow.overlap_rounds import STOPPED, hear_masked, hear_stop, say
from seawall.flow.overlap_state import alone_with
from seawall.flow.overlap_telling import told_apart, told_to_peer
from seawall.flow.overlap_words import Hello, Masked, Ready, Stop, read_word
from seawall.model import Fault, ObservableType, Unavailable
from seawall.model.message import Message

MAX_REASON = 500


def hear_overlap(node: Node, message: Message) -> None:
    """Handle a message of kind ``overlap``; bears to be repeated. Raises Fault to reject it, as ``told_apart``."""
    word, peer = read_word(message.body), message.peer
    with told_apart(), alone_with(node, peer), multiplying() as multiplier:
        match word:
            case Hello():
                try:
                    overlap_circles(node, peer)
                    hear_hello(node, peer, word)
                except Unavailable:
                    raise
                except Fault as fault:
                    types = tuple(said.type for said in word.types)
                    if word.answer:
                        _remember(node, peer, types, fault)
                    say(node, peer, Stop(word.run, types, told_to_peer(fault, you="you")[:MAX_REASON]))
                    raise
            case Ready():
                overlap_circles(node, peer)
                hear_ready(node, peer, word, multiplier)
            case Masked():
                hear_masked(node, peer, word, multiplier)
            case Stop():
                hear_stop(node, peer, word, multiplier)
            case _:
                assert_never(word)


def _remember(node: Node, peer: str, types: Iterable[ObservableType], fault: Fault) -> None:
    """For our own people, in full: why the run that they asked for does not go on."""
    for type in types:
        node.store.notes.set(STOPPED.format(peer=peer, type=type.value), fault.text.format(**fault.values))
