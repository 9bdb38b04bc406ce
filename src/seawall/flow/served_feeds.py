"""Served feeds: consumers fetch what is in force for them, each with its own token, terms and record.

One poll, in order: (1) the token says who asks; (2) the consumer's lines follow the order book (``follow``: each new
line has its release on record before it exists); (3) an entity tag that is still true answers without content;
(4) otherwise the hand-out of this state is put on record once; (5) its bytes leave. Content that did not change is
recorded once, however often it is fetched.
"""

from __future__ import annotations

import hmac
import threading
from collections import OrderedDict
from collections.abc import Sequence

from seawall.flow.book_epoch import epoch_of
from seawall.flow.node import Node
from seawall.flow.served_feeds_follow import WAIT_SECONDS, alone, busy, due, follow
from seawall.flow.served_feeds_lines import circles_of, recipient
from seawall.flow.served_feeds_seen import Seen
from seawall.flow.served_feeds_written import (
    Written,
    WrittenList,
    digest,
    sole_file,
    write_changes,
    write_list,
    zipped,
)
from seawall.ledger import EventKind, LedgerEvent
from seawall.model import Fault, Refused
from seawall.model.order import Place
from seawall.model.served_feed import ServedFeed
from seawall.protect import FEEDS

WRITTEN_KEPT = 16  # lists held ready: a million lines of addresses take some 15 MB of disk each
WRITTEN_MICROSECONDS = 600_000_000  # some formats say how long from now a value stands, so none is kept for longer


