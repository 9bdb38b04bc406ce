"""Which module holds which command, so that a command loads its own modules and not those of all the others."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

MODULES: dict[str, tuple[str, ...]] = {
    "relay": ("relay",),
    "agent": ("agent",),
    "aggregates": ("aggregates",),
    "at_rest": ("vault",),
    "backup": ("backup", "restore", "upgrade"),
    "campaigns": ("campaigns",),
    "circles": ("circles",),
    "contacts": ("contacts",),
    "deliveries": ("deliveries",),
    "demo": ("demo",),
    "drop": ("drop", "export-drop", "import-drop"),
    "exposed": ("exposed",),
    "feeds": ("feeds",),
    "findings": ("match", "sightings"),
    "hits": ("hit",),
    "hunts": ("hunts",),
    "intel": ("intel",),
    "items": ("items",),
    "keys": ("keys",),
    "lake": ("lake",),
    "leads": ("leads",),
    "ledger": ("ledger",),
    "mail": ("mail",),
    "misp": ("misp",),
    "node": ("config", "init", "doctor", "jobs", "run"),
    "origins": ("origins",),
    "overlap": ("peers", "overlap", "ask"),
    "peers": ("peers", "sync"),
    "points": ("points",),
    "post": ("peers", "post"),
    "predict": ("scores", "predict"),
    "protect": ("protect",),
    "quiet_books": ("commitments", "budgets", "decoys"),
    "redactions": ("redactions",),
    "relay_users": ("relay",),
    "release": ("release", "recall", "recalls", "why"),
    "ricochet": ("ricochet",),
    "safety": ("protect",),
    "serve": ("serve",),
    "standing": ("standing",),
    "tables": ("seats", "communities"),
    "tail": ("tail",),
    "techniques": ("techniques",),
    "telemetry": ("sensors", "assets", "ingest", "observations", "quarantine"),
    "users": ("users",),
    "warnings": ("warnings",),
    "witnesses": ("ledger",),
    "worth": ("worth",),
}
"""Every module of this room that registers commands -> the first words below which it does; importing it is the
registration. Help and the reference page follow this order."""

_WITH_A_VALUE = ("--node", "--lang", "--token", "--approver-token")
"""The global options that take the next argument."""


def load(arguments: Sequence[str]) -> None:
    """Register the commands that begin with the first word of ``arguments``; all when there is none such.

    So help and "did you mean" know every command.
    """
    word = _first_word(arguments)
    known = any(word in words for words in MODULES.values())
    for module, words in MODULES.items():
        if word in words or not known:
            import_module(f"seawall.cli.{module}")


def _first_word(arguments: Sequence[str]) -> str | None:
    rest = iter(arguments)
    for argument in rest:
        if argument in _WITH_A_VALUE:
            next(rest, None)
        elif not argument.startswith("-"):
            return argument
    return None
