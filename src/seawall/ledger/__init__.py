"""The tamper-evident record. Comes in: releases, refusals, events. Goes out: ``Recorded[...]``, once it is on disk.

Never here: the decision itself (policy), contents of released objects (only their SHA-256), peers.

An RFC 6962 Merkle tree over salted commitments, so that contents can be erased and the tree still verifies; every batch
ends in a head signed by the node's key, kept as C2SP checkpoint text. What a self-signed ledger cannot show: its owner
may rewind leaves and checkpoint together; only a witness who kept a later checkpoint notices. So peers and witnesses
cosign checkpoints (``witness``), people carry proofs (``evidence``), and ``standalone`` verifies both without Seawall.

>>> import tempfile, pathlib
>>> with Ledger.open(pathlib.Path(tempfile.mkdtemp())) as ledger:
...     event = LedgerEvent(EventKind.PEER_ADDED, 1_773_446_400_000_000, "lin", "seoul")
...     ledger.record_event(event).leaf_index, ledger.verify().size
(0, 1)
"""

from typing import TYPE_CHECKING

from seawall.model.faces import on_first_use

if TYPE_CHECKING:
    from seawall.ledger.checkpoint import Checkpoint, LedgerKey, encode, note_over
    from seawall.ledger.closed import verify_closed
    from seawall.ledger.copying import Copied, copy_of
    from seawall.ledger.cosigned import Cosigned, former_keys, keep, kept, own_key
    from seawall.ledger.events import EventKind, LedgerEvent
    from seawall.ledger.evidence import (
        FORMAT,
        MAX_PROVED,
        STATEMENT_TYPE,
        Earlier,
        Found,
        OnProgress,
        Proof,
        ProvedLeaf,
    )
    from seawall.ledger.proofs import check_consistency, check_inclusion
    from seawall.ledger.reading import LedgerEntry, LedgerPage
    from seawall.ledger.record import Ledger
    from seawall.ledger.sealing import seal_ledger
    from seawall.ledger.signed_note import COSIGNATURE, ED25519, VerifierKey, read_key, read_note
    from seawall.ledger.verify import VerifyReport
    from seawall.ledger.witness import Held, Request, Verdict, checkpoint_in, cosign, judge, read_request, witness_key
else:
    __getattr__ = on_first_use(
        __name__,
        {
            "checkpoint": ("Checkpoint", "LedgerKey", "encode", "note_over"),
            "closed": ("verify_closed",),
            "copying": ("Copied", "copy_of"),
            "cosigned": ("Cosigned", "former_keys", "keep", "kept", "own_key"),
            "events": ("EventKind", "LedgerEvent"),
            "evidence": (
                "FORMAT",
                "MAX_PROVED",
                "STATEMENT_TYPE",
                "Earlier",
                "Found",
                "OnProgress",
                "Proof",
                "ProvedLeaf",
            ),
            "proofs": ("check_consistency", "check_inclusion"),
            "reading": ("LedgerEntry", "LedgerPage"),
            "record": ("Ledger",),
            "sealing": ("seal_ledger",),
            "signed_note": ("COSIGNATURE", "ED25519", "VerifierKey", "read_key", "read_note"),
            "verify": ("VerifyReport",),
            "witness": (
                "Held",
                "Request",
                "Verdict",
                "checkpoint_in",
                "cosign",
                "judge",
                "read_request",
                "witness_key",
            ),
        },
    )

__all__ = [
    "COSIGNATURE",
    "ED25519",
    "FORMAT",
    "MAX_PROVED",
    "STATEMENT_TYPE",
    "Checkpoint",
    "Copied",
    "Cosigned",
    "Earlier",
    "EventKind",
    "Found",
    "Held",
    "Ledger",
    "LedgerEntry",
    "LedgerEvent",
    "LedgerKey",
    "LedgerPage",
    "OnProgress",
    "Proof",
    "ProvedLeaf",
    "Request",
    "Verdict",
    "VerifierKey",
    "VerifyReport",
    "check_consistency",
    "check_inclusion",
    "checkpoint_in",
    "copy_of",
    "cosign",
    "encode",
    "former_keys",
    "judge",
    "keep",
    "kept",
    "note_over",
    "own_key",
    "read_key",
    "read_note",
    "read_request",
    "seal_ledger",
    "verify_closed",
    "witness_key",
]
