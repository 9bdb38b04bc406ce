"""The tamper-evident record. Comes in: releases, refusals, events. Goes out: ``Recorded[...]``, once it is on disk.

Never here: the decision itself (policy), contents of released objects (only their SHA-256), peers.

An RFC 6962 Merkle tree over salted commitments, so that contents can be erased and the tree still verifies; every batch
ends in a head signed by the node's key, kept as C2SP checkpoint text. What a self-signed ledger cannot show: its owner
may rewind leaves and checkpoint together; only a witness who kept a later checkpoint notices.

>>> import tempfile, pathlib
>>> with Ledger.open(pathlib.Path(tempfile.mkdtemp())) as ledger:
...     event = LedgerEvent(EventKind.PEER_ADDED, 1_773_446_400_000_000, "lin", "seoul")
...     ledger.record_event(event).leaf_index, ledger.verify().size
(0, 1)
"""

from seawall.ledger.checkpoint import LedgerKey
from seawall.ledger.events import EventKind, LedgerEvent
from seawall.ledger.reading import LedgerEntry, LedgerPage
from seawall.ledger.record import Ledger
from seawall.ledger.verify import VerifyReport

__all__ = ["EventKind", "Ledger", "LedgerEntry", "LedgerEvent", "LedgerKey", "LedgerPage", "VerifyReport"]
