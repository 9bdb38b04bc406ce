"""The two doors of a node. Comes in: an app, a TLS context, who may enter. Goes out: a running listener.

Never here: what is behind the door. ``peer_listener`` admits pinned peers only, ``local_listener`` people and
third-party clients of this machine (or over TLS).
"""

from seawall.exchange.listeners.local import HostCheck, allowed_hosts, bearer_token, local_actor, require_safe_bind
from seawall.exchange.listeners.peer import PEER_KEY, peer_actor
from seawall.exchange.listeners.serving import local_listener, peer_listener
from seawall.exchange.listening import Listener

__all__ = [
    "PEER_KEY",
    "HostCheck",
    "Listener",
    "allowed_hosts",
    "bearer_token",
    "local_actor",
    "local_listener",
    "peer_actor",
    "peer_listener",
    "require_safe_bind",
]
