"""A relay between nodes that cannot, or would rather not, call each other; and a node's side of it.

Comes in: sealed messages, doubly masked tags, checkpoints under random names, each with a capability token. Goes out:
the same messages to whoever holds the read token, one noised number, a cosignature. Never here: a node's folder, its
store or lake; who is who; what a message says. A relay cannot read, cannot list members, and cannot tell who talks to
whom beyond its network connections.

Three roles, each switched by itself, so that a pair may use three operators: *mailbox*, *witness*, *counter*.
``RelayClient`` is a ``Relay``; ``server`` is the program that a third party runs.

>>> from seawall.exchange.relay import is_padded, padme
>>> padme(1_000_000), is_padded(padme(1_000_000))
(1015808, True)
"""

from typing import TYPE_CHECKING

from seawall.exchange.sizes import is_padded, list_class, padme
from seawall.model.faces import on_first_use

if TYPE_CHECKING:
    from seawall.exchange.relay.bounds import DEFAULT_BOUNDS, EPSILON, RelayBounds
    from seawall.exchange.relay.client import RelayClient
    from seawall.exchange.relay.faults import Forked, MailboxFull, RelayBusy, SignedElsewhere
    from seawall.exchange.relay.interface import CountAnswer, Relay, Waiting
    from seawall.exchange.relay.paths import read_id, read_token, token_text
    from seawall.exchange.relay.witnessing import Pseudonym
else:
    __getattr__ = on_first_use(
        __name__,
        {
            "bounds": ("DEFAULT_BOUNDS", "EPSILON", "RelayBounds"),
            "client": ("RelayClient",),
            "faults": ("Forked", "MailboxFull", "RelayBusy", "SignedElsewhere"),
            "interface": ("CountAnswer", "Relay", "Waiting"),
            "paths": ("read_id", "read_token", "token_text"),
            "witnessing": ("Pseudonym",),
        },
    )

__all__ = [
    "DEFAULT_BOUNDS",
    "EPSILON",
    "CountAnswer",
    "Forked",
    "MailboxFull",
    "Pseudonym",
    "Relay",
    "RelayBounds",
    "RelayBusy",
    "RelayClient",
    "SignedElsewhere",
    "Waiting",
    "is_padded",
    "list_class",
    "padme",
    "read_id",
    "read_token",
    "token_text",
]
