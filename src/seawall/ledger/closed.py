"""Verifying a ledger whose node cannot open its keys: by public keys alone, and without what the leaves say."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seawall.ledger.files import LedgerFiles
from seawall.ledger.signed_note import VerifierKey
from seawall.ledger.verify import VerifyReport, verify
from seawall.model import Fault


class PublicKeys:
    """A ``LedgerKey`` that can check and not sign."""

    def __init__(self, keys: Sequence[VerifierKey]) -> None:
        """The key in force first, then former ones."""
        self.node_id = keys[0].name.removeprefix("seawall/")
        self.signing_public = keys[0].public
        self.former_keys = tuple(key.public for key in keys[1:])

    def sign(self, message: bytes) -> bytes:
        """Raises Fault E-LEDGER-031, always."""
        raise Fault("E-LEDGER-031", "The key that signs this ledger is not open; nothing can be added to it.")


def verify_closed(folder: Path, keys: Sequence[VerifierKey]) -> VerifyReport:
    """Every leaf, head and the checkpoint of the ledger in ``folder``. Changes nothing.

    Contents that are sealed are counted, not checked. Raises what ``Ledger.verify`` does.
    """
    files = LedgerFiles(folder, None)
    try:
        return verify(files, PublicKeys(keys))
    finally:
        files.close()
