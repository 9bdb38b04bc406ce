"""``agent.toml``: what whoever runs the gateway says; it belongs to root there, and the agent only reads it.

state = "/var/lib/seawall-agent"

[limits]
zone = "internet-edge"
actions = ["block", "watch"]
never_block = ["192.0.2.0/24", "example.org"]
longest_hours = 720
most = { ipv4 = 200000 }
# window = { owner = "Plant owner", begins = 2026-03-14T01:00:00Z, ends = 2026-03-14T03:00:00Z }

[tools.nftables]
[tools.suricata]
folder = "/var/lib/suricata/seawall"
socket = "/run/suricata/suricata-command.socket"
eve = "/var/log/suricata/eve.json"
"""

from __future__ import annotations

import stat
import tomllib
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec

from seawall.model import Fault, ObservableType, Refused, to_microseconds
from seawall.model.agent import AgentLimits, BlockWindow
from seawall.model.directive import Action
from seawall.model.order import Zone
from seawall.protect.agent.limits import Limits

MAX_BYTES = 8 << 20  # a never-block list of some 300,000 lines
ROOT = 0  # the only owner whom a node that took over the agent's own user cannot become


class _Window(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    owner: Annotated[str, msgspec.Meta(min_length=1, max_length=120)]
    begins: datetime
    ends: datetime


class _Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    zone: Zone
    actions: frozenset[Action] = frozenset(Action)
    never_block: tuple[str, ...] = ()
    most: dict[ObservableType, Annotated[int, msgspec.Meta(ge=0)]] = {}
    most_in_all: Annotated[int, msgspec.Meta(ge=0, le=2_000_000)] = 1_100_000
    longest_hours: Annotated[float, msgspec.Meta(gt=0, le=366 * 24)] = 90 * 24
    shortest_ipv4_prefix: Annotated[int, msgspec.Meta(ge=8, le=32)] = 16
    shortest_ipv6_prefix: Annotated[int, msgspec.Meta(ge=19, le=128)] = 32
    window: _Window | None = None


class Times(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often, in seconds."""

    wait: Annotated[float, msgspec.Meta(ge=1, le=60)] = 25.0  # one question to the node is held open so long
    compare: Annotated[float, msgspec.Meta(ge=1)] = 60.0  # each tool with what it shall hold
    expire: Annotated[float, msgspec.Meta(ge=0.1)] = 1.0  # tools that count no time themselves
    hits: Annotated[float, msgspec.Meta(ge=0.2)] = 2.0  # what the tools met
    heartbeat: Annotated[float, msgspec.Meta(ge=1)] = 30.0  # a report although nothing is new
    stale_hours: Annotated[float, msgspec.Meta(gt=0)] = 1.0  # without a word of the node until it is said aloud


class AgentConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file. ``tools``: name of a driver -> its options, read by ``tools``."""

    state: str
    limits: _Limits
    tools: dict[str, dict[str, Any]] = {}
    times: Times = Times()

    @property
    def folder(self) -> Path:
        """Where the agent keeps its key and its state."""
        return Path(self.state)


def load_config(path: Path) -> AgentConfig:
    """Read the file. Raises Fault E-PROTECT-040 when it cannot be used, Refused -041 when others than root own it."""
    try:
        with path.open("rb") as file:
            held = path.stat()
            if held.st_uid != ROOT or held.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                raise Refused(
                    "E-PROTECT-041",
                    "{path} must belong to root and be writable by nobody else: it holds the limits of this gateway.",
                    path=path,
                )
            tree = tomllib.loads(file.read(MAX_BYTES).decode("utf-8"))
        config = msgspec.convert(tree, AgentConfig)
        limits_of(config)
    except (OSError, ValueError, RecursionError, msgspec.ValidationError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise Fault(
            "E-PROTECT-040", "Cannot use the agent's file {path}: {reason}.", path=path, reason=reason
        ) from None
    return config


def limits_of(config: AgentConfig, around: tuple[str, ...] = ()) -> Limits:
    """The limits, ready to judge. ``around``: what belongs to this machine. Raises ValueError for a bad entry."""
    given = config.limits
    window = None
    if given.window is not None:
        begins, ends = given.window.begins, given.window.ends
        if begins.tzinfo is None or ends.tzinfo is None or begins >= ends:
            raise ValueError("a window begins before it ends, and both moments name their zone, as in 01:00:00Z")
        window = BlockWindow(given.window.owner, to_microseconds(begins), to_microseconds(ends))
    return Limits(
        AgentLimits(
            zone=given.zone,
            actions=given.actions,
            never_block=given.never_block,
            most=dict(given.most),
            most_in_all=given.most_in_all,
            longest_seconds=int(given.longest_hours * 3600),
            shortest_ipv4_prefix=given.shortest_ipv4_prefix,
            shortest_ipv6_prefix=given.shortest_ipv6_prefix,
            window=window,
        ),
        around,
    )
