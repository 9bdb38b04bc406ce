"""Who a peer really is, in columns that only the node's vault opens: names, addresses, cards, the contact directory.

With a vault, a row keeps the local code name, the state, and one sealed value with everything else. What rows are
looked up by (a pin, a mail address, a contact's name) stands there as a keyed hash: equal for equal values, and nobody
without the key can try values. Rows from before the vault are read as they are until ``vault encrypt`` has sealed them.
"""

from __future__ import annotations

import base64
from typing import TypeVar

import msgspec

from seawall.identity.sealing import Box, is_sealed
from seawall.model import Fault

PREFIX = "sealed:"  # of a sealed value in a column of text; no JSON begins so
Kept = TypeVar("Kept", bound=msgspec.Struct)


def seal_row(box: Box, key: str, record: msgspec.Struct) -> bytes:
    """The whole record, bound to the row of ``key``."""
    return box.seal(msgspec.json.encode(record), key.encode("utf-8", "surrogatepass"))


def open_row(box: Box | None, key: str, sealed: bytes, kind: type[Kept]) -> Kept:
    """The record that ``seal_row`` sealed. Raises Fault E-STORE-232 without the vault, E-IDENTITY-123 when altered."""
    if box is None:
        raise Fault("E-STORE-232", "The names in this store are sealed; they open with the vault of their node.")
    return msgspec.json.decode(box.open(sealed, key.encode("utf-8", "surrogatepass")), type=kind)


def seal_text(box: Box, key: str, record: msgspec.Struct) -> str:
    """As ``seal_row``, for a column of text."""
    return PREFIX + base64.b64encode(seal_row(box, key, record)).decode()


def open_text(box: Box | None, key: str, text: str, kind: type[Kept]) -> Kept:
    """The record in a column of text, sealed or from before the vault."""
    if not text.startswith(PREFIX):
        return msgspec.json.decode(text, type=kind)
    return open_row(box, key, base64.b64decode(text[len(PREFIX) :]), kind)


def blind(box: Box | None, value: str) -> str:
    """What stands for ``value`` in a column that rows are looked up by."""
    return value if box is None else box.blind(value)


def either(box: Box | None, value: str) -> tuple[str, str]:
    """Both spellings under which a row may stand: from before the vault, and since."""
    return value, blind(box, value)


__all__ = ["blind", "either", "is_sealed", "open_row", "open_text", "seal_row", "seal_text"]
