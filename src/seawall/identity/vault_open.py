"""Opens a node's vault, once for each process, by whichever way is at hand; and the files that it seals.

Ways are tried in this order: (1) the key file, when there is one; (2) a passphrase from SEAWALL_PASSPHRASE_FILE, from
the systemd credential ``seawall-passphrase``, or asked for on a terminal; (3) a token, its PIN likewise from
SEAWALL_PIN_FILE or ``seawall-pin``. Wrong passphrases are counted beside the vault, and from the fifth on the next try
has to wait: this slows down who may run commands here; who has copied the folder is slowed down by scrypt alone.
"""

from __future__ import annotations

import getpass
import os
import sys
import threading
from pathlib import Path

import msgspec

from seawall.identity.key_folder import destroy
from seawall.identity.sealing import Box, is_sealed
from seawall.identity.vault import (
    FILE,
    KEY_FILE,
    Record,
    State,
    Vault,
    Way,
    Wrap,
    by_file,
    by_passphrase,
    read_record,
    write_over,
)
from seawall.model import Clock, Fault, Refused, Unavailable, system_clock
from seawall.model.unreadable import UNREADABLE
from seawall.settings import secret_file

KEYS = "keys"  # of a node, beside its other folders
TRIES = "vault.tries"
FREE_TRIES = 5
LONGEST_WAIT = 300  # seconds
MAX_SECRET = 10_000  # bytes of a passphrase's file
FILES = "files"  # the purpose of sealed files

_opened: dict[Path, Vault] = {}
_guard = threading.Lock()


class Tries(msgspec.Struct, frozen=True):
    """Wrong passphrases in a row, and when the last one was given (microseconds UTC)."""

    wrong: int = 0
    at: int = 0


def vault_of(folder: Path, *, clock: Clock = system_clock) -> Vault | None:
    """The open vault of the key folder ``folder``; None when it has none.

    Raises Unavailable E-IDENTITY-120 when nothing at hand opens it, Refused E-IDENTITY-121 for a wrong passphrase,
    E-IDENTITY-122 when it was destroyed, Unavailable E-IDENTITY-127 while further tries have to wait, and what the
    ways raise.
    """
    if not (folder / FILE).exists():
        return None
    with _guard:
        record = read_record(folder)
        if record is None:
            return None
        if record.state is State.DESTROYED:
            for name in (KEY_FILE, TRIES, f".{FILE}.plain"):  # of a destruction that was killed
                destroy(folder / name)
            raise Refused(
                "E-IDENTITY-122",
                "The keys of this node's vault were destroyed on purpose; its names and contents can no longer be "
                "read. 'seawall vault status' says when.",
            )
        place = folder.resolve()
        held = _opened.get(place)
        if held is None or held.id != record.id:
            held = _opened[place] = open_by_any(folder, record, clock)
        return held


def keep_open(folder: Path, vault: Vault) -> None:
    """Let this process go on with a vault that it just made."""
    with _guard:
        _opened[folder.resolve()] = vault


def forget(folder: Path) -> None:
    """Close the vault in this process."""
    with _guard:
        _opened.pop(folder.resolve(), None)


def open_by_any(folder: Path, record: Record, clock: Clock = system_clock) -> Vault:
    """Open by the first way for which something is at hand."""
    if (wrap := record.way(Way.FILE)) is not None:
        return by_file(record, wrap, folder)
    if (wrap := record.way(Way.PASSPHRASE)) is not None and (given := passphrase_at_hand()) is not None:
        return _counted(folder, record, wrap, given, clock)
    if (wrap := record.way(Way.TOKEN)) is not None and (given := pin_at_hand()) is not None:
        from seawall.identity.vault_token import by_token  # needs the extra

        return by_token(record, wrap, given)
    if (wrap := record.way(Way.PASSPHRASE)) is not None and (given := _asked("Passphrase of the vault: ")) is not None:
        return _counted(folder, record, wrap, given, clock)
    if (wrap := record.way(Way.TOKEN)) is not None and (given := _asked("PIN of the token: ")) is not None:
        from seawall.identity.vault_token import by_token

        return by_token(record, wrap, given)
    raise Unavailable(
        "E-IDENTITY-120",
        "The vault of this node is closed: name a file with its passphrase in SEAWALL_PASSPHRASE_FILE (of a token's "
        "PIN: SEAWALL_PIN_FILE), or run the command on a terminal.",
    )


def passphrase_at_hand() -> str | None:
    """The passphrase from a file; None when no file was named. Raises Fault E-IDENTITY-128."""
    return _first_line(secret_file("passphrase"))


def pin_at_hand() -> str | None:
    """The PIN from a file; None when no file was named. Raises Fault E-IDENTITY-128."""
    return _first_line(secret_file("pin"))


def box_for(path: Path) -> Box | None:
    """What seals and opens the secret file ``path``; None without a vault.

    The vault is looked for in the file's folder and the one above, and in ``keys`` beside either.
    """
    near = (path.parent, path.parent.parent)
    for folder in (*near, *(place / KEYS for place in near)):
        if (vault := vault_of(folder)) is not None:
            return vault.box(FILES)
    return None


def seal_secret(path: Path, plain: bytes, *, box: Box | None = None) -> bytes:
    """The bytes to write to ``path``: sealed when a vault rules it (or ``box`` is given), else as they are."""
    box = box or box_for(path)
    return plain if box is None else box.seal(plain)


def read_secret(path: Path, *, box: Box | None = None) -> bytes:
    """The plain contents of a secret file. Raises OSError, and what ``vault_of`` raises for a sealed one."""
    return opened_secret(path, path.read_bytes(), box=box)


def opened_secret(path: Path, data: bytes, *, box: Box | None = None) -> bytes:
    """``data``, which was read from the secret file ``path``, in plain. Raises what ``vault_of`` raises."""
    if not is_sealed(data):
        return data
    box = box or box_for(path)
    if box is None:
        raise Fault(
            "E-IDENTITY-129", "The file {path} is sealed, and its vault is not here; restore the node.", path=path
        )
    return box.open(data)


def _counted(folder: Path, record: Record, wrap: Wrap, passphrase: str, clock: Clock) -> Vault:
    tries, now = _tries(folder), clock()
    wait = min(2 ** max(tries.wrong - FREE_TRIES, 0), LONGEST_WAIT) if tries.wrong >= FREE_TRIES else 0
    left = (tries.at + wait * 1_000_000 - now) // 1_000_000 + 1 if tries.at <= now else 0
    if wait and left > 0:
        raise Unavailable("E-IDENTITY-127", "Too many wrong passphrases; try again in {seconds} seconds.", seconds=left)
    try:
        opened = by_passphrase(record, wrap, passphrase)
    except Refused:
        write_over(folder / TRIES, msgspec.json.encode(Tries(tries.wrong + 1, now)))
        raise
    if tries.wrong:
        (folder / TRIES).unlink(missing_ok=True)
    return opened


def _tries(folder: Path) -> Tries:
    try:
        return msgspec.json.decode((folder / TRIES).read_bytes(), type=Tries)
    except (OSError, *UNREADABLE):
        return Tries()


def _first_line(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        with file.open("rb") as stream:
            return stream.readline(MAX_SECRET).decode("utf-8", "surrogateescape").rstrip("\r\n")
    except OSError as error:
        raise Fault(
            "E-IDENTITY-128",
            "Cannot read the passphrase or PIN in {path}: {reason}.",
            path=file,
            reason=error.strerror or error,
        ) from None


def _asked(prompt: str) -> str | None:
    return getpass.getpass(prompt) if sys.stdin is not None and sys.stdin.isatty() and os.isatty(0) else None
