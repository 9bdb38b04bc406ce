"""Our side of the line: sealed messages go both ways until nothing is new.

The order: (1) ask for what waits, which also tells how far the peer has come in ours; (2) what it brought is handled,
which may make answers; (3) ours that it has not taken are brought, and its answers taken, until neither side has more.
A peer that is still handling is asked again; nothing is brought to it meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from seawall.exchange.post.bounds import DEFAULT_POST_BOUNDS, PostBounds
from seawall.exchange.post.interface import Exchanged, PostDesk
from seawall.exchange.post.paths import POST_MEDIA_TYPE, POST_PATH
from seawall.exchange.post.wire import encoded, read_exchanged
from seawall.exchange.taxii.wire import Answer, Wire
from seawall.model import NotFound, Unavailable
from seawall.model.peer import PeerRecord


class Carried(msgspec.Struct):
    """What went over the line: messages and bytes of sealed envelopes, sentences for our own people."""

    sent: int = 0
    received: int = 0
    bytes_out: int = 0
    bytes_in: int = 0
    problems: list[str] = []


def exchange_post(
    wire: Wire,
    peer: PeerRecord,
    desk: PostDesk,
    bounds: PostBounds = DEFAULT_POST_BOUNDS,
    *,
    wait: Callable[[float], None] = time.sleep,
) -> Carried:
    """Fetch, handle and bring messages. Raises what ``Wire`` and ``PostDesk.take`` raise, E-EXCHANGE-810, 811."""
    return _Line(wire, peer, desk, bounds, wait).run()


class _Line:
    """One delivery over the line."""

    def __init__(
        self, wire: Wire, peer: PeerRecord, desk: PostDesk, bounds: PostBounds, wait: Callable[[float], None]
    ) -> None:
        self._wire, self._peer, self._desk, self._bounds, self._wait = wire, peer.code_name, desk, bounds, wait
        self._url = f"{peer.url.rstrip('/')}{POST_PATH}"
        self._carried = Carried()

    def run(self) -> Carried:
        try:
            said = self._ask()
        except NotFound:
            self._carried.problems.append(f"{self._peer} runs a version that takes no sealed messages")
            return self._carried
        for _ in range(self._bounds.rounds):
            sealed, more = self._desk.waiting(self._peer, said.standing.taken)
            told = self._desk.standing(self._peer)
            if not sealed and not said.messages and not said.more:
                break
            answer = self._bring(Exchanged(tuple(sealed), more, told))
            self._carried.sent += len(sealed)
            self._carried.bytes_out += sum(map(len, sealed))
            if answer.standing.taken <= said.standing.taken and not answer.messages and not answer.more:
                break  # it takes nothing more now, and has nothing for us
            said = answer
        return self._carried

    def _ask(self) -> Exchanged:
        """What waits there; a peer that is busy handling is asked until it has finished, within bounds."""
        for _ in range(max(1, int(self._bounds.busy_seconds / self._bounds.look_seconds))):
            ours = self._desk.standing(self._peer)
            parameters = {"after": str(ours.taken), "digest": ours.digest}
            said = self._taken(self._read(self._wire.get(self._url, parameters, media=POST_MEDIA_TYPE)))
            if not said.standing.busy:
                return said
            self._wait(self._bounds.look_seconds)
        raise Unavailable(
            "E-EXCHANGE-811", "The peer {peer} is still busy with earlier messages; try again later.", peer=self._peer
        )

    def _bring(self, document: Exchanged) -> Exchanged:
        answer = self._taken(self._read(self._wire.post(self._url, encoded(document), media=POST_MEDIA_TYPE)))
        return self._ask() if answer.standing.busy else answer

    def _taken(self, said: Exchanged) -> Exchanged:
        self._desk.settle(self._peer, said.standing)
        for problem in said.standing.problems:
            sentence = f"{self._peer}: message {problem.sequence}: {problem.sentence[: self._bounds.sentence]}"
            if sentence not in self._carried.problems:
                self._carried.problems.append(sentence)
        if said.messages:
            self._carried.received += len(said.messages)
            self._carried.bytes_in += sum(map(len, said.messages))
            self._carried.problems += self._desk.take(self._peer, said.messages)
        return said

    def _read(self, answer: Answer) -> Exchanged:
        document = read_exchanged(answer.body, self._bounds) if answer.status == 200 else None
        if document is None:
            raise Unavailable(
                "E-EXCHANGE-810", "The peer {peer} gave no readable answer about messages; try again later.",
                peer=self._peer,
            )  # fmt: skip
        return document
