"""What a node remembers about the post with one peer beside the messages themselves."""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from seawall.flow.node import Node

STATE = "post:{peer}"


class PostMemory(msgspec.Struct, frozen=True, omit_defaults=True):
    """Turns are visits to the relay; moments are microseconds UTC."""

    base: int = 0  # our numbers begin behind this one: the peer knew them before our books were set back
    under: str = ""  # the keys and the place for which all that waits is sealed
    taken: int = 0  # how far the peer says to have come in ours
    turn: int = 0  # our last visit
    heard: int = 0  # the peer's last visit that we saw
    sent: int = 0  # the highest number that was ever laid there
    heard_at: int = 0  # the moment of the last standing that we believed, by the peer's clock
    told: str = ""  # what we told the peer last through the relay


def memory_of(node: Node, peer: str) -> PostMemory:
    """What is remembered about this peer."""
    text = node.store.notes.get(STATE.format(peer=peer))
    return msgspec.json.decode(text, type=PostMemory) if text else PostMemory()


def remember(node: Node, peer: str, memory: PostMemory) -> None:
    """Durable when this returns."""
    node.store.notes.set(STATE.format(peer=peer), msgspec.json.encode(memory).decode())


def lock_name(peer: str) -> str:
    """What files that belong to a peer are called: no name of anybody."""
    return hashlib.sha256(peer.encode()).hexdigest()[:16]


@contextmanager
def locked(node: Node, peer: str, direction: str, *, wait: bool = True) -> Iterator[bool]:
    """One process, and one thread, at a time numbers ours or handles this peer's; False when it did not wait."""
    with (node.folder / f"post-{direction}-{lock_name(peer)}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        yield True
