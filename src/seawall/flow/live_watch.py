"""What has changed in the store, and for whom: outboxes are filled at once, and each peer hears that something waits.

The steps of a look, ten times a second, each only when the one before says so: (1) has anything been written; (2) have
objects or indicators changed: what policy releases goes into the outboxes, as the schedule would do it a minute later;
(3) which peers have something new that they may read, a notice or a message; (4) they are told. Only rows that a peer
may read count for it: nobody learns that something was released to somebody else.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

from seawall.flow.live_brought import add_brought
from seawall.flow.live_pace import Duty
from seawall.flow.node import Node
from seawall.flow.outgoing import fill_one, may_receive
from seawall.model.peer import PeerRecord, PeerState

LOOK_SECONDS = 0.1  # between looks; one costs some microseconds while nothing is written
NOTHING = (-1, -1)  # of a peer that was not verified before: it is told
SHARE, SPARE = 0.1, 10.0  # of one core that looks and fills may take for long, and the seconds of a burst


class Watch:
    """Looks for one node. One thread uses it; ``close`` it."""

    def __init__(
        self,
        node: Node,
        tell: Callable[[Iterable[str]], None],
        *,
        peers_changed: Callable[[Sequence[PeerRecord]], None],
    ) -> None:
        """``tell`` hears the peers for whom something new waits; ``peers_changed`` all peers, after any change."""
        self._node = node
        self._tell = tell
        self._peers_changed = peers_changed
        self._look = node.store.look()
        self._duty = Duty(SHARE, SPARE)
        self._due = False
        self._heads = self._look.heads()  # before anybody is given a mark: what comes from now on is told
        self._numbers = self._numbers_of(node.store.peers.list())
        self._reached: tuple[int, int] | None = None

    def step(self) -> bool:
        """One look; whether anything was done. Raises what the store raises."""
        self._due |= self._look.changed()
        if not self._due or not self._duty.free():
            return False
        began = time.thread_time()
        self._due = False
        try:
            self._fill()
            self._news()
        except BaseException:
            self._due = True
            raise
        finally:
            self._duty.spent(time.thread_time() - began)
        return True

    def close(self) -> None:
        """Let go of the store."""
        self._look.close()

    def _fill(self) -> None:
        """The ordinary fill, with all that policy and ledger ask for; nothing when nothing changed."""
        reached = self._node.store.reached()
        if reached == self._reached or not self._node.settings.live.release_at_once:
            return
        for terms in self._node.store.circles.list():
            for member in sorted(terms.members):
                if may_receive(self._node, terms, member):
                    filled = fill_one(self._node, terms, member)
                    add_brought(self._node, member, {"withheld": filled.withheld})
        self._reached = reached

    def _news(self) -> None:
        node = self._node
        peers = node.store.peers.list()
        self._peers_changed(peers)
        numbers = self._numbers_of(peers)
        told = {name for name, last in numbers.items() if last > self._numbers.get(name, NOTHING)}
        heads = self._look.heads()
        grown = {circle: self._heads.get(circle, 0) for circle, head in heads.items()}
        grown = {circle: head for circle, head in grown.items() if head < heads[circle]}
        for terms in node.store.circles.list() if grown else ():
            if terms.name in grown:
                for name in (terms.members - terms.exclusions - told).intersection(numbers):
                    if node.store.outbox.waiting(terms.name, name, grown[terms.name], 1)[0]:
                        told.add(name)
        self._heads, self._numbers = heads, numbers
        if told:
            self._tell(told)

    def _numbers_of(self, peers: Sequence[PeerRecord]) -> dict[str, tuple[int, int]]:
        """The last notice and message for each verified peer."""
        notices, post = self._node.store.notices, self._node.store.post
        names = [peer.code_name for peer in peers if peer.state is PeerState.VERIFIED]
        return {name: (notices.last(name, ours=True), post.last(name)) for name in names}
