"""``seawall relay``: a small program that a third party runs for nodes it does not know.

It opens no node folder, and never reads the settings of one.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number

from seawall.cli.app import app, context
from seawall.cli.ending import told_to_end
from seawall.cli.output import Output
from seawall.model import ExitStatus, Fault, system_clock

PORT = Number(gte=0, lte=65_535)  # 0: any free one, told on screen
SECOND = 1_000_000
ROLES = "mailbox,witness,counter"

relay = App(name="relay", help="Run a relay for others: mailboxes, a witness, a counter. It cannot read.")
app.command(relay)

Folder = Annotated[Path, Parameter(help="Folder of the relay.")]


def speaking() -> Output:
    """Output in the language asked for, without looking into a node's folder."""
    context.out = Output(json=context.json, lang=context.lang or "en")
    return context.out


@relay.command
def init(
    folder: Folder,
    /,
    *,
    name: Annotated[str, Parameter(help="What its users call it.")],
    roles: Annotated[str, Parameter(help="Of mailbox, witness and counter, those to switch on.")] = ROLES,
    mailbox_bytes: Annotated[int | None, Parameter(help="How much a mailbox holds.")] = None,
    mailbox_messages: Annotated[int | None, Parameter(help="How many messages a mailbox holds.")] = None,
    message_bytes: Annotated[int | None, Parameter(help="How large one message may be.")] = None,
    counts: Annotated[int | None, Parameter(help="How many counts a pair gets in 90 days.")] = None,
) -> None:
    """Make a relay. Users need its pin, and of a witness the key.

    JSON: name, roles, pin, witness_key.
    """
    out = speaking()
    import msgspec

    from seawall.exchange.relay import DEFAULT_BOUNDS
    from seawall.exchange.relay.server import RelayRole, make_relay

    given = {
        "mailbox_bytes": mailbox_bytes,
        "mailbox_messages": mailbox_messages,
        "message_bytes": message_bytes,
        "counts_per_epoch": counts,
    }
    bounds = msgspec.structs.replace(
        DEFAULT_BOUNDS, **{key: value for key, value in given.items() if value is not None}
    )
    try:
        wanted = [RelayRole(word.strip()) for word in roles.split(",")]
    except ValueError:
        raise Fault(
            "E-CLI-085", "A relay has no role {given}; use some of {known}.", given=ascii(roles[:60]), known=ROLES
        ) from None
    made = make_relay(folder, name, wanted, system_clock(), bounds)
    witness = str(made.verifier_key) if RelayRole.WITNESS in made.settings.roles else None
    out.pairs({"name": name, "roles": list(made.settings.roles), "pin": made.pin, "witness_key": witness})
    out.note("Tell the pin to users by a way that the network between you cannot change.")


@relay.command
def serve(
    folder: Folder,
    /,
    *,
    host: Annotated[str, Parameter(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, Parameter(help="Port to listen on.", validator=PORT)] = 8702,
    plain: Annotated[
        bool, Parameter(help="Without TLS, on this machine only, behind a web server that adds it.", negative="")
    ] = False,
) -> None:
    """Serve until interrupted, over TLS 1.3 with the relay's own key. No log of who calls is kept."""
    out = speaking()
    from seawall.exchange.relay.server import RelayServer

    stopping = threading.Event()
    with told_to_end(stopping.set), RelayServer(folder, host=host, port=port, plain=plain) as server:
        out.note("Relay: {url}", url=server.url)
        out.note("Pin: {pin}", pin=server.furnished.pin)
        stopping.wait()


@relay.command
def status(folder: Folder, /) -> None:
    """Show how much the relay holds, in numbers only.

    JSON: name, roles, pin, witness_key, mailboxes, mailboxes_revoked, messages, bytes, ledgers, forks, pairs,
    rounds_waiting, rounds_answered, disk_free.
    """
    out = speaking()
    from seawall.exchange.relay.server import describe_relay

    out.pairs(describe_relay(folder))


@relay.command
def doctor(folder: Folder, /) -> int:
    """Say whether the relay is sound and may be exposed.

    JSON: safe_to_expose, items (check, ok, sentence).
    """
    out = speaking()
    from seawall.exchange.relay.server import examine_relay

    found = examine_relay(folder, system_clock() // SECOND)
    safe = all(finding.ok for finding in found)
    items = [{"check": item.check, "ok": item.ok, "sentence": out.tr(item.sentence, **item.values)} for item in found]
    wrong = "; ".join(str(item["sentence"]) for item in items if not item["ok"])
    lines = [f"{'ok ' if item['ok'] else '!! '} {item['check']}: {item['sentence']}" for item in items]
    said = out.tr("Safe to expose: yes.") if safe else out.tr("Safe to expose: no, because {reasons}", reasons=wrong)
    out.result({"safe_to_expose": safe, "items": items}, [*lines, said])
    return ExitStatus.DONE if safe else ExitStatus.USAGE
