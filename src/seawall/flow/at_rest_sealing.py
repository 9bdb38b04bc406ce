"""``seawall vault encrypt``: everything of a node that a vault seals, once, and resumable at every step.

Steps: (1) everybody else is kept away, (2) a leaf says that it begins, (3) the vault is written with all its ways:
from here on whatever is written new is sealed, (4) private keys and the administrator's token, (5) the ledger, (6) the
store's file, (7) the names in it, (8) the vault is *on*. Each file under its name is plain or sealed as a whole and
says itself which, so a kill at any moment leaves a node that works, and the next run goes on where this one ended.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from seawall.flow.at_rest import STORE_FILE, NewWay, held_alone
from seawall.flow.node import ADMINISTRATOR_TOKEN, KEYS, Node, open_vault, store_url
from seawall.identity.vault import FORMAT, Record, State, Vault, new_vault, read_record, write_record
from seawall.identity.vault_files import seal_in_place, secret_files
from seawall.identity.vault_open import FILES, keep_open
from seawall.ledger import EventKind, former_keys, own_key, seal_ledger
from seawall.model import Fault
from seawall.settings import load_settings
from seawall.store import Store
from seawall.store.cipher import driver, is_plain, seal_file
from seawall.store.database import BUSY_TIMEOUT_SECONDS

OnStep = Callable[[str], None]


def quiet(step: str) -> None:
    """Tell nobody which step begins."""


def encrypt(node: Node, way: NewWay, *, names_only: bool, on_step: OnStep = quiet) -> dict[str, object]:
    """Encrypt the node, or go on with an encryption that was killed. ``node`` is closed on return.

    ``names_only``: keys, ledger and who peers are, but not the store as a whole. Raises Fault E-FLOW-702 without
    SQLCipher, E-FLOW-706 when all is sealed already, Unavailable E-FLOW-701 while others use the node.
    """
    node.require("maintain")
    folder, keys = node.folder, node.folder / KEYS
    in_file = not node.settings.store.url
    record = read_record(keys)
    plain_store = in_file and is_plain(folder / STORE_FILE)
    if record is not None and record.state is State.ON and (names_only or not plain_store):
        raise Fault("E-FLOW-706", "This node is encrypted already; 'seawall vault status' says what is sealed.")
    if plain_store and not names_only:
        _need_driver()
    vault = open_vault(folder)
    at = node.clock()
    with held_alone(node):
        node.ledger.verify()  # what is wrong before would be hard to tell from what went wrong
        node.event(EventKind.VAULT_ENCRYPTED, "vault", resumed=int(record is not None), names_only=int(names_only))
        public = tuple(str(key) for key in (own_key(node.keys), *former_keys(node.keys)))
        node.__exit__(None, None, None)
        if vault is None or record is None:
            vault = new_vault(names_only=names_only)
            record = Record(FORMAT, vault.id, State.ENCRYPTING, at, (way.wrap(vault, keys),))
        record = msgspec.structs.replace(
            record, state=State.ENCRYPTING, verifier_keys=public, names_only=names_only or not in_file
        )
        write_record(keys, record)
        keep_open(keys, vault)
        counts = _seal(folder, vault, whole=in_file and not names_only, on_step=on_step)
        write_record(keys, msgspec.structs.replace(record, state=State.ON))
    return counts


def _seal(folder: Path, vault: Vault, *, whole: bool, on_step: OnStep) -> dict[str, object]:
    box = vault.box(FILES)
    on_step("keys")
    token = folder / ADMINISTRATOR_TOKEN
    files = [*secret_files(folder / KEYS), *([token] if token.exists() else [])]
    sealed = sum(seal_in_place(path, box) for path in files)
    on_step("ledger")
    leaves = seal_ledger(folder / "ledger", vault.box("ledger"))
    on_step("store")
    if whole:
        seal_file(folder / STORE_FILE, vault.key("store").hex(), timeout=BUSY_TIMEOUT_SECONDS)
    on_step("names")
    with Store.open(store_url(folder, load_settings(folder)), vault.box("names")) as store:
        names = store.seal_names()
    return {
        "secrets": sealed,
        "leaves": leaves,
        "store": "sealed" if store.is_sealed else "names sealed",
        "names": names,
    }


def _need_driver() -> None:
    try:
        driver()
    except Fault:
        raise Fault(
            "E-FLOW-702",
            "The store as a whole cannot be encrypted without SQLCipher: install it with 'pip install seawall[vault]', "
            "or give --names-only to seal keys, the ledger and who peers are.",
        ) from None
