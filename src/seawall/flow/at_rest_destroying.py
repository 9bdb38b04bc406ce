"""Lawful destruction: every way to the vault is destroyed, by two people, and the tree stays.

Steps: (1) two named people, (2) everybody else is kept away, (3) a leaf says who, why and when, signed and on disk,
(4) ``vault.json`` is written without its wraps, the old bytes overwritten, (5) the key file and, where its PIN is at
hand, the token's key are destroyed. From (4) on nobody can open what was sealed. Leaf hashes, checkpoints and their
signatures need no key. A kill before (4) leaves a leaf and a vault that still opens: 'seawall vault status' says that
it is on, and the next run destroys it. What was copied before (backups, snapshots of the disk) is not reached by this.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import msgspec

from seawall.flow.at_rest import held_alone, no_vault, require_vault
from seawall.flow.node import KEYS, Node
from seawall.identity.key_folder import destroy as wipe
from seawall.identity.vault import FILE, KEY_FILE, State, Way, encode_record, read_record
from seawall.identity.vault_files import replace_and_wipe
from seawall.identity.vault_open import TRIES, forget, pin_at_hand
from seawall.ledger import EventKind, former_keys, own_key, read_key, verify_closed
from seawall.model import Fault, Refused, rfc3339

MAX_REASON = 500  # characters


def destroy(node: Node, reason: str) -> dict[str, object]:
    """Destroy every wrap of the data key; ``node`` is closed on return, for ever.

    Raises Refused E-FLOW-022 without a second person, Fault E-FLOW-704 without a vault, Unavailable E-FLOW-701 while
    others use the node.
    """
    first, second = node.require("maintain"), node.approver
    if second is None:
        raise Refused("E-FLOW-022", "A second person must agree; give their token with --approver-token.")
    folder, keys, at = node.folder, node.folder / KEYS, node.clock()
    require_vault(folder)
    record = read_record(keys)
    if record is None:
        raise no_vault()
    people = [first.name, second.name]
    token, cleared = record.way(Way.TOKEN), False
    with held_alone(node):
        node.event(EventKind.VAULT_DESTROYED, "vault", approved_by=people, reason=reason[:MAX_REASON])
        size, root = node.ledger.size, node.ledger.root()
        public = tuple(str(key) for key in (own_key(node.keys), *former_keys(node.keys)))
        node.__exit__(None, None, None)
        gone = msgspec.structs.replace(record, state=State.DESTROYED, wraps=(), destroyed=at, verifier_keys=public)
        replace_and_wipe(keys / FILE, encode_record(gone))
        wipe(keys / KEY_FILE)
        wipe(keys / TRIES)
        forget(keys)
        if token is not None:
            with suppress(Fault):
                if (pin := pin_at_hand()) is not None:
                    from seawall.identity.vault_token import forget_on_token

                    forget_on_token(token, pin)
                    cleared = True
    return {
        "destroyed": rfc3339(at),
        "approved_by": people,
        "leaves": size,
        "root": root,
        "token_key_deleted": cleared if token is not None else None,
    }


def is_destroyed(folder: Path) -> bool:
    """Whether the vault's keys were destroyed."""
    record = read_record(folder / KEYS)
    return record is not None and record.state is State.DESTROYED


def verify_tree(folder: Path) -> dict[str, object]:
    """Verify the ledger of a node whose vault was destroyed, by its public keys alone.

    Raises Fault E-LEDGER-010 naming the first bad leaf, E-FLOW-704 without a vault.
    """
    record = read_record(folder / KEYS)
    if record is None or not record.verifier_keys:
        raise no_vault()
    report = verify_closed(folder / "ledger", [read_key(text) for text in record.verifier_keys])
    return {
        "valid": True,
        "size": report.size,
        "root": report.root,
        "signed": report.signed,
        "erased": report.erased,
        "sealed": report.sealed,
        "against": None,
        "cosigned": [],
        "forks": 0,
    }
