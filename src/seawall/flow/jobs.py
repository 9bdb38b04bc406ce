"""The schedule: what ``serve`` does by itself, and what ``seawall run JOB`` does once (for cron)."""

from __future__ import annotations

import threading
from collections.abc import Callable

import msgspec

from seawall.flow.commitments import commitment_job
from seawall.flow.enforced_hits import fold_hits
from seawall.flow.exchange import sync_peer
from seawall.flow.health import failed, may_be_called
from seawall.flow.items import expire_items
from seawall.flow.keys import tend_keys
from seawall.flow.mail_watch import mail_job
from seawall.flow.maintenance import compact_lake, retain_lake
from seawall.flow.mishaps import as_fault
from seawall.flow.misp_sync import sync_all
from seawall.flow.node import Node
from seawall.flow.outgoing import fill_outboxes
from seawall.flow.outside_witnesses import witnesses_job
from seawall.flow.pipeline import run_match
from seawall.flow.post import deliver
from seawall.flow.prekeys import tend_prekeys
from seawall.flow.receive import drain_job
from seawall.flow.refresh import refresh_findings
from seawall.flow.relay_book import relay_of
from seawall.flow.relay_cover import rhythm
from seawall.flow.warning import refresh_warnings
from seawall.flow.witnessing import checkpoint_job
from seawall.model import Fault, NotFound, rfc3339
from seawall.model.peer import PeerState

TICK_SECONDS = 1.0
JOB_NOTE = "job:{name}"


class Job(msgspec.Struct, frozen=True):
    """One thing that is done again and again."""

    name: str
    every_seconds: int
    task: str  # which right it takes to run it
    work: Callable[[Node], str | dict[str, object]]  # a sentence, or figures of which "result" is one


class Run(msgspec.Struct, frozen=True):
    """When a job last ran (microseconds UTC), and what came of it."""

    at: int
    result: str


def _sync(node: Node) -> str:
    results = []
    for peer in node.store.peers.list():
        relayed = peer.state is PeerState.VERIFIED and relay_of(node, peer.code_name) is not None
        if peer.state is not PeerState.VERIFIED or (peer.carried and not relayed):
            continue
        if not may_be_called(node, peer.code_name):
            results.append(f"{peer.code_name}: not called yet")
            continue
        try:
            with rhythm():
                report = sync_peer(node, peer.code_name)
            results.append(f"{peer.code_name}: {report['received']} received, {report['sent']} sent")
            if not relayed:
                deliver(node, peer.code_name)
        except Fault as fault:  # one failing peer must not stop the rest
            results.append(f"{peer.code_name}: {fault}")
        except Exception as error:
            unforeseen = as_fault(error, f"sync with {peer.code_name}")
            failed(node, peer.code_name, unforeseen)
            results.append(f"{peer.code_name}: {unforeseen}")
    return "; ".join(results) or "no verified peer"


def _match(node: Node) -> str:
    found = run_match(node)
    return f"{found['hits']} hits, {refresh_warnings(node)} warnings"


def _radius(node: Node) -> dict[str, object]:
    from seawall.flow.radius import build_radius  # a node that blocks nothing need not have it

    return build_radius(node)


def _canary(node: Node) -> str:
    from seawall.flow.canary import tend_canaries

    return tend_canaries(node)


def _rollback(node: Node) -> str:
    from seawall.flow.rollback import watch_blocks

    return watch_blocks(node)


def _campaigns(node: Node) -> str:
    from seawall.flow.campaigns import campaign_job  # brings numpy and scipy

    return campaign_job(node)


def _release(node: Node) -> str:
    refresh_findings(node)
    filled = fill_outboxes(node)
    return f"{filled.released} released, {filled.withheld} withheld"


def _aggregates(node: Node) -> str:
    from seawall.flow.aggregates_round import advance_all  # most nodes have no round open

    return advance_all(node)


def _orders(node: Node) -> str:
    from seawall.flow.orders_job import order_job  # brings what only an order book needs

    return order_job(node)


def _feeds(node: Node) -> str:
    from seawall.flow.served_feeds import prepare_feeds  # a node without consumers need not have it

    return prepare_feeds(node)


def _renew(node: Node) -> str:
    tend_keys(node)
    return "renewed" if node.keys.renew(node.clock()) else "still valid"


def _overlap(node: Node) -> str:
    from seawall.flow.overlap import overlap_job  # brings the arithmetic, which most nodes never use

    return overlap_job(node)


