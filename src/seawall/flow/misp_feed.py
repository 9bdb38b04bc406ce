"""A circle's outbox as a MISP feed for one member: what a real MISP subscribes to.

The files are made when the manifest (or any first file) is asked for and the outbox has changed since; each page of
the outbox behind them is put on record as it is read. Until it changes, the same files are answered from memory, so
that what a manifest names is what its event files hold.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict

import msgspec

from seawall.codec.misp import to_events
from seawall.codec.misp.feed import MANIFEST, feed_files
from seawall.flow.context import release_context
from seawall.flow.misp_recalled import placed
from seawall.flow.node import Node
from seawall.flow.outgoing import fill_outboxes, may_receive
from seawall.model import Actor, NotFound, Unavailable
from seawall.model.circle import CircleTerms
from seawall.model.outbox import OutboxRow
from seawall.policy import page_release

PAGE = 1_000
MAX_OBJECTS = 200_000  # of one feed: the largest public MISP feeds hold fewer
MAX_KEPT = 16  # feeds held in memory


class File(msgspec.Struct, frozen=True):
    """One file of a feed."""

    content: bytes
    etag: str


class _Made(msgspec.Struct, frozen=True):
    stamp: bytes  # of the rows behind it
    files: dict[str, File]


class MispFeeds:
    """The feeds of a node. Safe for several threads."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._made: OrderedDict[tuple[str, str], _Made] = OrderedDict()
        self._lock = threading.Lock()

    def file(self, actor: Actor, circle: str, name: str) -> File:
        """A file of the feed of ``circle`` for this member.

        Raises NotFound E-FLOW-190 alike for an unknown circle, one that does not seat them, and an unknown file;
        Unavailable E-FLOW-191 for an outbox that is too large for a feed.
        """
        terms = next((terms for terms in self._node.store.circles.list() if terms.name == circle), None)
        if terms is None or not _seated(actor, terms) or not may_receive(self._node, terms, actor.name):
            raise _no_file()
        with self._lock:
            made = self._made.get((circle, actor.name))
            if made is None or name == MANIFEST:
                made = self._current(actor, terms, made)
        found = made.files.get(name)
        if found is None:
            raise _no_file()
        return found

    def _current(self, actor: Actor, terms: CircleTerms, made: _Made | None) -> _Made:
        fill_outboxes(self._node, circle=terms.name, recipient=actor.name)
        rows = self._rows(actor, terms)
        stamp = _stamp(rows)
        if made is not None and made.stamp == stamp:
            return made
        bodies = self._released(actor, terms, rows)
        files = {
            name: File(content, f'"{hashlib.sha256(content).hexdigest()[:32]}"')
            for name, content in feed_files(to_events(bodies, distribution=False).events)
        }
        made = _Made(stamp, files)
        self._made[terms.name, actor.name] = made
        self._made.move_to_end((terms.name, actor.name))
        if len(self._made) > MAX_KEPT:
            self._made.popitem(last=False)
        return made

    def _rows(self, actor: Actor, terms: CircleTerms) -> list[OutboxRow]:
        rows: list[OutboxRow] = []
        following: str | None = None
        while True:
            page = self._node.store.outbox.page(terms.name, actor.name, next=following, limit=PAGE)
            rows += placed(self._node, page.rows)
            if len(rows) > MAX_OBJECTS:
                raise Unavailable(
                    "E-FLOW-191", "The circle {circle} holds more than {most} objects; read it over TAXII.",
                    circle=terms.name, most=MAX_OBJECTS,
                )  # fmt: skip
            following = page.next
            if not page.more:
                return rows

    def _released(self, actor: Actor, terms: CircleTerms, rows: list[OutboxRow]) -> list[bytes]:
        """Bodies whose release is on disk in the ledger (rule 1), page by page."""
        context = release_context(self._node, terms, actor.name)
        bodies: list[bytes] = []
        for start in range(0, len(rows), PAGE):
            release = page_release(rows[start : start + PAGE], actor.name, terms, context)
            if release is not None:
                recorded = self._node.ledger.record(release)
                bodies += [item.body for item in recorded.value.objects]
        return bodies


def _stamp(rows: list[OutboxRow]) -> bytes:
    digest = hashlib.sha256()
    for row in rows:
        digest.update(f"{row.object_id} {row.version} {row.added}\n".encode())
    return digest.digest()


def _seated(actor: Actor, terms: CircleTerms) -> bool:
    bound = actor.circles is None or terms.name in actor.circles
    return bound and actor.name in terms.members and actor.name not in terms.exclusions


def _no_file() -> NotFound:
    return NotFound("E-FLOW-190", "There is no such file in a feed of yours.")
