"""What agents report: each report counts once, what was met becomes hits, and how each gateway is can be asked."""

from __future__ import annotations

import logging

import msgspec

from seawall.flow.enforced_hits import take_hits
from seawall.flow.node import Node
from seawall.model import Fault
from seawall.model.agent import MAX_REPORT_BYTES, MAX_TOLD, AgentReport, Outcome, ToolState
from seawall.model.order import Point
from seawall.model.unreadable import UNREADABLE

LOG = logging.getLogger(__name__)
STANDING = "agent-standing {point}"
KEPT_PROBLEMS = 200  # of one point, the latest
MAX_TOOLS = 32  # of one point
MAX_TEXT = 2_000  # characters of a sentence that a report brings
STALE_SECONDS = 120  # four heartbeats: an agent that was not heard of for longer is said to be silent


class AgentStanding(msgspec.Struct, frozen=True):
    """How the agent at one point stands, as of its last report. Moments in microseconds UTC."""

    number: int
    heard_at: int  # by our clock
    said_at: int  # by the agent's
    sequence: int
    tools: tuple[ToolState, ...]
    problems: tuple[Outcome, ...]
    orders: int
    refused: int
    stopped: bool
    cleared: bool
    trouble: str
    hits: int  # that were ever told

    def silent_seconds(self, at: int) -> float:
        """How long it was not heard of."""
        return max(0, at - self.heard_at) / 1_000_000


def take_report(node: Node, point: Point, body: bytes) -> None:
    """Take one report in. Raises Fault E-FLOW-953 for what is none; one that was taken before changes nothing."""
    report = _read(body)
    before = standing(node, point.name)
    if before is not None and report.number <= before.number:
        return
    taken = _hits(node, point, report)
    problems = (*(before.problems if before is not None else ()), *map(_short, report.problems))
    kept = AgentStanding(
        number=report.number,
        heard_at=node.clock(),
        said_at=report.at,
        sequence=report.sequence,
        tools=tuple(msgspec.structs.replace(tool, problem=tool.problem[:MAX_TEXT]) for tool in report.tools),
        problems=problems[-KEPT_PROBLEMS:],
        orders=report.orders,
        refused=report.refused,
        stopped=report.stopped,
        cleared=report.cleared,
        trouble=report.trouble[:MAX_TEXT],
        hits=(before.hits if before is not None else 0) + taken,
    )
    node.store.notes.set(STANDING.format(point=point.name), msgspec.json.encode(kept).decode())


def standing(node: Node, point: str) -> AgentStanding | None:
    """How the agent at a point stands; None when none ever reported."""
    kept = node.store.notes.get(STANDING.format(point=point))
    return None if kept is None else msgspec.json.decode(kept, type=AgentStanding)


def standings(node: Node) -> dict[str, AgentStanding]:
    """Point -> how its agent stands, of every point whose agent ever reported."""
    points = [point.name for point in node.store.orders.points()]
    found = ((name, standing(node, name)) for name in points)
    return {name: one for name, one in found if one is not None}


def forget(node: Node, point: str) -> None:
    """A new agent stands at this point: its numbers begin anew."""
    node.store.notes.delete(STANDING.format(point=point))


def agents_told(node: Node) -> tuple[bool, str]:
    """For ``doctor``: whether each agent is heard of and each tool reached, and which not."""
    at, said, agents = node.clock(), [], 0
    for point in node.store.orders.points():
        if point.fingerprint is None:
            continue
        agents += 1
        found = standing(node, point.name)
        if found is None:
            said.append(f"{point.name} never reported")
        elif found.silent_seconds(at) > STALE_SECONDS:
            said.append(f"{point.name} is silent for {found.silent_seconds(at):.0f} seconds")
        else:
            said += [
                f"{point.name}: {tool.name} is down: {tool.problem}" for tool in found.tools if tool.condition == "down"
            ]
    if not agents:
        return True, "no point has an agent"
    return not said, "; ".join(said) or f"{agents} heard of, every tool reached"


def _read(body: bytes) -> AgentReport:
    try:
        report = msgspec.json.decode(body, type=AgentReport)
    except UNREADABLE:
        raise _no_report() from None
    too_many = len(report.tools) > MAX_TOOLS or len(report.hits) > MAX_TOLD or len(report.problems) > MAX_TOLD
    if too_many or len(body) > MAX_REPORT_BYTES:
        raise _no_report()
    return report


def _no_report() -> Fault:
    return Fault("E-FLOW-953", "This is no report of an agent, or it is too large.")


def _hits(node: Node, point: Point, report: AgentReport) -> int:
    if not report.hits:
        return 0
    told = take_hits(node, point.name, report.hits)
    if told.refused:
        LOG.info("%s: %d hits were refused", point.name, told.refused)
    return len(report.hits) - told.refused


def _short(outcome: Outcome) -> Outcome:
    return msgspec.structs.replace(outcome, problem=outcome.problem[:MAX_TEXT], detail=outcome.detail[:MAX_TEXT])
