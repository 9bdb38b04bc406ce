"""The program that a third party runs, and what its operator may do to the folder.

Comes in: a folder. Goes out: a serving relay, capability tokens (once), counts. Never here: a node, a circle, a member,
the lake, the store; a log of who called.
"""

from seawall.exchange.relay.server.books import Books
from seawall.exchange.relay.server.counter import Counter
from seawall.exchange.relay.server.folder import RelayFolder, RelayRole, make_relay
from seawall.exchange.relay.server.mailboxes import Mailboxes, Quota
from seawall.exchange.relay.server.serving import DEFAULT_PORT, RelayServer
from seawall.exchange.relay.server.status import Finding, describe_relay, examine_relay
from seawall.exchange.relay.server.witness import Witness

__all__ = [
    "DEFAULT_PORT",
    "Books",
    "Counter",
    "Finding",
    "Mailboxes",
    "Quota",
    "RelayFolder",
    "RelayRole",
    "RelayServer",
    "Witness",
    "describe_relay",
    "examine_relay",
    "make_relay",
]
