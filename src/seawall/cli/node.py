"""``seawall init``, ``doctor``, ``config show``, ``jobs``, ``run``: the installation itself."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from seawall.cli.app import app, context
from seawall.model import ExitStatus

config = App(name="config", help="The node's configuration.")
app.command(config)


@app.command
def init(
    *,
    name: Annotated[str, Parameter(help="The organisation's name, as its own people know it.")],
    economy: Annotated[str, Parameter(help="Two letters, e.g. TW or KR; also the default side.")],
    sector: Annotated[str, Parameter(help="Default sector of sensors.")] = "unknown",
    timezone: Annotated[str, Parameter(help="IANA time zone in which texts show times.")] = "UTC",
) -> None:
    """Make a new node and print its one administrator token.

    JSON: node_id, name, fingerprint, token.
    """
    from seawall.flow.node import create_node

    made = create_node(
        context.node, name=name, economy=economy, sector=sector, timezone=timezone, lang=context.lang or "en"
    )
    context.out.result(
        {"node_id": made.node_id, "name": name, "fingerprint": made.fingerprint, "token": made.token},
        [
            context.out.tr("Node {name} is ready in {folder}.", name=name, folder=context.node),
            context.out.tr("Fingerprint: {fingerprint}", fingerprint=made.fingerprint),
            context.out.tr("Administrator token (shown once): {token}", token=made.token),
        ],
    )


@app.command
def doctor() -> int:
    """Check the node, list whom it may call, and say whether it is safe to expose.

    JSON: checks (name, ok, detail), endpoints, consumers of served feeds (name, format, place, point, tlp_at_most,
    wider_than_usual, last_seen, token_days, wrong), points (name, zone, place, agent, last_seen, behind, missing,
    unexpected, refused, wrong), safe_to_expose, because. With --strict a failed check is status 1.
    """
    from seawall.flow.doctor import examine

    report = examine(context.node, token=context.token)
    out = context.out
    out.result(
        {
            "checks": report.checks,
            "endpoints": report.endpoints,
            "consumers": report.consumers,
            "points": report.points,
            "safe_to_expose": report.safe,
            "because": report.because,
        },
        [
            *(f"{'ok ' if check['ok'] else 'BAD'}  {check['name']}: {check['detail']}" for check in report.checks),
            *(out.tr("may call: {endpoint}", endpoint=endpoint) for endpoint in report.endpoints),
            *(
                out.tr(
                    "feed {name} ({place}, up to TLP:{tlp}): last fetched {seen}, token of {days} days",
                    name=one["name"],
                    place=one["place"],
                    tlp=str(one["tlp_at_most"]).upper(),
                    seen=out.moment(str(one["last_seen"])) if one["last_seen"] else out.tr("never"),
                    days=one["token_days"],
                )
                for one in report.consumers
            ),
            *(
                out.tr(
                    "point {name} ({zone}): heard of {seen}, {behind} behind, repaired {missing} missing and "
                    "{unexpected} unexpected",
                    name=one["name"],
                    zone=one["zone"],
                    seen=out.moment(str(one["last_seen"])),
                    behind=one["behind"],
                    missing=one["missing"],
                    unexpected=one["unexpected"],
                )
                for one in report.points
                if one["last_seen"]
            ),
            out.tr(
                "safe to expose: {answer}, because {because}",
                answer=out.tr("yes") if report.safe else out.tr("no"),
                because=report.because,
            ),
        ],
    )
    bad = not all(check["ok"] for check in report.checks)
    return ExitStatus.REJECTS if context.strict and bad else ExitStatus.DONE


@config.command
def show() -> None:
    """Print the settings in force; a password in the store's address and a token in the cluster's are left out."""
    import msgspec

    from seawall.flow.node import Node, without_password

    with Node.open(context.node, token=context.token) as node:
        if context.token is not None:
            node.require("read")
        tree = msgspec.to_builtins(node.settings)
    tree["store"]["url"] = without_password(tree["store"]["url"])
    tree["lake"]["spark_remote"] = tree["lake"]["spark_remote"].partition(";")[0]
    context.out.result(
        tree,
        (
            f"{section}.{key} = {msgspec.json.encode(value).decode()}"
            for section, keys in tree.items()
            for key, value in keys.items()
        ),
    )


@app.command
def jobs() -> None:
    """List the scheduled jobs and when each last ran.

    JSON items: job, every_seconds, last_run, last_result.
    """
    from seawall.flow.jobs import describe
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        items = describe(node)
    context.out.table(items, ["job", "every_seconds", "last_run", "last_result"], empty="No job is scheduled.")


@app.command(name="run")
def run_job(job: str, /) -> None:
    """Run one scheduled job now (for cron).

    JSON: job, result; of ``compact`` and ``retention`` also files_before, files_after, rows_before, rows_after,
    bytes_before, bytes_after, days_removed, seconds, cpu_seconds, peak_memory_bytes.
    """
    from seawall.flow.jobs import run
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        context.out.pairs(run(node, job))
