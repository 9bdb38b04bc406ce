"""What a backup consists of, in the order in which it is read: the store first, then the ledger, which may then only
know more than the store, then every other file of the node's folder, the lake's last.

    about.json                   whose, when, by which version, which schema
    store/seawall.sqlite         or store/revision.json and store/tables/<table>/<number>.jsonl of a server
    ledger/leaves, payloads, checkpoint, refusals, witnessed/*
    seawall.toml, administrator.token, keys/*, reference/*, quarantine/* ...
    lake/manifest.json, then the files that it names
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, NamedTuple

import msgspec

from seawall.flow.node import Node, lake_folder, store_url
from seawall.identity.prekey_files import PREKEYS
from seawall.lake import BUCKET_SCHEME
from seawall.lake.storage import storage_of
from seawall.lake.storage.local import beside
from seawall.ledger import Ledger, copy_of
from seawall.store import copies

STORE_FILE = "store/seawall.sqlite"
STORE_PIECES = "store/"
LEFT_OUT = ("store", "ledger", "lake", "psi", "radius")
"""Copied in ways of their own; scalars of epochs, and what is made from the lake, in none."""
STATE_FILE = "backup.json"
TEMPORARY_STORE = ".backup.sqlite"
_SKIPPED_ENDINGS = (".lock", ".new", ".part", ".restoring")
_SQLITE_CHANGING = ((24, 28), (92, 100))  # change counter, version-valid-for: they differ between equal copies

OnProgress = Callable[[int, int | None], None]


class Part(NamedTuple):
    """One member: its name in the backup, how many bytes, and where they come from."""

    name: str
    size: int
    file: BinaryIO
    contents: bytes = b""  # SHA-256 of what it says, where equal contents have unequal bytes


class State(msgspec.Struct, frozen=True):
    """What was there when it was copied; equal states mean that nothing changed since."""

    store: str  # SHA-256 of the copy, lower hex
    ledger: str  # root, lower hex
    lake: int  # generation; -1: not here
    files: str  # SHA-256 over names, sizes and contents of keys, settings and reference data


def parts_of(node: Node, stack: ExitStack, *, with_lake: bool, on_progress: OnProgress) -> Iterator[Part]:
    """Every member but ``about.json``. ``stack`` holds the locks and files that must last until the end."""
    yield from store_parts(node, stack, on_progress)
    for name, data in copy_of(node.folder / "ledger", node.keys):
        yield _part_of_bytes(f"ledger/{name}", data) if isinstance(data, bytes) else _opened(f"ledger/{name}", *data)
    yield from _files(node.folder)
    if with_lake and has_lake(node):
        yield from _lake_parts(node, stack)


def store_parts(node: Node, stack: ExitStack, on_progress: OnProgress) -> Iterator[Part]:
    """The store as one file, or as pieces of a server's tables."""
    url = store_url(node.folder, node.settings)
    if not copies.is_file(url):
        for name, data in copies.read_pieces(url):
            yield _part_of_bytes(STORE_PIECES + name, data)
        return
    place = node.folder / "store" / TEMPORARY_STORE
    place.unlink(missing_ok=True)  # of a backup that was killed; the caller is alone
    stack.callback(place.unlink, missing_ok=True)
    copies.copy_file(url, place, on_progress)
    contents = copies.contents_sha256(url, place) if copies.is_sealed(url) else b""
    yield Part(STORE_FILE, place.stat().st_size, place.open("rb"), contents)


def has_lake(node: Node) -> bool:
    """Whether the node's telemetry is in its folder; else it is on storage that has copies of its own."""
    place = lake_folder(node.folder, node.settings)
    inside = place.is_relative_to(node.folder) and place.is_dir()
    return inside and not node.settings.lake.folder.startswith(BUCKET_SCHEME)


def state_of(node: Node, store: str) -> State:
    """The node as it is now, the store's digest given."""
    digest = hashlib.sha256()
    for name in ("seawall.toml", "keys", "reference"):
        for path in _walk(node.folder / name) if (node.folder / name).is_dir() else [node.folder / name]:
            if path.is_file() and not _is_prekey(path.relative_to(node.folder)):
                digest.update(f"{path.relative_to(node.folder)}\0".encode())
                with path.open("rb") as file:
                    digest.update(hashlib.file_digest(file, "sha256").digest())
    lake = lake_folder(node.folder, node.settings)
    generation = storage_of(lake, node.settings.lake).load().generation if has_lake(node) else -1
    with Ledger.open(node.folder / "ledger", node.keys) as ledger:
        root = ledger.root()
    return State(store, root, generation, digest.hexdigest())


class StoreDigest:
    """SHA-256 over the store's members, as ``State`` keeps it."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def add(self, part: Part) -> None:
        """Take in one member, from its beginning, and leave it there."""
        if part.name.startswith(STORE_PIECES):
            self._digest.update(part.name.encode())
            if part.contents:
                self._digest.update(part.contents)
                return
            first = True
            while chunk := part.file.read(1 << 20):
                if first and part.name == STORE_FILE:
                    chunk = _settled(chunk)
                self._digest.update(chunk)
                first = False
            part.file.seek(0)

    def hexdigest(self) -> str:
        """Lower hex."""
        return self._digest.hexdigest()


def _settled(chunk: bytes) -> bytes:
    data = bytearray(chunk)
    for start, stop in _SQLITE_CHANGING:
        data[start:stop] = bytes(stop - start)
    return bytes(data)


def _files(folder: Path) -> Iterator[Part]:
    for path in _walk(folder):
        relative = path.relative_to(folder)
        if relative.parts[0] in LEFT_OUT or relative.parts == (STATE_FILE,) or _is_prekey(relative):
            continue
        try:
            size = path.stat().st_size
            yield _opened(relative.as_posix(), path, size)
        except FileNotFoundError:  # gone since: a delivery that was taken in, a certificate that was renewed
            continue


def _is_prekey(relative: Path) -> bool:
    """Prekeys are wiped after a month so that nothing opens what was sealed for them: a copy would undo that."""
    return relative.parts[:2] == ("keys", PREKEYS)


def _walk(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(place, name)
            if name.endswith(_SKIPPED_ENDINGS) or name == "lock":
                continue
            try:
                if stat.S_ISREG(path.lstat().st_mode):
                    yield path
            except FileNotFoundError:
                continue


def _lake_parts(node: Node, stack: ExitStack) -> Iterator[Part]:
    storage = storage_of(lake_folder(node.folder, node.settings), node.settings.lake)
    stack.enter_context(storage.reading())
    manifest = storage.load()
    yield _part_of_bytes("lake/manifest.json", msgspec.json.encode(manifest))
    for part in manifest.parts:
        paths = [storage.home / part.path]
        for path in (*paths, beside(paths[0])):
            if path == paths[0] or path.exists():
                yield _opened(f"lake/{path.relative_to(storage.home).as_posix()}", path, path.stat().st_size)


def _part_of_bytes(name: str, data: bytes) -> Part:
    return Part(name, len(data), BytesIO(data))


def _opened(name: str, path: Path, size: int) -> Part:
    return Part(name, size, path.open("rb"))