class FeedDesk:
    """Hands out feeds. Safe for several threads; one for each serving node."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._seen = Seen(node)
        self._lock = threading.Lock()
        self._busy: dict[int, threading.Lock] = {}
        self._ends: dict[int, tuple[int, int | None]] = {}  # number -> sequence, when the first of its lines ends
        self._written: OrderedDict[int, WrittenList] = OrderedDict()

    def admitted(self, name: str, token: str) -> ServedFeed:
        """The consumer of this name, if the token is its own.

        Raises Refused E-FLOW-960 alike for an unknown name, a wrong token and the token of another consumer.
        """
        feed = self.holder(token)
        if not hmac.compare_digest(feed.name.encode(), name.encode("utf-8", "surrogatepass")):
            raise no_feed()
        return feed

    def holder(self, token: str) -> ServedFeed:
        """The consumer whose token this is. Raises Refused E-FLOW-960."""
        feed = self._node.store.served_feeds.holder(token)
        if feed is None:
            raise no_feed()
        self._seen.note(feed.number)
        return feed

    def current(self, feed: ServedFeed) -> ServedFeed:
        """The consumer with its lines as of now. Raises Unavailable E-FLOW-961 while another poll prepares them.

        ``feed`` as the store has just told it: when nothing is due, it is the answer.
        """
        # only what may go to a cloud depends on circles
        circles = circles_of(self._node) if feed.terms.place is Place.CLOUD else {}
        if due(self._node, feed, circles, self._first_end(feed), self._node.clock()) is None:
            return feed
        with self._alone(feed), alone(self._node, feed):
            feed, at = self._node.store.served_feeds.named(feed.name), self._node.clock()
            now = due(self._node, feed, circles, self._first_end(feed), at)
            return feed if now is None else follow(self._node, feed, circles, now, at)

    def whole(self, feed: ServedFeed, file: str | None, *, gzip: bool) -> Written:
        """One file of the list of a consumer that is ``current``, after its hand-out is on record.

        Raises Fault E-FLOW-963 when ``file`` is none of them, or missing where there are several.
        """
        name = file or sole_file(feed.terms)
        if name is None or name not in FEEDS[feed.terms.format].files:
            raise Fault(
                "E-FLOW-963",
                "This feed has the files {names}; ask for one of them.",
                names=", ".join(FEEDS[feed.terms.format].files),
            )
        with self._alone(feed):
            ready = self._ready(feed)
            self._record(feed, [ready.files[each] for each in sorted(ready.files)])
            if gzip and name not in ready.zipped:
                ready.zipped[name] = zipped(self._node, ready.files[name])
            return ready.zipped[name] if gzip else ready.files[name]

    def token(self, feed: ServedFeed) -> str:
        """By what a consumer names the state that it has: the sequence, and the book that it belongs to."""
        return f"{feed.sequence}-{epoch_of(self._node).name}"

    def changes(self, feed: ServedFeed, since: int, epoch: str | None = None) -> Written:
        """What changed behind a sequence of a book (None: of this one), after its hand-out is on record.

        Raises Fault E-FLOW-962 for a sequence that this feed never had, whose successors are partly forgotten, or of
        another book: after a restored backup the same numbers come again.
        """
        another = epoch is not None and epoch != epoch_of(self._node).name
        if another or not feed.kept_from <= since <= feed.sequence:
            raise Fault(
                "E-FLOW-962",
                "What changed behind sequence {given} is not known here; fetch the whole feed, then go on from {last}.",
                given=since,
                last=self.token(feed),
            )
        with self._alone(feed):
            written = write_changes(self._node, feed, since)
            self._record(feed, [written])
            return written

    def record(self, feed: ServedFeed, written: Written) -> None:
        """Put the hand-out of this state on record, once."""
        with self._alone(feed):
            self._record(feed, [written])

    def _record(self, feed: ServedFeed, files: Sequence[Written]) -> None:
        store = self._node.store.served_feeds
        if store.named(feed.name).handed == feed.sequence:
            return
        details: dict[str, str | int | list[str]] = {
            "sequence": feed.sequence,
            "place": feed.terms.place.value,
            "format": feed.terms.format,
            "bytes": sum(written.length for written in files),
            "sha256": [digest(written) for written in files],
        }
        at = self._node.clock()
        self._node.ledger.record_event(LedgerEvent(EventKind.FEED_HANDED, at, "node", recipient(feed), details))
        store.hand_out(feed.number, feed.sequence, at)

    def _ready(self, feed: ServedFeed) -> WrittenList:
        at = self._node.clock()
        found = self._written.get(feed.number)
        if found is None or found.sequence != feed.sequence or at - found.at >= WRITTEN_MICROSECONDS:
            found = self._written[feed.number] = write_list(self._node, feed, at)
        self._written.move_to_end(feed.number)
        while len(self._written) > WRITTEN_KEPT:
            self._written.popitem(last=False)
        return found

    def _first_end(self, feed: ServedFeed) -> int | None:
        known = self._ends.get(feed.number)
        if known is None or known[0] != feed.sequence:
            known = self._ends[feed.number] = feed.sequence, self._node.store.served_feeds.first_end(feed.number)
        return known[1]

    def _alone(self, feed: ServedFeed) -> _Alone:
        with self._lock:
            return _Alone(self._busy.setdefault(feed.number, threading.Lock()))


def prepare_feeds(node: Node) -> str:
    """The job: every consumer's lines as of now, so that no poll waits for them. One that fails stops no other."""
    desk = FeedDesk(node)
    feeds = node.store.served_feeds.list()
    problems = []
    for feed in feeds:
        try:
            desk.current(feed)
        except Fault as fault:
            problems.append(f"{feed.name}: {fault}")
    return "; ".join([f"{len(feeds) - len(problems)} of {len(feeds)} consumers up to date", *problems])


class _Alone:
    """A lock that is waited for a bounded time."""

    def __init__(self, lock: threading.Lock) -> None:
        self._lock = lock

    def __enter__(self) -> None:
        if not self._lock.acquire(timeout=WAIT_SECONDS):
            raise busy()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def no_feed() -> Refused:
    """The one answer to a wrong token, whoever's it is and whatever it was for."""
    return Refused("E-FLOW-960", "There is no feed for this token; send the feed's own token (Bearer or Basic).")


def entity_tag(feed: ServedFeed) -> str:
    """Weak, because the same state may be written in other bytes (compressed; with the seconds that are left).

    The moment tells the states of a restored backup from those that were lost with it.
    """
    return f'W/"{feed.number:x}-{feed.sequence:x}-{feed.modified_at:x}"'
