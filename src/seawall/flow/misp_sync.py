"""Synchronise with the MISPs beside this node: the wiring of ``exchange.misp`` with book, store and ledger."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from seawall.exchange.misp import Cursor, Doc, Done, MispSync, Taken, encode
from seawall.exchange.misp.parties import Refusal, Remote
from seawall.flow.misp_book import MispBook, new_uuid
from seawall.flow.misp_desk import CircleDesk, OwnDesk
from seawall.flow.misp_loose import loose_uuid
from seawall.flow.misp_rows import to_doc
from seawall.flow.misp_servers import CURSOR, LAST, REFUSED, Last, MispServer, client_of, cursor_of, server, servers
from seawall.flow.misp_sightings import mark
from seawall.flow.node import Node
from seawall.flow.refresh import refresh_if_possible
from seawall.model import Fault
from seawall.model.misp import MispEvent

SECOND = 1_000_000  # microseconds


class _Book:
    """``exchange.misp``'s view of our events."""

    def __init__(self, node: Node, server: MispServer) -> None:
        self._node, self._book, self._server = node, MispBook(node), server

    def deleted(self, uuids: Sequence[str]) -> frozenset[str]:
        return frozenset(uuid for uuid, gone in self._node.store.misp.states(uuids).items() if gone)

    def take(self, uuid: str, join: Callable[[Doc | None], Doc | None]) -> Taken:
        with self._book.changing():
            held = self._book.held(uuid)
            if not self._theirs(uuid, held):
                return Taken(not_theirs=True)
            joined = join(to_doc(held) if held is not None else None)
            if joined is None:
                return Taken()
            kept = self._book.put(joined, origin=self._server.name)
        return Taken(kept.changed, len(kept.rejected) + len(kept.unmatched))

    def delete(self, uuid: str) -> bool:
        with self._book.changing():
            return self._theirs(uuid, self._book.held(uuid)) and self._book.delete(uuid)

    def _theirs(self, uuid: str, held: MispEvent | None) -> bool:
        """Whether this MISP has a say in the event: our own in every one, one of others in those that it brought.

        What one of others holds without having brought it, we told it.
        """
        node, name = self._node, self._server.name
        if not self._server.circle:
            return True
        if held is not None:
            return held.origin == name
        report = node.store.objects.latest([f"report--{uuid}"]).get(f"report--{uuid}")
        foreign = report is not None and name != report.origin
        return not foreign and uuid != loose_uuid(node) and node.store.misp.known(name, uuid) is None


class _Memory:
    """What one MISP is known to hold."""

    def __init__(self, node: Node, name: str) -> None:
        self._node, self._name = node, name

    def known(self, uuid: str) -> Doc | None:
        raw = self._node.store.misp.known(self._name, uuid)
        return msgspec.json.decode(raw) if raw is not None else None

    def know(self, uuid: str, timestamp: int, doc: Doc) -> None:
        self._node.store.misp.know(self._name, uuid, timestamp, encode(doc))

    def times(self, uuids: Sequence[str] | None) -> dict[str, int]:
        return self._node.store.misp.known_times(self._name, uuids)

    def forget(self, uuid: str) -> None:
        self._node.store.misp.forget(self._name, uuid)

    def cursor(self) -> Cursor:
        return cursor_of(self._node, self._name)

    def keep(self, cursor: Cursor) -> None:
        if cursor != self.cursor():
            self._node.store.notes.set(CURSOR.format(name=self._name), msgspec.json.encode(cursor).decode())

    def refused(self) -> list[Refusal]:
        text = self._node.store.notes.get(REFUSED.format(name=self._name))
        return msgspec.json.decode(text, type=list[Refusal]) if text else []

    def keep_refused(self, refused: Sequence[Refusal]) -> None:
        key = REFUSED.format(name=self._name)
        if refused:
            self._node.store.notes.set(key, msgspec.json.encode(refused).decode())
        else:
            self._node.store.notes.delete(key)


def sync_misp(node: Node, name: str, *, full: bool = False, accept_deletions: bool = False) -> dict[str, object]:
    """One synchronisation, both directions. Raises NotFound E-FLOW-180, and Unavailable when the MISP fails.

    ``full``: look at its whole index, as is done once a day; ``accept_deletions``: also when most events are gone.
    """
    node.require("sync")
    one = server(node, name)
    unread = refresh_if_possible(node) if one.push != "none" else None
    client = client_of(node, one)
    try:
        done = exchange(node, one, client, full=full, accept_deletions=accept_deletions)
    except Fault as fault:
        _remember(node, name, f"failed: {fault}")
        raise
    finally:
        client.close()
    if unread is not None:
        done.problem(str(unread))
    _remember(node, name, f"{done.pulled} pulled, {done.pushed} pushed")
    return {"name": name, **msgspec.to_builtins(done)}


def exchange(
    node: Node, one: MispServer, remote: Remote, *, full: bool = False, accept_deletions: bool = False
) -> Done:
    """As ``sync_misp``, over any ``Remote``."""
    desk = CircleDesk(node, one) if one.circle else OwnDesk(node, one)
    run = MispSync(
        remote,
        _Book(node, one),
        _Memory(node, one.name),
        desk,
        now=node.clock() // SECOND,
        new_uuid=new_uuid,
        full=full,
        accept_deletions=accept_deletions,
        mark=mark(node, one),
    )
    done = run.run()
    for sentence in desk.problems:
        done.problem(sentence)
    done.withheld += desk.withheld
    return done


def sync_all(node: Node) -> str:
    """The job: every MISP in turn; one that fails does not stop the rest."""
    results = []
    for name in servers(node):
        try:
            report = sync_misp(node, name)
            results.append(f"{name}: {report['pulled']} pulled, {report['pushed']} pushed")
        except Fault as fault:
            results.append(f"{name}: {fault}")
    return "; ".join(results) or "no MISP"


def _remember(node: Node, name: str, result: str) -> None:
    last = Last(node.clock(), result)
    node.store.notes.set(LAST.format(name=name), msgspec.json.encode(last).decode())
