"""Peers, circles in force, and the exchange with them over TAXII 2.1.

Comes in: recorded releases, and what peers offer or post. Goes out: bytes of recorded releases to whom they were
released, and received objects, checked, through the inbound desk. Never here: deciding a release (``policy``),
recording it (``ledger``), keeping anything (``store``): ``flow`` injects these as an ``ExchangeService``, a
``ReleaseService`` and callbacks.

>>> from seawall.exchange import collection_id
>>> collection_id("node--1", "tw-kr") == collection_id("node--1", "tw-kr") != collection_id("node--2", "tw-kr")
True
"""

from typing import TYPE_CHECKING

from seawall.model.faces import on_first_use

if TYPE_CHECKING:
    from seawall.exchange.bounds import DEFAULT_BOUNDS, Bounds
    from seawall.exchange.discipline import OF_CODE, Conduct, Misdeed, judge
    from seawall.exchange.faults import Busy
    from seawall.exchange.inbound import Declined, InboundDesk, ReceivedObject, TakenIn
    from seawall.exchange.interface import (
        CollectionInfo,
        ExchangeService,
        ObjectsQuery,
        Outcome,
        ReleasedPage,
        collection_id,
        manifest_record,
    )
    from seawall.exchange.listeners import (
        PEER_KEY,
        HostCheck,
        Listener,
        allowed_hosts,
        bearer_token,
        local_actor,
        local_listener,
        peer_listener,
        require_safe_bind,
    )
    from seawall.exchange.peers import add_peer, require_verified, sever_peer, suspend_peer, verify_peer
    from seawall.exchange.sync import RECEIVE, SEND, CursorStore, Outgoing, ReleaseService, SyncDeps, SyncReport, sync
    from seawall.exchange.taxii import Crossing, TaxiiClient, TaxiiDoor, Wire, peer_app, taxii_router, taxii_state
else:
    __getattr__ = on_first_use(
        __name__,
        {
            "bounds": ("DEFAULT_BOUNDS", "Bounds"),
            "discipline": ("OF_CODE", "Conduct", "Misdeed", "judge"),
            "faults": ("Busy",),
            "inbound": ("Declined", "InboundDesk", "ReceivedObject", "TakenIn"),
            "interface": (
                "CollectionInfo",
                "ExchangeService",
                "ObjectsQuery",
                "Outcome",
                "ReleasedPage",
                "collection_id",
                "manifest_record",
            ),
            "listeners": (
                "PEER_KEY",
                "HostCheck",
                "Listener",
                "allowed_hosts",
                "bearer_token",
                "local_actor",
                "local_listener",
                "peer_listener",
                "require_safe_bind",
            ),
            "peers": ("add_peer", "require_verified", "sever_peer", "suspend_peer", "verify_peer"),
            "sync": ("RECEIVE", "SEND", "CursorStore", "Outgoing", "ReleaseService", "SyncDeps", "SyncReport", "sync"),
            "taxii": ("Crossing", "TaxiiClient", "Wire", "TaxiiDoor", "peer_app", "taxii_router", "taxii_state"),
        },
    )

__all__ = [
    "DEFAULT_BOUNDS",
    "OF_CODE",
    "PEER_KEY",
    "RECEIVE",
    "SEND",
    "Bounds",
    "Busy",
    "CollectionInfo",
    "Conduct",
    "Crossing",
    "CursorStore",
    "Declined",
    "ExchangeService",
    "HostCheck",
    "InboundDesk",
    "Listener",
    "Misdeed",
    "ObjectsQuery",
    "Outcome",
    "Outgoing",
    "ReceivedObject",
    "ReleaseService",
    "ReleasedPage",
    "SyncDeps",
    "SyncReport",
    "TakenIn",
    "TaxiiClient",
    "TaxiiDoor",
    "Wire",
    "add_peer",
    "allowed_hosts",
    "bearer_token",
    "collection_id",
    "judge",
    "local_actor",
    "local_listener",
    "manifest_record",
    "peer_app",
    "peer_listener",
    "require_safe_bind",
    "require_verified",
    "sever_peer",
    "suspend_peer",
    "sync",
    "taxii_router",
    "taxii_state",
    "verify_peer",
]
