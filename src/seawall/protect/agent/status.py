"""What whoever stands at the gateway can ask and do without the node: how things are, and take everything out."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from seawall.model import Fault, Unavailable, rfc3339
from seawall.model.agent import Outcome, ToolCondition, ToolState
from seawall.protect.agent.config import AgentConfig
from seawall.protect.agent.enrolment import load
from seawall.protect.agent.privileges import held_by
from seawall.protect.agent.reporting import Standing
from seawall.protect.agent.state import FILE, AgentState
from seawall.protect.drivers.interface import Driver

LOCK = "agent.lock"
CLEAR_SECONDS = 5.0  # that a running agent has to empty its tools, before it is done without it
SHOWN = 100  # refused orders that are listed


class Noted(msgspec.Struct, frozen=True):
    """What the running agent wrote down last. ``contact``: when the node was heard last, microseconds UTC."""

    at: int
    contact: int
    tools: tuple[ToolState, ...] = ()
    standing: Standing = Standing()
    trouble: str = ""


class Status(msgspec.Struct, frozen=True):
    """Everything that is known of the agent in one state folder."""

    point: str
    url: str
    fingerprint: str
    running: int | None  # process
    only_net_admin: bool | None  # of the running process
    sequence: int | None
    noted: Noted | None
    refused: tuple[Outcome, ...] = ()


def hold(folder: Path) -> int:
    """The descriptor by which one process alone uses the folder. Raises Unavailable E-PROTECT-061."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise _runs_already(folder) from None
    os.ftruncate(descriptor, 0)
    os.write(descriptor, str(os.getpid()).encode())
    return descriptor


def running(folder: Path) -> int | None:
    """The process that holds the folder (0: not said which), or None."""
    try:
        require_idle(folder)
    except Unavailable:
        text = (folder / LOCK).read_text("ascii").strip()
        return int(text) if text.isdigit() else 0
    return None


def require_idle(folder: Path) -> None:
    """Pass when no agent runs on the folder; raises Unavailable E-PROTECT-061."""
    if not (folder / LOCK).exists():
        return
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        raise _runs_already(folder) from None
    finally:
        os.close(descriptor)


def _runs_already(folder: Path) -> Unavailable:
    return Unavailable("E-PROTECT-061", "An agent is running already on {folder}; stop it first.", folder=folder)


def begin_anew(config: AgentConfig) -> None:
    """After an enrolment: follow this node's book from its beginning, whatever another book's numbers were."""
    state = AgentState(config.folder)
    try:
        state.remember(sequence=None, least=None, number=None, report=None, epoch=None, epoch_begun=None)
    finally:
        state.close()


def note_status(
    state: AgentState, tools: Sequence[ToolState], standing: Standing, trouble: str, *, contact: int
) -> None:
    """What ``seawall agent status`` will show."""
    noted = Noted(time.time_ns() // 1000, contact, tuple(tools), standing, trouble)
    state.remember(noted=msgspec.json.encode(noted).decode())


def status(config: AgentConfig) -> Status:
    """How the agent stands. Raises NotFound E-PROTECT-056 when none is enrolled."""
    enrolled = load(config.folder)
    process = running(config.folder)
    sequence, noted, refused = None, None, []
    if (config.folder / FILE).exists():
        state = AgentState(config.folder)
        try:
            sequence, refused = state.sequence, state.problems(SHOWN)
            kept = state.fact("noted")
            noted = None if kept is None else msgspec.json.decode(kept, type=Noted)
        finally:
            state.close()
    only = None
    if process:
        try:
            only = held_by(process).only_net_admin
        except OSError:
            only = None
    return Status(enrolled.point, enrolled.url, enrolled.fingerprint, process, only, sequence, noted, tuple(refused))


def clear(config: AgentConfig, drivers: Mapping[str, Driver], at: int) -> list[str]:
    """Take everything of ours out of every tool, and keep it out until ``resume``; problems, one sentence a tool.

    A running agent is told, and given a moment; then it is done from here, whether or not it did.
    """
    state = AgentState(config.folder)
    try:
        state.remember(cleared=rfc3339(at))
        emptied = _emptied_by_agent(config.folder, state)
    finally:
        state.close()
    problems = []
    for name, driver in drivers.items():
        if name not in emptied:
            try:
                driver.clear()
                driver.close()
            except Fault as fault:
                problems.append(f"{name}: {fault}")
    return problems


def _emptied_by_agent(folder: Path, state: AgentState) -> set[str]:
    """The tools that a running agent says it has emptied, after as long as it may take for all of them."""
    emptied: set[str] = set()
    end = time.monotonic() + CLEAR_SECONDS
    while running(folder) is not None and time.monotonic() < end:
        kept = state.fact("noted")
        noted = None if kept is None else msgspec.json.decode(kept, type=Noted)
        if noted is not None and noted.standing.cleared:
            emptied = {tool.name for tool in noted.tools if tool.condition is ToolCondition.CLEARED}
            if len(emptied) == len(noted.tools):
                break
        time.sleep(0.05)
    return emptied


def resume(config: AgentConfig) -> bool:
    """Let the agent act again; False when it was not cleared."""
    state = AgentState(config.folder)
    try:
        was = state.fact("cleared") is not None
        state.remember(cleared=None)
    finally:
        state.close()
    return was
