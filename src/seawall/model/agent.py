"""What a node and the agent at one of its enforcement points tell each other.

Down the line go signed changes of the order book: a DSSE envelope (``CHANGES_TYPE``) over the canonical JSON of
``SignedChanges``, or, for an agent that is new or too far behind, envelopes (``SNAPSHOT_TYPE``) over the pages of a
``SnapshotPage``. Up the line go ``AgentReport``s. ``AgentLimits`` are the agent's own: no node can change them.

An agent at sequence n takes only changes with ``after == n``: whatever lies in between, was told before, or was put in
another order fits nowhere. All moments in microseconds UTC.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from seawall.model.directive import Action
from seawall.model.observable import ObservableType
from seawall.model.order import Change, Order, Zone

CHANGES_TYPE = "application/vnd.seawall.agent-changes.v1+json"
SNAPSHOT_TYPE = "application/vnd.seawall.agent-snapshot.v1+json"

EPOCH_TYPE = "application/vnd.seawall.agent-epoch.v1+json"

AGENT_PATH = "/agent/v1"
MAX_CHANGES = 5_000  # of one envelope: about 2 MB of JSON; more come with the next
MAX_PAGE_ORDERS = 1_000  # of one page of a snapshot: neither side ever holds more than a page as JSON
MAX_CONTENT = 6 << 20  # bytes of orders in one envelope, reckoned at their most; what is over comes with the next
MAX_ENVELOPE = 16 << 20  # bytes of one envelope that an agent reads: the content in base64, and room
MAX_REPORT_BYTES = 4 << 20  # of one report that a node reads
MAX_TOLD = 1_000  # problems of one report, and as many hits; what is over comes with the next
FRESH_SECONDS = 300  # an envelope is worth nothing later than this after it was made


class Outcome(msgspec.Struct, frozen=True):
    """What became of one change. ``problem``: an English sentence, key of the message catalogues; empty: done."""

    sequence: int
    undo_id: str
    problem: str = ""
    detail: str = ""  # fills ``{detail}``


class Drift(msgspec.Struct, frozen=True):
    """What the tool held that it should not, and lacked that it should hold; both are repaired when this is told."""

    missing: int
    unexpected: int
    held: int  # entries of ours in the tool after the repair


class ToolHit(msgspec.Struct, frozen=True):
    """A value that the tool stopped or saw since it was asked last."""

    type: ObservableType
    value: str
    undo_id: str
    first_seen: int
    last_seen: int
    count: int


class SignedChanges(msgspec.Struct, frozen=True):
    """Every change of the book in (``after``, ``last``] that concerns one point, in rising sequence.

    ``stopped``: the kill switch is on, and nothing of ours may stand in any tool there.
    """

    node: str  # node id
    point: str
    after: int
    last: int
    changes: tuple[Change, ...]
    made_at: int
    expires_at: int
    stopped: bool = False
    epoch: str = ""  # of the book; empty: a node that knows of none


class SnapshotPage(msgspec.Struct, frozen=True):
    """One page of everything in force at one point as of ``sequence``; pages count from 0, ``final`` is the last."""

    node: str
    point: str
    snapshot: str  # random: pages of two snapshots never mix
    sequence: int
    number: int
    final: bool
    orders: tuple[Order, ...]
    made_at: int
    expires_at: int
    stopped: bool = False
    epoch: str = ""


class NewEpoch(msgspec.Struct, frozen=True):
    """The node was restored from a backup: its numbers begin anew, and two people there approved that agents follow."""

    node: str
    point: str
    epoch: str
    begun_at: int
    backup_at: int
    approved_by: tuple[str, ...]
    approved_at: int
    made_at: int
    expires_at: int


class ToolCondition(StrEnum):
    """How a tool is at a point."""

    STARTING = "starting"
    OK = "ok"
    DOWN = "down"  # not reached; tried again with growing pauses
    BEHIND = "behind"  # reached, and more waits than its queue holds: it is compared with the book when it can be
    CLEARED = "cleared"  # emptied by the kill switch, or by a person at the gateway


class ToolState(msgspec.Struct, frozen=True):
    """One tool as its agent sees it. ``missing`` and ``unexpected`` are what was repaired since the agent started."""

    name: str
    condition: ToolCondition
    since: int
    sequence: int = 0  # of the book, up to which this tool was told everything
    waiting: int = 0  # changes in its queue
    held: int = 0
    missing: int = 0
    unexpected: int = 0
    compared_at: int | None = None
    problem: str = ""  # one sentence
    apply_ms: float | None = None  # what the last change took, from the node's answer to the tool's


class AgentReport(msgspec.Struct, frozen=True):
    """What an agent tells its node. ``number`` rises by one, so that none counts twice."""

    number: int
    at: int
    sequence: int  # of the book, up to which the agent has taken everything in
    tools: tuple[ToolState, ...] = ()
    problems: tuple[Outcome, ...] = ()  # changes that the limits or a tool refused
    hits: tuple[ToolHit, ...] = ()
    orders: int = 0  # in force here
    refused: int = 0  # in force in the book, and refused here by the agent's limits
    stopped: bool = False  # obeying the kill switch
    cleared: bool = False  # a person at the gateway cleared it
    trouble: str = ""  # what the agent refused of the node itself, or did not get: one sentence


class BlockWindow(msgspec.Struct, frozen=True):
    """A maintenance window in which the owner of a plant lets blocks act in an ``ot`` or ``safety`` zone."""

    owner: str
    begins: int
    ends: int  # nothing stays blocked beyond it


class AgentLimits(msgspec.Struct, frozen=True):
    """What holds at one gateway whatever its node says; read from a file that belongs to root there."""

    zone: Zone
    actions: frozenset[Action] = frozenset(Action)
    never_block: tuple[str, ...] = ()  # addresses, networks, and names (each with everything below it)
    most: dict[ObservableType, int] = {}  # values of a type; of others as ``protect.bounds`` says
    most_in_all: int = 1_100_000
    longest_seconds: int = 90 * 86_400
    shortest_ipv4_prefix: int = 16
    shortest_ipv6_prefix: int = 32
    window: BlockWindow | None = None
