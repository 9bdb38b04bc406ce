"""``seawall agent``: on a gateway, beside the tools that block; it needs no node folder there.

Only ``invite`` and ``resume`` are commands of the node; all others work on the gateway, by its ``agent.toml``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from seawall.cli.app import app, context
from seawall.cli.ending import told_to_end
from seawall.cli.relay import speaking
from seawall.model import ExitStatus, Fault, rfc3339, system_clock

if TYPE_CHECKING:
    from seawall.protect.agent.config import AgentConfig
    from seawall.protect.drivers.interface import Driver

DEFAULT_CONFIG = Path("/etc/seawall/agent.toml")
TOOLS = ["name", "condition", "since", "sequence", "held", "waiting", "missing", "unexpected", "problem"]
REFUSED = ["undo", "sentence"]

agent = App(name="agent", help="The small process on a gateway that makes its tools do what the order book says.")
app.command(agent)

Config = Annotated[Path, Parameter(help="File of limits and tools; it belongs to root.")]


@agent.command
def invite(point: str, /) -> None:
    """Make a token for the agent of a point, on the node. It works once, and for an hour.

    JSON: point, token, fingerprint, port.
    """
    from seawall.flow.agent_enrol import invite as invited
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        token = invited(node, point)
        fingerprint, port = node.keys.fingerprint, node.settings.protect.agent_port
    context.out.pairs({"point": point, "token": token, "fingerprint": fingerprint, "port": port or None})
    if not port:
        context.out.note("The node has no door for agents yet: set agent_port under [protect] in seawall.toml.")
    context.out.note("On the gateway run 'seawall agent enroll' with the fingerprint and the token.")


@agent.command
def resume() -> None:
    """Let the agents follow this node after it was restored from a backup; takes two people (--approver-token).

    Until then they keep what they hold: whoever answers in our place cannot take them back in time.
    JSON: epoch, restored_at, backup_at, approved_by, agents.
    """
    from seawall.flow.book_epoch import approve_epoch
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token, approver_token=context.approver_token) as node:
        context.out.pairs(approve_epoch(node))


@agent.command
def enroll(
    *,
    url: Annotated[str, Parameter(help="The node's door for agents: https://HOST:PORT.")],
    fingerprint: Annotated[str, Parameter(help="The node's fingerprint, as 'seawall agent invite' shows it there.")],
    enroll_token: Annotated[Path, Parameter(help="File with the token that 'seawall agent invite' made.")],
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Make this gateway's key, and let the node and this agent pin each other.

    JSON: point, zone, url, fingerprint.
    """
    out = speaking()
    from seawall.protect.agent.config import load_config
    from seawall.protect.agent.enrolment import enroll as enrolled
    from seawall.protect.agent.status import begin_anew, require_idle

    held = load_config(config)
    require_idle(held.folder)
    try:
        token = enroll_token.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it holds no token"
        raise Fault(
            "E-CLI-113", "Cannot read the token in {path}: {reason}.", path=enroll_token, reason=reason
        ) from None
    found, answer = enrolled(held.folder, url, fingerprint, token, system_clock())
    begin_anew(held)
    out.pairs({"point": found.point, "zone": answer.zone, "url": found.url, "fingerprint": found.fingerprint})
    if answer.zone is not held.limits.zone:
        out.note(
            "The node says that this point is in zone {node}, and this gateway's file says {here}; the stricter holds.",
            node=answer.zone,
            here=held.limits.zone,
        )


@agent.command
def run(*, config: Config = DEFAULT_CONFIG) -> None:
    """Follow the node's order book until interrupted, with CAP_NET_ADMIN and no other privilege."""
    out = speaking()
    from seawall.protect.agent.config import load_config
    from seawall.protect.agent.privileges import keep_only_net_admin
    from seawall.protect.agent.run import Agent
    from seawall.protect.agent.tools import PRIVILEGED

    held = load_config(config)
    drivers = _drivers(held)
    keep_only_net_admin(needed=bool(PRIVILEGED & drivers.keys()))
    running = Agent(held, drivers, say=out.note)
    with told_to_end(running.stop):
        running.run()


@agent.command
def status(*, config: Config = DEFAULT_CONFIG) -> None:
    """Show how the agent stands: what it follows, how its tools are, what its limits refused.

    JSON: point, url, fingerprint, running, only_net_admin, sequence, orders, refused, stopped, cleared, heard_at,
    noted_at, trouble, tools, refused_items.
    """
    out = speaking()
    from seawall.protect.agent.config import load_config
    from seawall.protect.agent.status import status as look

    found = look(load_config(config))
    noted = found.noted
    standing = noted.standing if noted is not None else None
    pairs: dict[str, object] = {
        "point": found.point,
        "url": found.url,
        "fingerprint": found.fingerprint,
        "running": found.running is not None,
        "only_net_admin": found.only_net_admin,
        "sequence": found.sequence,
        "orders": standing.orders if standing is not None else 0,
        "refused": standing.refused if standing is not None else 0,
        "stopped": standing.stopped if standing is not None else False,
        "cleared": standing.cleared if standing is not None else False,
        "heard_at": rfc3339(noted.contact) if noted is not None else None,
        "noted_at": rfc3339(noted.at) if noted is not None else None,
        "trouble": noted.trouble if noted is not None else "",
    }
    tools: list[dict[str, object]] = [
        {
            "name": tool.name,
            "condition": tool.condition,
            "since": rfc3339(tool.since),
            "sequence": tool.sequence,
            "held": tool.held,
            "waiting": tool.waiting,
            "missing": tool.missing,
            "unexpected": tool.unexpected,
            "compared_at": rfc3339(tool.compared_at) if tool.compared_at is not None else None,
            "problem": tool.problem,
            "apply_ms": tool.apply_ms,
        }
        for tool in (noted.tools if noted is not None else ())
    ]
    refused: list[dict[str, object]] = [
        {"undo": one.undo_id, "sentence": out.tr(one.problem, detail=one.detail)} for one in found.refused
    ]
    if context.json:
        out.pairs({**pairs, "tools": tools, "refused_items": refused})
        return
    out.pairs(pairs)
    out.table(tools, TOOLS, empty="No tool was driven yet.")
    if refused:
        out.table(refused, REFUSED, empty="")


@agent.command
def clear(
    *,
    config: Config = DEFAULT_CONFIG,
    resume: Annotated[bool, Parameter(help="Let the agent fill its tools again.", negative="")] = False,
) -> int:
    """Take everything of ours out of every tool here and keep it out, without asking the node.

    JSON: cleared, tools, problems.
    """
    out = speaking()
    from seawall.protect.agent.config import load_config
    from seawall.protect.agent.status import clear as emptied
    from seawall.protect.agent.status import resume as resumed

    held = load_config(config)
    if resume:
        resumed(held)
        out.pairs({"cleared": False, "tools": sorted(held.tools), "problems": []})
        return ExitStatus.DONE
    problems = emptied(held, _drivers(held), system_clock())
    out.pairs({"cleared": True, "tools": sorted(held.tools), "problems": problems})
    out.note("Nothing of ours stands in these tools until 'seawall agent clear --resume'.")
    return ExitStatus.USAGE if problems else ExitStatus.DONE


def _drivers(config: AgentConfig) -> Mapping[str, Driver]:
    """The tools that the file names. Raises Fault E-CLI-114 when it names none."""
    from seawall.protect.agent.tools import make_driver

    if not config.tools:
        raise Fault("E-CLI-114", "The agent's file names no tool; add a section such as [tools.nftables].")
    return {name: make_driver(name, options) for name, options in config.tools.items()}
