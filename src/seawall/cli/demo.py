"""``seawall demo``: two nodes here, a day of simulated national telemetry, the whole data's way."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from seawall.cli.app import app, context


@app.command
def demo(
    *,
    scale: Annotated[float | None, Parameter(help="1 = 2.40 M + 1.62 M events.")] = None,
    seed: int | None = None,
    serve: Annotated[bool, Parameter(help="Serve both nodes afterwards.", negative="")] = False,
    campaigns: Annotated[bool, Parameter(help="Without: the same day with no attack that crosses.")] = True,
    quiet: Annotated[
        bool, Parameter(help="Tell nothing but what both hold, found in private through a relay.", negative="")
    ] = False,
    with_: Annotated[Path | None, Parameter(name="--with", help="Your own log, put on one side.")] = None,
) -> None:
    """Show the main job from a raw log line to a warning and a block list on the other side."""
    from seawall.flow.demo import run_demo

    run_demo(context.out, scale=scale, seed=seed, serve=serve, own_log=with_, campaigns=campaigns, in_private=quiet)
