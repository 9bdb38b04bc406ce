"""The door: global options, one place where errors become a sentence and an exit status."""

from __future__ import annotations

import logging
import os
import sys
import uuid
from functools import cached_property
from pathlib import Path
from typing import Annotated

from cyclopts import App, CycloptsError, Parameter

from seawall.cli.commands import load
from seawall.cli.output import Output, printable
from seawall.cli.starting import start_quickly
from seawall.messages import LANGUAGES, is_spoken
from seawall.model import ExitStatus, Fault
from seawall.settings import NodeSettings, load_settings

NODE_VARIABLE = "SEAWALL_NODE"
DEFAULT_NODE = "seawall-node"
INTERRUPTED = 130  # 128 + SIGINT, as shells report it


class Context:
    """What the global options said; set anew for each command that ``run`` runs."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """As before any option."""
        self.node = Path(os.environ.get(NODE_VARIABLE) or DEFAULT_NODE)
        self.json = False
        self.lang: str | None = None
        self.token: Path | None = None
        self.approver_token: Path | None = None
        self.strict = False
        self.__dict__.pop("out", None)

    @cached_property
    def out(self) -> Output:
        """Output in the asked language, else the node's, else English; times in the node's zone."""
        try:
            node = load_settings(self.node).node
        except Fault:
            node = NodeSettings()
        return Output(json=self.json, lang=self.lang or node.lang, timezone=node.timezone)


context = Context()

app = App(
    name="seawall",
    help="Find what hits both sides, warn each other early, respond and block together, quietly.",
    help_format="plaintext",
    version_flags=["--version"],
    version_format="plaintext",
    suppress_keyboard_interrupt=False,
)
app.meta.suppress_keyboard_interrupt = False  # ``run`` says it, and with which status


@app.meta.default
def _launch(
    *tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
    node: Annotated[Path | None, Parameter(help="Node folder (else SEAWALL_NODE, else ./seawall-node).")] = None,
    json: Annotated[bool, Parameter(help="Print one JSON document.", negative="")] = False,
    lang: Annotated[str | None, Parameter(help="Language: en, zh-Hant or ko.")] = None,
    token: Annotated[Path | None, Parameter(help="File with the token of who acts.")] = None,
    approver_token: Annotated[Path | None, Parameter(help="File with the token of the second person.")] = None,
    strict: Annotated[bool, Parameter(help="Exit 1 when anything was rejected.", negative="")] = False,
) -> int:
    context.reset()
    if node is not None:
        context.node = node
    if lang is not None and not is_spoken(lang):
        raise Fault(
            "E-CLI-004",
            "There is no language {given}; use one of {known}.",
            given=repr(lang[:20]),
            known=", ".join(LANGUAGES),
        )
    context.json, context.lang, context.token, context.approver_token = json, lang, token, approver_token
    context.strict = strict
    result = app(_standard_input_last(tokens), exit_on_error=False, print_error=False, result_action="return_value")
    return int(result) if isinstance(result, int) else ExitStatus.DONE


def _standard_input_last(tokens: tuple[str, ...]) -> list[str]:
    """``-`` is a path to us and the beginning of an option to the parser, unless it stands behind ``--``."""
    words = list(tokens)
    dashes = [word for word in words if word == "-"]
    if not dashes or "--" in words:
        return words
    return [*(word for word in words if word != "-"), "--", *dashes]


def every_command() -> App:
    """The whole tree of commands, for whoever shows it all."""
    load(())
    return app


def main() -> None:
    """Run one command and exit with its status: never a traceback."""
    start_quickly()
    for stream in (sys.stdout, sys.stderr):
        # a terminal that cannot show a character gets its escape, not an error
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command; returns its exit status (DESIGN section 5)."""
    context.reset()
    try:
        load(arguments)
        status = app.meta(arguments, exit_on_error=False, print_error=False, result_action="return_value")
        sys.stdout.flush()
    except Fault as fault:
        about = f"{fault.subject}: " if fault.subject else ""
        _say(f"{fault.code}: {about}{context.out.tr(fault.text, **fault.values)}")
        return fault.exit_status
    except CycloptsError as error:
        _say(f"E-CLI-001: {' '.join(str(error).split())}")
        return ExitStatus.USAGE
    except (BrokenPipeError, SystemExit) as end:  # Rich turns a reader that went away into SystemExit(1)
        if isinstance(end, SystemExit) and not isinstance(end.__context__, BrokenPipeError):
            raise
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - lives until exit
        return ExitStatus.DONE
    except KeyboardInterrupt:
        _say("E-CLI-002: " + context.out.tr("Stopped; nothing half-done was kept."))
        return INTERRUPTED
    except OSError as error:
        what = f" ({error.filename})" if error.filename else ""
        _say("E-CLI-003: " + context.out.tr("The system refused: {reason}.", reason=f"{error.strerror or error}{what}"))
        return ExitStatus.USAGE
    except Exception:
        reference = uuid.uuid4().hex[:8]
        logging.getLogger("seawall").debug("internal error %s", reference, exc_info=True)
        if os.environ.get("SEAWALL_DEBUG"):
            raise
        _say(
            "E-CLI-999: "
            + context.out.tr(
                "Internal error, reference {reference}; run again with SEAWALL_DEBUG=1 and report it.",
                reference=reference,
            )
        )
        return ExitStatus.USAGE
    return int(status) if isinstance(status, int) else ExitStatus.DONE


def _say(sentence: str) -> None:
    sys.stderr.write(printable(sentence) + "\n")
