"""What of this node's folder can be read by whoever carries it away, and the ways to its vault."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from seawall.flow.node import ADMINISTRATOR_TOKEN, KEYS, Node, open_vault
from seawall.identity.key_folder import destroy
from seawall.identity.sealing import is_sealed
from seawall.identity.vault import FILE, KEY_FILE, State, Vault, Way, Wrap, encode_record, read_record
from seawall.identity.vault_files import replace_and_wipe, secret_files
from seawall.identity.vault_open import FILES
from seawall.ledger import EventKind
from seawall.ledger.sealing import count_plain
from seawall.messages import mark
from seawall.model import Fault, Unavailable, rfc3339
from seawall.settings import load_settings
from seawall.store.cipher import is_plain

NEVER_SEALED = ("lake", "radius", "quarantine", "reference", "received", "live", "seawall.toml")
"""What stays as it is; the disk's own encryption is for it (docs/how-to/encrypt-a-node.md)."""
STORE_FILE = Path("store") / "seawall.sqlite"


class NewWay(NamedTuple):
    """How the vault is to be reached: one of the three."""

    passphrase: str | None = None
    module: str | None = None  # the PKCS#11 library, with ``label`` and ``pin``
    label: str = ""
    pin: str = ""
    file: bool = False

    def wrap(self, vault: Vault, keys: Path) -> Wrap:
        """The data key under this way. Raises Fault E-FLOW-703 without any."""
        if self.module is not None:
            from seawall.identity.vault_token import wrap_by_token

            return wrap_by_token(vault, module=self.module, label=self.label, pin=self.pin)
        if self.passphrase is not None:
            return vault.wrap_passphrase(self.passphrase)
        if self.file:
            return vault.wrap_file(keys)
        raise Fault("E-FLOW-703", "Name a way to the vault: a passphrase, a token with --module, or --key-file.")


def describe(folder: Path) -> dict[str, object]:
    """What is sealed and what is not; needs no key, no passphrase and no person. Raises Fault E-CONF-001."""
    settings = load_settings(folder)
    record = read_record(folder / KEYS)
    secrets = [*secret_files(folder / KEYS), folder / ADMINISTRATOR_TOKEN]
    sealed = [is_sealed(path.read_bytes()) for path in secrets if path.exists()]
    leaves, plain = count_plain(folder / "ledger")
    if settings.store.url or is_plain(folder / STORE_FILE):
        store = "plain" if record is None else "names sealed"
    else:
        store = "sealed" if (folder / STORE_FILE).exists() else "absent"
    ways = [wrap.way.value for wrap in record.wraps] if record is not None else []
    return {
        "state": "none" if record is None else record.state.value,
        "ways": ways,
        "created": rfc3339(record.created) if record is not None else None,
        "destroyed": rfc3339(record.destroyed) if record is not None and record.destroyed is not None else None,
        "store": store,
        "secrets_sealed": sum(sealed),
        "secrets_plain": len(sealed) - sum(sealed),
        "leaves": leaves,
        "leaves_plain": plain,
        "never_sealed": [name for name in NEVER_SEALED if (folder / name).exists()],
    }


def verdict(said: dict[str, object]) -> str:
    """One sentence for people."""
    ways = said["ways"]
    if said["state"] == "none":
        return mark(
            "Nothing is encrypted: whoever takes this folder reads everything in it. See 'seawall vault encrypt'."
        )
    if said["state"] == State.DESTROYED.value:
        return mark("The keys were destroyed: the ledger's tree can be verified, names and contents cannot be read.")
    if said["state"] == State.ENCRYPTING.value:
        return mark("Encryption was not finished: run 'seawall vault encrypt' again; until then parts can be read.")
    if isinstance(ways, list) and Way.FILE.value in ways:
        return mark(
            "The key lies beside what it opens: this is no protection against seizure. Add a passphrase or a token."
        )
    if said["store"] == "names sealed":
        return mark("Who peers are, keys and the ledger are sealed; the rest of the store can be read.")
    return mark("Whoever takes this folder without the key reads only what is listed as never sealed.")


def open_for(node: Node, path: Path | None) -> bytes | None:
    """Open the vault; with ``path``, give the plain contents of a sealed file of this node.

    Raises Fault E-FLOW-704 without a vault, E-FLOW-705 for a file that is not sealed.
    """
    vault = require_vault(node.folder)
    if path is None:
        return None
    node.require("maintain")
    data = path.read_bytes()
    if not is_sealed(data):
        raise Fault("E-FLOW-705", "The file {path} is not sealed with this node's vault.", path=path)
    return vault.box(FILES).open(data)


def change_ways(node: Node, way: NewWay, *, alone: bool) -> dict[str, object]:
    """Wrap the data key for another passphrase or token; nothing else is written anew.

    The same kind of way is replaced, and a key file always goes; with ``alone`` so do all others. Raises Fault
    E-FLOW-704 without a vault, and what the way raises.
    """
    node.require("maintain")
    keys = node.folder / KEYS
    vault = require_vault(node.folder)
    wrap = way.wrap(vault, keys)
    record = read_record(keys)
    if record is None:
        raise no_vault()
    kept = () if alone else tuple(old for old in record.wraps if old.way not in (wrap.way, Way.FILE))
    ways = [wrap.way.value, *(old.way.value for old in kept)]
    node.event(EventKind.VAULT_REWRAPPED, "vault", ways=ways)
    # a wrap that was replaced would open the same key: its bytes are overwritten
    replace_and_wipe(keys / FILE, encode_record(msgspec.structs.replace(record, wraps=(wrap, *kept))))
    if wrap.way is not Way.FILE:
        destroy(keys / KEY_FILE)
    return {"state": record.state.value, "ways": ways}


def require_vault(folder: Path) -> Vault:
    """The node's open vault. Raises Fault E-FLOW-704 when it has none, and what ``vault_of`` raises."""
    vault = open_vault(folder)
    if vault is None:
        raise no_vault()
    return vault


def no_vault() -> Fault:
    """The fault for a node that was never encrypted."""
    return Fault("E-FLOW-704", "This node has no vault; make one with 'seawall vault encrypt'.")


@contextmanager
def held_alone(node: Node) -> Iterator[None]:
    """Keep everybody else away from the node, also once it is closed. Raises Unavailable E-FLOW-701 while others use
    it: then nothing has changed, and nothing is on its ledger."""
    descriptor = os.dup(node.hold)  # the same hold, and it outlives the node
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fcntl.flock(descriptor, fcntl.LOCK_SH)  # what failed gave up the hold that was shared
            raise Unavailable(
                "E-FLOW-701", "Other Seawall processes use this node; stop them ('serve', 'tail', jobs) and try again."
            ) from None
        yield
    finally:
        os.close(descriptor)
