"""``seawall backup``: one sealed file from which the node can be made again, taken while everything runs."""

from __future__ import annotations

import fcntl
import os
import secrets
import tarfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import msgspec

from seawall import __version__
from seawall.flow.authority import require
from seawall.flow.backup_parts import (
    STATE_FILE,
    OnProgress,
    Part,
    State,
    StoreDigest,
    has_lake,
    parts_of,
    state_of,
    store_parts,
)
from seawall.flow.ledger_seen import keep_seen
from seawall.flow.node import ADMINISTRATOR_TOKEN, Node, read_token, store_url
from seawall.flow.sealed_file import SealedWriter
from seawall.ledger import EventKind, Ledger, LedgerEvent
from seawall.model import Actor, Fault, Unavailable, rfc3339
from seawall.model.unreadable import UNREADABLE
from seawall.store import copies, revisions
from seawall.store.schema import HEAD

ABOUT, END = "about.json", "end.json"


def quiet(done: int, total: int | None) -> None:
    """Tell nobody how far it is."""


class About(msgspec.Struct, frozen=True):
    """The first member: what this is a backup of. ``at``: microseconds UTC."""

    node_id: str
    name: str
    at: int
    version: str
    revision: str
    store: str  # "file" or "server"
    lake: bool
    leaves: int
    root: str


class End(msgspec.Struct, frozen=True):
    """The last member: a backup without it is not whole."""

    members: int
    bytes: int


class Kept(msgspec.Struct, frozen=True):
    """What the node's folder remembers of its last backup."""

    at: int
    file: str
    state: State


def back_up(
    node: Node,
    out: Path,
    passphrase: str,
    *,
    with_lake: bool = True,
    on_progress: OnProgress = quiet,
) -> dict[str, object]:
    """Write the backup to ``out``: whole, or not at all. The store may be of an earlier schema.

    Raises Refused E-FLOW-004 for somebody who may not, Fault E-FLOW-384 when ``out`` is inside the node, E-FLOW-380 for
    a short passphrase, Unavailable E-FLOW-385 when another backup runs or a file changed while it was read.
    """
    actor = who_maintains(node)
    url = store_url(node.folder, node.settings)
    revision = revisions.revision_of(url)
    if out.resolve().is_relative_to(node.folder.resolve()):
        raise Fault(
            "E-FLOW-384",
            "A backup inside the node's folder {folder} would be lost with it; write it elsewhere.",
            folder=node.folder,
        )
    if revision is None:
        raise Fault("E-FLOW-387", "The store of this node is gone; there is nothing whole to back up.")
    at = node.clock()
    with ExitStack() as stack:
        stack.enter_context(_alone(node.folder))
        with Ledger.open(node.folder / "ledger", node.keys) as ledger:
            ledger.record_event(LedgerEvent(EventKind.BACKED_UP, at, actor.name, out.name, {"lake": str(with_lake)}))
            leaves, root = ledger.size, ledger.root()
            if revision == HEAD:
                keep_seen(node, ledger)  # or the next command would, and the store would differ from the copy
        here = with_lake and has_lake(node)
        store = "file" if copies.is_file(url) else "server"
        about = About(node.keys.node_id, node.keys.name, at, __version__, revision, store, here, leaves, root)
        state, digest = state_of(node, ""), StoreDigest()
        with written_whole(out) as file:
            sealed = SealedWriter(file, passphrase, secrets.token_bytes)
            total = sum(path.stat().st_size for path in node.folder.rglob("*") if path.is_file())
            parts = parts_of(node, stack, with_lake=with_lake, on_progress=quiet)
            members = _write(sealed, about, parts, digest, lambda done: on_progress(done, max(total, done)))
            sealed.finish()
    state = msgspec.structs.replace(state, store=digest.hexdigest())
    _remember(node.folder, Kept(at, str(out.resolve()), state))
    return {
        "file": str(out),
        "bytes": out.stat().st_size,
        "members": members,
        "at": rfc3339(at),
        "schema": revision,
        "leaves": leaves,
        "root": root,
        "lake": here,
    }


def who_maintains(node: Node) -> Actor:
    """The acting person, also in a store of an earlier schema. Raises Refused E-FLOW-004, E-STORE-032."""
    token = read_token(node.token or node.folder / ADMINISTRATOR_TOKEN)
    name, role = revisions.role_of(store_url(node.folder, node.settings), token, node.clock())
    actor = Actor(name=name, role=role)
    require(actor, "maintain")
    return actor


def last_backup(folder: Path) -> Kept | None:
    """What the node's folder remembers of its last backup; None when there was none, or nobody can read it."""
    try:
        return msgspec.json.decode((folder / STATE_FILE).read_bytes(), type=Kept)
    except (OSError, *UNREADABLE):
        return None


def state_now(node: Node, on_progress: OnProgress = quiet) -> State:
    """The node's state, to be compared with that of the last backup; reads the whole store."""
    digest = StoreDigest()
    with ExitStack() as stack:
        stack.enter_context(_alone(node.folder))
        for part in store_parts(node, stack, on_progress):
            with part.file:
                digest.add(part)
        return state_of(node, digest.hexdigest())


@contextmanager
def written_whole(out: Path) -> Iterator[BinaryIO]:
    """A file that appears under its name once it is whole and on disk, readable by its owner only."""
    fresh = out.with_name(f".{out.name}.part")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _busy() from None
        file.truncate()  # of a backup that was killed
        try:
            yield file
            file.flush()
            os.fsync(file.fileno())
            fresh.replace(out)
        except BaseException:
            fresh.unlink(missing_ok=True)
            raise
    descriptor = os.open(out.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write(
    sealed: SealedWriter, about: About, parts: Iterator[Part], digest: StoreDigest, on_written: Callable[[int], None]
) -> int:
    members = 0
    with tarfile.open(mode="w|", fileobj=sealed, format=tarfile.PAX_FORMAT) as archive:  # type: ignore[call-overload]

        def add(name: str, size: int, file: BinaryIO) -> None:
            entry = tarfile.TarInfo(name)
            entry.size = size
            entry.mode = 0o600
            try:
                archive.addfile(entry, file)
            except OSError as error:
                if error.errno is not None:
                    raise
                raise Unavailable(
                    "E-FLOW-386", "{name} changed while it was copied; run the backup again.", name=name
                ) from None
            on_written(sealed.written)

        plain = msgspec.json.encode(about)
        add(ABOUT, len(plain), BytesIO(plain))
        for part in parts:
            with part.file:
                digest.add(part)
                add(part.name, part.size, part.file)
                members += 1
        end = msgspec.json.encode(End(members, sealed.written))
        add(END, len(end), BytesIO(end))
    return members


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One backup of a node at a time. Raises Unavailable E-FLOW-385."""
    with (folder / "store" / "backup.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _busy() from None
        yield


def _busy() -> Unavailable:
    return Unavailable("E-FLOW-385", "Another backup is being written; wait for it to end.")


def _remember(folder: Path, kept: Kept) -> None:
    fresh = folder / f"{STATE_FILE}.new"
    fresh.write_bytes(msgspec.json.encode(kept))
    fresh.replace(folder / STATE_FILE)
