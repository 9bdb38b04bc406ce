"""The files of a node's prekeys: ``keys/prekeys/``, one each, readable by their owner only, never in a backup.

    0    8   "SWPREKEY"                     126  32  X25519 private key
    8    2   version of this format: 1      158  32  X25519 private key for ``between_us``
    10   36  node id, ASCII                 190  32  SHA-256 over all before
    46   8   created, microseconds UTC      222
    54   8   ends
    62   64  ML-KEM-768 seed, d || z (FIPS 203 section 7.1)

All numbers are big-endian; in a node with a vault the whole file is sealed. It appears whole or not at all, and is
overwritten once before it goes.
"""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

from seawall.identity.key_files import refuse_if_shared, write_secret
from seawall.identity.key_folder import destroy, sync_folder
from seawall.identity.prekeys import CLOCK_SKEW, KEPT_AFTER_END, OwnPrekeys, Prekey
from seawall.identity.vault_open import read_secret, seal_secret
from seawall.model import Fault

PREKEYS = "prekeys"
MAX_PREKEYS = 64  # of the newest files: a week's each for 58 days are nine
_MAGIC, _VERSION = b"SWPREKEY", 1
_LAYOUT = struct.Struct(">8sH36sQQ64s32s32s")
FILE_BYTES = _LAYOUT.size + 32


def encode_prekey(prekey: Prekey) -> bytes:
    """The 222 bytes of a file."""
    packed = _LAYOUT.pack(
        _MAGIC,
        _VERSION,
        prekey.node_id.encode("ascii"),
        prekey.created,
        prekey.ends,
        prekey.ml_kem_seed,
        prekey.x25519_secret,
        prekey.shared_secret,
    )
    return packed + hashlib.sha256(packed).digest()


def decode_prekey(data: bytes) -> Prekey:
    """The prekey in a file. Raises ValueError for anything else."""
    if len(data) != FILE_BYTES or hashlib.sha256(data[:-32]).digest() != data[-32:]:
        raise ValueError("a prekey file is damaged or cut short")
    magic, version, node_id, created, ends, seed, x25519, shared = _LAYOUT.unpack_from(data)
    if magic != _MAGIC or version != _VERSION:
        raise ValueError("a prekey file is of another version")
    return Prekey(node_id.decode("ascii"), created, ends, seed, x25519, shared)


def load_prekeys(keys: Path, at: int) -> OwnPrekeys | None:
    """The node's prekeys that may still open something at ``at`` (microseconds UTC); None when there is none.

    ``keys``: the node's folder of keys. The newest comes first; one that a wrong clock dated into the future last.
    Raises Fault E-IDENTITY-105 for a damaged file, E-IDENTITY-003 when others may read one.
    """
    found = [prekey for _, prekey in _all(keys) if prekey.ends + KEPT_AFTER_END > at]
    ordered = sorted(found, key=lambda prekey: (prekey.created <= at + CLOCK_SKEW, prekey.created), reverse=True)
    return OwnPrekeys(tuple(ordered)) if ordered else None


def make_prekey(keys: Path, node_id: str, at: int) -> Prekey:
    """Make one, in force from ``at`` (microseconds UTC); on the disk when this returns."""
    folder = keys / PREKEYS
    folder.mkdir(mode=0o700, exist_ok=True)
    prekey = Prekey.generate(node_id, at)
    name = f"{prekey.public.key_id.hex()[:16]}.key"
    fresh = folder / f".{name}.new"
    write_secret(fresh, seal_secret(fresh, encode_prekey(prekey)))
    fresh.rename(folder / name)
    sync_folder(folder)
    sync_folder(keys)
    return prekey


def wipe_prekeys(keys: Path, at: int | None) -> int:
    """Destroy those that ended 30 days before ``at`` (microseconds UTC), or all, whatever is in them; how many.

    What a kill left half made or half wiped goes too; nobody else may be making one meanwhile.
    """
    folder = keys / PREKEYS
    if at is None:
        gone = list(folder.glob("*.key"))
    else:
        gone = [path for path, prekey in _all(keys, most=None) if prekey.ends + KEPT_AFTER_END <= at]
    zeros = [path for path in folder.glob("*.key") if path not in gone and not path.read_bytes().strip(b"\0")]
    for path in (*gone, *zeros, *folder.glob(".*.new")):
        destroy(path)
    return len(gone)


def _all(keys: Path, *, most: int | None = MAX_PREKEYS) -> list[tuple[Path, Prekey]]:
    """The newest files, by when they were written: their names say nothing of that."""
    found = []
    for path in sorted((keys / PREKEYS).glob("*.key"), key=_written, reverse=True)[:most]:
        try:
            data = read_secret(path)
            if data.strip(b"\0"):  # only zeros: a wiping was killed before the file went
                found.append((path, decode_prekey(data)))
                refuse_if_shared(path)
        except FileNotFoundError:  # wiped by another process meanwhile
            continue
        except (OSError, ValueError):
            raise Fault(
                "E-IDENTITY-105",
                "The prekey file {path} is damaged; remove it: what was sealed for it is lost, and another is made.",
                path=path,
            ) from None
    return found


def _written(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:  # wiped by another process meanwhile
        return 0
