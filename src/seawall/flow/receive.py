"""Lines that a SIEM or shipper sends: kept on disk before it is told so, taken in soon after.

Nothing acknowledged is lost: a delivery leaves the spool after the lake's commit, and a process killed in between
finds it again; its lines are then held already, so they are not stored twice. What is sent twice is held too.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

import msgspec

from seawall.flow.authority import require
from seawall.flow.lakeless import require_lake
from seawall.flow.listing import Listing
from seawall.flow.node import Node
from seawall.flow.pipeline import LAST_INGEST, ingest_options
from seawall.flow.spool import BOUND, FOLDER, Delivery, Spool, Waiting
from seawall.ingest import format_name, ingest
from seawall.model import Actor, Fault, Unavailable, rfc3339

LOG = logging.getLogger(__name__)
HEAD_BYTES = 256 << 10  # looked at to tell the format
BATCH_FILES = 256  # deliveries of one commit
BATCH_BYTES = 64 << 20
CHUNK_BYTES = 4 << 20  # micro-batches are small; the memory of a whole ingest is not needed
WAIT_SECONDS = 0.5  # gathers what arrives together into one commit
RETRY_SECONDS = 5.0
NOTHING_TAKEN_IN = "E-INGEST-001"  # every line is in quarantine, which is where it belongs


class Drained(msgspec.Struct, frozen=True):
    """What became of what waited."""

    deliveries: int = 0
    stored: int = 0
    duplicates: int = 0
    rejected: int = 0
    problem: str | None = None

    def __add__(self, other: Drained) -> Drained:
        return Drained(
            self.deliveries + other.deliveries,
            self.stored + other.stored,
            self.duplicates + other.duplicates,
            self.rejected + other.rejected,
            other.problem or self.problem,
        )


class Receiver:
    """Accepts deliveries and takes them in, in a thread of the serving process."""

    def __init__(self, node: Node, *, bound: int = BOUND) -> None:
        self._node = node
        self.spool = Spool(node.folder / FOLDER, bound)
        self._arrived = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="receive", daemon=True)

    def authenticate(self, token: str) -> Actor:
        """Who holds this token and may send; raises Refused."""
        actor = self._node.store.users.authenticate(token)
        require(actor, "ingest")
        return actor

    def resolve(self, wanted: str, head: bytes) -> str | None:
        """The format that these lines are taken in as; None when no format knows them. Raises Fault E-INGEST-002."""
        return format_name(wanted, head[:HEAD_BYTES])

    def accept(self, deliveries: Sequence[Delivery]) -> None:
        """Keep deliveries on disk. Raises Unavailable E-FLOW-090/091, Refused E-FLOW-092 on a node without a lake."""
        require_lake(self._node)
        self.spool.put([one for one in deliveries if one.lines])
        self._arrived.set()

    def start(self) -> None:
        """Begin to take in, first what an earlier process left."""
        self._arrived.set()
        self._thread.start()

    def stop(self) -> None:
        """Finish the running batch and end."""
        self._stopping.set()
        self._arrived.set()
        self._thread.join(60)

    def _loop(self) -> None:
        while not self._stopping.is_set():
            self._arrived.wait()
            if self._stopping.wait(WAIT_SECONDS):
                return
            self._arrived.clear()
            try:
                drained = drain(self._node, self.spool)
            except Fault as fault:
                drained = Drained(problem=str(fault))
            if drained.problem is not None and not self._stopping.wait(RETRY_SECONDS):
                self._arrived.set()


def drain(node: Node, spool: Spool) -> Drained:
    """Take in all that waits, a batch at a time; the first problem ends it and what is left stays."""
    total = Drained()
    with spool.taking() as mine:
        while mine and (waiting := spool.next(BATCH_FILES, BATCH_BYTES)) is not None:
            try:
                total += _take(node, waiting)
            except Unavailable as fault:
                return total + Drained(problem=str(fault))
            except Exception as error:  # whatever a batch does must not stop the others
                LOG.exception("a delivery cannot be taken in")
                if not _singly(node, spool, waiting):
                    return total + Drained(problem=str(error))
                continue
            spool.done(waiting)
    if total.deliveries:
        node.store.notes.set(LAST_INGEST, str(node.clock()))
    return total


def _take(node: Node, waiting: Waiting) -> Drained:
    options = msgspec.structs.replace(
        ingest_options(node, format=waiting.format, sensor=waiting.sensor), chunk_bytes=CHUNK_BYTES, remember=False
    )
    count = len(waiting.paths)
    try:
        report = ingest([str(path) for path in waiting.paths], node.lake, options)
    except Fault as fault:
        if fault.code != NOTHING_TAKEN_IN:
            raise
        return Drained(count, rejected=count)
    return Drained(count, report.stored, report.duplicates, report.rejected)


def _singly(node: Node, spool: Spool, waiting: Waiting) -> bool:
    """Take the deliveries of a failed batch one by one and set the bad ones aside; False when nothing works now."""
    for path in waiting.paths:
        one = Waiting((path,), waiting.format, waiting.sensor)
        try:
            _take(node, one)
        except Unavailable:
            return False
        except Exception:
            LOG.exception("a delivery is set aside")
            spool.set_aside(one)
        else:
            spool.done(one)
    return True


def aside(node: Node, *, limit: int, after: int) -> Listing:
    """Deliveries that were set aside, oldest first."""
    found = Spool(node.folder / FOLDER).aside()
    items: list[dict[str, object]] = []
    for number, one in enumerate(found[after : after + limit], start=after + 1):
        with one.path.open("rb") as file:
            lines = sum(block.count(b"\n") for block in iter(lambda: file.read(CHUNK_BYTES), b""))
        facts = {"format": one.format, "sensor": one.sensor, "lines": lines, "bytes": one.bytes}
        items.append({"number": number, "received": rfc3339(one.received), **facts, "file": str(one.path)})
    return Listing(items, after + limit if len(found) > after + limit else None)


def retake(node: Node) -> dict[str, object]:
    """Take in again what was set aside, in the order in which it came; what fails again is set aside again.

    ``problem`` says why something still waits; the job ``receive`` goes on with it.
    """
    node.require("ingest")
    require_lake(node)
    spool = Spool(node.folder / FOLDER)
    found = spool.put_back()
    done = drain(node, spool) if found else Drained()
    return {
        "found": found,
        "stored": done.stored,
        "duplicates": done.duplicates,
        "rejected": done.rejected,
        "set_aside": spool.set_aside_count(),
        "waiting": spool.count(),
        "problem": done.problem,
    }


def drain_job(node: Node) -> str:
    """The job: what a killed process left, or what arrived."""
    spool = Spool(node.folder / FOLDER)
    if not spool.count():
        aside = spool.set_aside_count()
        return f"nothing waits, {aside} set aside" if aside else "nothing waits"
    done = drain(node, spool)
    problem = f"; {done.problem}" if done.problem else ""
    return f"{done.deliveries} deliveries, {done.stored} stored, {done.duplicates} held already{problem}"
