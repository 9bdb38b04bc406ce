"""``seawall relay mailbox``, ``relay witness``, ``relay counter``: who may use a relay, by capability alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from seawall.cli.relay import SECOND, Folder, relay, speaking
from seawall.model import Fault, system_clock

if TYPE_CHECKING:
    from seawall.exchange.relay.server import Counter, Mailboxes, Witness

mailbox = App(name="mailbox", help="Mailboxes: one token puts, another fetches.")
witness = App(name="witness", help="Ledgers whose checkpoints are signed here, under random names.")
counter = App(name="counter", help="Pairs that have common values counted here.")
for group in (mailbox, witness, counter):
    relay.command(group)

Id = Annotated[str, Parameter(help="The id, 32 hex digits, as add and list show it.")]


def _require_role(folder: Path, role: str) -> None:
    """Raise Fault E-CLI-088 when what is about to be given out would open nothing."""
    from seawall.exchange.relay.server import RelayFolder

    if role not in RelayFolder(folder).settings.roles:
        raise Fault(
            "E-CLI-088",
            "The role {role} is switched off in this relay; add it to 'roles' in relay.json and start the relay again.",
            role=role,
        )


@contextmanager
def _mailboxes(folder: Path) -> Iterator[Mailboxes]:
    from seawall.exchange.relay.server import Books, Mailboxes, RelayFolder

    bounds = RelayFolder(folder).settings.bounds()
    with Books(folder) as books:
        yield Mailboxes(books, bounds)


@contextmanager
def _witness(folder: Path) -> Iterator[Witness]:
    from seawall.exchange.relay.server import Books, RelayFolder, Witness

    furnished = RelayFolder(folder)
    with Books(folder) as books:
        yield Witness(books, furnished.settings.bounds(), furnished.witness_key)


@contextmanager
def _counter(folder: Path) -> Iterator[Counter]:
    from seawall.exchange.relay.server import Books, Counter, RelayFolder

    bounds = RelayFolder(folder).settings.bounds()
    with Books(folder) as books:
        yield Counter(books, bounds)


@mailbox.command(name="add")
def add_mailbox(
    folder: Folder,
    /,
    *,
    bytes: Annotated[int | None, Parameter(help="How much it holds.")] = None,
    messages: Annotated[int | None, Parameter(help="How many messages it holds.")] = None,
) -> None:
    """Make a mailbox; its tokens are shown this once.

    JSON: id, read_token, write_token.
    """
    out = speaking()
    from seawall.exchange.relay import token_text
    from seawall.exchange.relay.server import Quota, RelayFolder

    _require_role(folder, "mailbox")
    usual = RelayFolder(folder).settings
    quota = Quota(
        usual.mailbox_bytes if bytes is None else bytes,
        usual.mailbox_messages if messages is None else messages,
        usual.message_bytes,
    )
    if not (quota.message_bytes <= quota.bytes <= 2**40 and 1 <= quota.messages <= 10**7):
        raise Fault("E-CLI-086", "A mailbox holds at least one message of {bytes} bytes.", bytes=quota.message_bytes)
    with _mailboxes(folder) as boxes:
        made = boxes.add(quota)
    out.pairs({"id": made.id.hex(), "read_token": token_text(made.read), "write_token": token_text(made.write)})
    out.note("The tokens are not kept here and not shown again. Whoever reads gets both; whoever writes, the second.")


@mailbox.command(name="list")
def list_mailboxes(folder: Folder, /) -> None:
    """Show the mailboxes by their random ids, and how full they are.

    JSON items: id, state, messages, bytes, messages_most, bytes_most.
    """
    out = speaking()
    with _mailboxes(folder) as boxes:
        items = list(boxes.list())
    out.table(items, ["id", "state", "messages", "bytes", "bytes_most"], empty="No mailbox yet.")


@mailbox.command(name="revoke")
def revoke_mailbox(folder: Folder, id: Id, /) -> None:
    """Let no token open a mailbox any more, and forget what it holds.

    JSON: id, forgotten.
    """
    out = speaking()
    with _mailboxes(folder) as boxes:
        out.pairs({"id": id, "forgotten": boxes.revoke(_id(id))})


@mailbox.command(name="purge")
def purge_mailboxes(folder: Folder, id: Id | None = None, /) -> None:
    """Forget what has expired, or everything in one mailbox; what is forgotten is overwritten.

    JSON: id, forgotten.
    """
    out = speaking()
    with _mailboxes(folder) as boxes:
        gone = boxes.sweep(system_clock() // SECOND) if id is None else boxes.empty(_id(id))
    out.pairs({"id": id, "forgotten": gone})


@witness.command(name="add")
def add_ledger(folder: Folder, key: Annotated[str, Parameter(help="Its verifier key: NAME+HEX+BASE64.")], /) -> None:
    """Witness a ledger, known by the random name and the key that it made for this witness.

    JSON: origin.
    """
    out = speaking()
    from seawall.ledger import read_key

    _require_role(folder, "witness")
    given = read_key(key)
    with _witness(folder) as desk:
        desk.add(given)
    out.pairs({"origin": given.name})


@witness.command(name="list")
def list_ledgers(folder: Folder, /) -> None:
    """Show the ledgers that are witnessed.

    JSON items: origin, size, root, forks.
    """
    out = speaking()
    with _witness(folder) as desk:
        items = list(desk.list())
    out.table(items, ["origin", "size", "forks"], empty="No ledger yet.")


@witness.command(name="remove")
def remove_ledger(folder: Folder, origin: Annotated[str, Parameter(help="As list shows it.")], /) -> None:
    """Witness a ledger no more.

    JSON: origin.
    """
    out = speaking()
    with _witness(folder) as desk:
        desk.remove(origin)
    out.pairs({"origin": origin})


@witness.command(name="forks")
def list_forks(folder: Folder, /) -> None:
    """Show the checkpoints that were refused, each with the one that was signed before.

    JSON items: origin, reason (two-roots: proof that the ledger says two things; not-continued: no valid proof came
    with it), held, given.
    """
    out = speaking()
    with _witness(folder) as desk:
        items = list(desk.forks())
    out.table(items, ["origin", "reason"], empty="No ledger said two things.")


@counter.command(name="add")
def add_pair(folder: Folder, /) -> None:
    """Make a pair; each side gets one token, shown this once.

    JSON: id, first_token, second_token.
    """
    out = speaking()
    from seawall.exchange.relay import token_text

    _require_role(folder, "counter")
    with _counter(folder) as desk:
        made = desk.add()
    out.pairs({"id": made.id.hex(), "first_token": token_text(made.first), "second_token": token_text(made.second)})
    out.note("The tokens are not kept here and not shown again; give each side its own.")


@counter.command(name="list")
def list_pairs(folder: Folder, /) -> None:
    """Show the pairs by their random ids.

    JSON items: id, state, waiting, answered.
    """
    out = speaking()
    with _counter(folder) as desk:
        items = list(desk.list())
    out.table(items, ["id", "state", "waiting", "answered"], empty="No pair yet.")


@counter.command(name="revoke")
def revoke_pair(folder: Folder, id: Id, /) -> None:
    """Let the tokens of a pair count nothing any more, and forget its rounds.

    JSON: id.
    """
    out = speaking()
    with _counter(folder) as desk:
        desk.revoke(_id(id))
    out.pairs({"id": id})


def _id(text: str) -> bytes:
    from seawall.exchange.relay import read_id

    found = read_id(text)
    if found is None:
        raise Fault("E-CLI-087", "{given} is no id; it has 32 hex digits.", given=ascii(text[:60]))
    return found
