"""Who this node is and how it knows its peers. Comes in: a folder, a moment. Goes out: keys, cards, TLS contexts.

Never here: sockets, the store, policy. A failed check raises; nothing returns ``False``.

A node changes its keys by key sets that follow each other (``keyset``); ``rotation`` makes the next one, and whoever
holds the set before follows without a new call. ``origin`` signs objects and judges such signatures.

The pin of a peer is the SHA-256 of its TLS certificate's SubjectPublicKeyInfo (RFC 7469 section 2.4), so it stays the
same when a short-lived certificate is renewed over the same key, and ``certificate_sha256`` computes it. Three checks
stand behind one connection: the certificate chains to the certificate authority in the peer's card, is inside its
validity, and has the pinned key. The fingerprint that two people read aloud covers signing key, authority and pin.

>>> import tempfile, pathlib
>>> folder = pathlib.Path(tempfile.mkdtemp()) / "keys"
>>> keys = NodeKeys.create(folder, name="TWCERT", economy="TW", at=1_773_446_400_000_000)
>>> read_card(keys.card()).fingerprint == keys.fingerprint
True
"""

from typing import TYPE_CHECKING

from seawall.model.faces import on_first_use

if TYPE_CHECKING:
    from seawall.identity import dsse
    from seawall.identity.card import Card, check_fingerprint, read_card
    from seawall.identity.certificates import certificate_sha256
    from seawall.identity.keys import NodeKeys
    from seawall.identity.keyset import KeyPeriod, KeySet, Reason, check_current
    from seawall.identity.rotation import OfflineKey
    from seawall.identity.tls import ServerTls, check_pin, client_context, server_context, server_name, trust
else:
    __getattr__ = on_first_use(
        __name__,
        {
            "card": ("Card", "check_fingerprint", "read_card"),
            "certificates": ("certificate_sha256",),
            "keys": ("NodeKeys",),
            "keyset": ("KeyPeriod", "KeySet", "Reason", "check_current"),
            "rotation": ("OfflineKey",),
            "tls": ("ServerTls", "check_pin", "client_context", "server_context", "server_name", "trust"),
        },
    )

__all__ = [
    "Card",
    "KeyPeriod",
    "KeySet",
    "NodeKeys",
    "OfflineKey",
    "Reason",
    "ServerTls",
    "certificate_sha256",
    "check_current",
    "check_fingerprint",
    "check_pin",
    "client_context",
    "dsse",
    "read_card",
    "server_context",
    "server_name",
    "trust",
]
