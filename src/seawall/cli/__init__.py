"""The command line: parse, call a flow, render. Comes in: arguments. Goes out: text or JSON, and an exit status.

Never here: decisions, formats, queries. The contract (commands, options, JSON keys, exit statuses) is in
``docs/reference/cli.md``, which is generated from these modules.

>>> from seawall.cli import run
>>> run(["--version"])
0.1.0
0
"""

from seawall.cli import (
    aggregates,
    at_rest,
    backup,
    circles,
    contacts,
    demo,
    drop,
    findings,
    hits,
    intel,
    items,
    keys,
    lake,
    ledger,
    mail,
    misp,
    node,
    origins,
    overlap,
    peers,
    post,
    protect,
    quiet_books,
    redactions,
    relay,
    relay_users,
    release,
    serve,
    standing,
    tables,
    tail,
    telemetry,
    users,
    witnesses,
)
from seawall.cli.app import app, main, run

COMMAND_MODULES = (
    node,
    users,
    telemetry,
    lake,
    tail,
    intel,
    findings,
    hits,
    peers,
    post,
    overlap,
    keys,
    origins,
    mail,
    contacts,
    drop,
    misp,
    circles,
    tables,
    standing,
    redactions,
    items,
    release,
    ledger,
    witnesses,
    quiet_books,
    backup,
    at_rest,
    aggregates,
    protect,
    serve,
    relay,
    relay_users,
    demo,
)
"""Every module that registers commands; importing them is the registration."""

__all__ = ["COMMAND_MODULES", "app", "main", "run"]
