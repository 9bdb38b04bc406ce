"""``seawall restore``: a node out of its backup, whole or not at all, that tells everybody so.

Steps: (1) open the file, believe nothing before its tags hold; (2) unpack beside the target; (3) its end must be there;
(4) fill the store; (5) the ledger must verify; (6) a restore leaf, spent budgets, a new epoch, a notice to every peer;
(7) one rename. A kill before (7) leaves a hidden folder that the next restore removes.
"""

from __future__ import annotations

import os
import shutil
import tarfile
import tomllib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import msgspec

from seawall import ledger as log
from seawall.flow.backup import ABOUT, END, About, End, quiet
from seawall.flow.backup_parts import STORE_PIECES, OnProgress
from seawall.flow.node import FOLDERS, SETTINGS_FILE, Node, store_url
from seawall.flow.restored import begin_anew
from seawall.flow.sealed_file import SealedReader
from seawall.ledger import Ledger
from seawall.model import Fault, rfc3339
from seawall.model.unreadable import UNREADABLE
from seawall.settings import load_settings
from seawall.store import copies, revisions

MAX_MEMBERS = 10_000_000  # of one backup: files of a lake of many years
MAX_NAME = 1_000
MAX_SMALL = 1 << 20  # about.json, end.json


class Unpacked(NamedTuple):
    """What stood in the file."""

    about: About
    members: int


def restore(
    file: Path, folder: Path, passphrase: str, *, store_address: str | None = None, on_progress: OnProgress = quiet
) -> dict[str, object]:
    """Make the node in ``folder`` (absent or empty) out of the backup ``file``.

    ``store_address``: the empty database, for a node whose store is on a server. Raises Fault E-FLOW-390 when the
    folder is used, E-FLOW-381 to 383 for a wrong passphrase and a file that is cut, altered or none of ours,
    E-FLOW-391 for one that is not whole, E-STORE-172 when the database is not empty.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Fault("E-FLOW-390", "{folder} is not empty; restore into a new folder.", folder=folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    building = folder.with_name(f".{folder.name}.restoring")
    with file.open("rb") as stream:
        reader = SealedReader(stream, passphrase)
        shutil.rmtree(building, ignore_errors=True)  # of a restore that was killed
        building.mkdir(mode=0o700)
        try:
            total = file.stat().st_size
            unpacked = _unpack(reader, building, lambda done, _: on_progress(done, total))
            told = _bring_to_life(building, unpacked.about, store_address)
            _sync(building)
            if folder.exists():
                folder.rmdir()
            building.rename(folder)
        except BaseException:
            shutil.rmtree(building, ignore_errors=True)
            raise
    _sync_folder(folder.parent)
    about = unpacked.about
    return {
        "node": str(folder),
        "node_id": about.node_id,
        "name": about.name,
        "backup_at": rfc3339(about.at),
        "members": unpacked.members,
        "lake": about.lake,
        **told,
    }


def _unpack(reader: SealedReader, building: Path, on_progress: OnProgress) -> Unpacked:
    about: About | None = None
    end: End | None = None
    members = done = 0
    try:
        with tarfile.open(mode="r|", fileobj=reader) as archive:  # type: ignore[call-overload]
            for entry in archive:
                stream = archive.extractfile(entry) if entry.isreg() and end is None else None
                if stream is None or (about is None) != (entry.name == ABOUT):
                    raise _not_whole()
                if entry.name in (ABOUT, END):
                    data = stream.read(MAX_SMALL)
                    about = msgspec.json.decode(data, type=About) if about is None else about
                    end = msgspec.json.decode(data, type=End) if entry.name == END else None
                    continue
                members += 1
                target = building / _safe(entry.name)
                target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(descriptor, "wb") as out:
                    shutil.copyfileobj(stream, out, 1 << 20)
                    out.flush()
                    os.fsync(out.fileno())
                done += entry.size
                on_progress(done, None)
        reader.drain()
    except (tarfile.TarError, FileExistsError, EOFError, *UNREADABLE):
        raise _not_whole() from None
    if about is None or end is None or end.members != members:
        raise _not_whole()
    return Unpacked(about, members)


def _bring_to_life(building: Path, about: About, store_address: str | None) -> dict[str, object]:
    for part in FOLDERS:
        (building / part).mkdir(mode=0o700, exist_ok=True)
    if store_address is not None:
        _name_store(building / SETTINGS_FILE, store_address)
    settings = load_settings(building)
    url = store_url(building, settings)
    if about.store == "server":
        copies.load_pieces(url, _pieces(building))
        shutil.rmtree(building / STORE_PIECES / copies.TABLES)
        (building / STORE_PIECES / copies.REVISION).unlink()
    elif not copies.is_file(url):
        raise Fault("E-FLOW-392", "This backup holds a store in a file; restore it without the address of a server.")
    revisions.upgrade_store(url)
    with Node.open(building) as node:
        if node.keys.node_id != about.node_id:
            raise _not_whole()
        with Ledger.open(building / "ledger", node.keys) as ledger:
            report = ledger.verify()
            if report.size < about.leaves or ledger.root_at(about.leaves).hex() != about.root:
                raise _not_whole()
            kept = log.Held(report.size, bytes.fromhex(ledger.root()), ledger.checkpoint())
        return begin_anew(node, about.at, kept)


def _pieces(building: Path) -> Iterator[tuple[str, bytes]]:
    folder = building / STORE_PIECES
    yield copies.REVISION, (folder / copies.REVISION).read_bytes()
    for path in sorted((folder / copies.TABLES).glob("*/*/*.jsonl")):
        yield path.relative_to(folder).as_posix(), path.read_bytes()


def _name_store(settings: Path, address: str) -> None:
    """Put the address of the new database in place of the old one."""
    text = settings.read_text("utf-8")
    old = tomllib.loads(text).get("store", {}).get("url")
    fresh = f"url = {msgspec.json.encode(address).decode()}"
    if old is None:
        text += f"\n[store]\n{fresh}\n"
    else:
        lines = [fresh if line.strip().startswith("url") and old in line else line for line in text.splitlines()]
        text = "\n".join(lines) + "\n"
    settings.write_text(text, "utf-8")


def _safe(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or len(name) > MAX_NAME or "\0" in name:
        raise _not_whole()
    return path


def _not_whole() -> Fault:
    return Fault("E-FLOW-391", "The backup is not whole or not of Seawall; nothing was restored. Use another copy.")


def _sync(folder: Path) -> None:
    for place, _, _ in os.walk(folder):
        _sync_folder(Path(place))


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