def _deliver(node: Node) -> str:
    from seawall.flow.deliver import delivery_job  # brings a mail client, which most nodes never use

    return delivery_job(node) if node.settings.deliver.channels else "no channel is set"


JOBS = (
    Job("receive", 300, "ingest", drain_job),
    Job("match", 300, "match", _match),
    Job("radius", 300, "match", _radius),
    Job("canary", 30, "enforce", _canary),
    Job("rollback", 900, "enforce", _rollback),
    Job("campaigns", 3_600, "match", _campaigns),
    Job("deliver", 30, "serve", _deliver),
    Job("commitments", 300, "match", commitment_job),
    Job("release", 60, "release", _release),
    Job("orders", 60, "enforce", _orders),
    Job("feeds", 60, "enforce", _feeds),
    Job("checkpoints", 86_400, "sync", checkpoint_job),
    Job("witnesses", 86_400, "sync", witnesses_job),
    Job("sync", 300, "sync", _sync),
    Job("overlap", 86_400, "sync", _overlap),
    Job("aggregates", 300, "sync", _aggregates),
    Job("misp", 300, "sync", sync_all),
    Job("mail", 300, "sync", mail_job),
    Job("renew-certificates", 86_400, "serve", _renew),
    Job("prekeys", 3_600, "serve", tend_prekeys),
    Job("compact", 86_400, "maintain", compact_lake),
    Job("retention", 86_400, "maintain", retain_lake),
    Job("item-retention", 3_600, "maintain", expire_items),
    Job("hits", 86_400, "maintain", fold_hits),
)
"""In the order of the data's way."""


def run(node: Node, name: str) -> dict[str, object]:
    """Run one job now. Raises NotFound E-FLOW-070 for an unknown one, Refused E-FLOW-004, and what the job raises."""
    job = next((job for job in JOBS if job.name == name), None)
    if job is None:
        known = ", ".join(job.name for job in JOBS)
        raise NotFound(
            "E-FLOW-070", "There is no job {given}; the jobs are {known}.", given=repr(name[:40]), known=known
        )
    node.require(job.task)
    result = job.work(node)
    _remember(node, job, result)
    return {"job": job.name, **(result if isinstance(result, dict) else {"result": result})}


def describe(node: Node) -> list[dict[str, object]]:
    """All jobs, and when each last ran."""
    node.require("read")
    rows: list[dict[str, object]] = []
    for job in JOBS:
        last = last_run(node, job.name)
        rows.append(
            {
                "job": job.name,
                "every_seconds": job.every_seconds,
                "last_run": rfc3339(last.at) if last else None,
                "last_result": last.result if last else None,
            }
        )
    return rows


def last_run(node: Node, name: str) -> Run | None:
    """When a job last ran; None before the first time."""
    text = node.store.notes.get(JOB_NOTE.format(name=name))
    return msgspec.json.decode(text, type=Run) if text else None


def _remember(node: Node, job: Job, result: str | dict[str, object]) -> None:
    result = str(result["result"]) if isinstance(result, dict) else result
    node.store.notes.set(JOB_NOTE.format(name=job.name), msgspec.json.encode(Run(node.clock(), result)).decode())


class Scheduler:
    """Runs due jobs one after the other in a thread; a failing job is remembered and tried again when it is due."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="jobs", daemon=True)
        started = node.clock()
        self._due = {job.name: started + job.every_seconds * 1_000_000 for job in JOBS}

    def start(self) -> None:
        """Begin; each job runs for the first time after its own interval."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the running job and end."""
        self._stopping.set()
        self._thread.join(60)

    def _loop(self) -> None:
        while not self._stopping.wait(TICK_SECONDS):
            for job in JOBS:
                if self._node.clock() >= self._due[job.name] and not self._stopping.is_set():
                    self._due[job.name] = self._node.clock() + job.every_seconds * 1_000_000
                    self._run(job)

    def _run(self, job: Job) -> None:
        try:
            _remember(self._node, job, job.work(self._node))
        except Exception as error:
            _try_to_remember(self._node, job, str(as_fault(error, f"the job {job.name}")))


def _try_to_remember(node: Node, job: Job, sentence: str) -> None:
    try:
        _remember(node, job, f"failed: {sentence}")
    except Exception as error:
        as_fault(error, f"the job {job.name}")  # the store itself is what failed; doctor will say so
