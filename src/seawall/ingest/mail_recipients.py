"""Whom a message went to: known only to be left out of everything that is kept of it."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable

HIDDEN = "recipient"  # stands for a recipient's address in a link or a file name
_FIELDS = ("to", "cc", "bcc", "delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "apparently-to")
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]{1,64}@[^\s<>\"\[\],:;@()]{1,255}")
_AT = re.compile(r"([A-Za-z0-9.!#$%&'*+/=?^_{|}~-]{1,64})(@|%40)([A-Za-z0-9.-]{1,255})", re.IGNORECASE)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{8,}")
Fields = dict[str, list[str]]
"""Values of each header field by its name in lower case, from the top."""


class Recipients:
    """Everybody whom a message names as a recipient, to be left out of what is kept. Look-ups cost no more for many."""

    def __init__(self, headers: Iterable[Fields], also: Iterable[str]) -> None:
        """``headers`` of the message and of those inside it; ``also``: addresses of ours known otherwise."""
        texts = list(also)
        for fields in headers:
            texts += [text for name in _FIELDS for text in fields.get(name, ())]
            texts += [field.partition(" for ")[2] for field in fields.get("received", ())]
        self.addresses = {address.lower() for text in texts for address in _ADDRESS.findall(text)}
        self._domains = {address.rpartition("@")[2] for address in self.addresses}
        self._encoded = {base64.b64encode(address.encode()).decode().rstrip("=") for address in self.addresses}

    def hide(self, text: str) -> str:
        """``text`` with HIDDEN for each spelling of a recipient's address."""
        return _BASE64.sub(self._decoded, _AT.sub(self._plain, text))

    def _plain(self, found: re.Match[str]) -> str:
        """The local part may be any end of what stands before the sign, the domain any beginning of what follows."""
        before, after = found[1], found[3]
        ends = [len(after), *(at for at, sign in enumerate(after) if sign == ".")]
        for end in [end for end in ends if after[:end].lower() in self._domains]:
            for start in range(len(before)):
                if f"{before[start:]}@{after[:end]}".lower() in self.addresses:
                    return f"{before[:start]}{HIDDEN}{after[end:]}"
        return found[0]

    def _decoded(self, found: re.Match[str]) -> str:
        word = found[0].replace("-", "+").replace("_", "/")
        starts = [0, *(at + 1 for at, sign in enumerate(word) if sign == "/")]
        start = next((start for start in starts if word[start:] in self._encoded), None)
        return found[0] if start is None else f"{found[0][:start]}{HIDDEN}"
