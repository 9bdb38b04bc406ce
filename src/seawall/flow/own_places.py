"""By what this node and its peers are reached, as far as settings and store know it: none of it may be blocked.

Names are protected as names; what they resolve to is not looked up, because the gate asks nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from seawall.flow.node import Node
from seawall.model.peer import PeerState


def own_places(node: Node) -> tuple[str, ...]:
    """Hosts (names or addresses) that the node calls or is called at, peers' own hosts aside."""
    return tuple(sorted({host for url in _endpoints(node) if (host := _host(url))}))


def _endpoints(node: Node) -> Iterator[str]:
    # asked lazily: the gate is made in processes that never mail, deliver or relay
    from seawall.flow.deliver_channels import channel_endpoints
    from seawall.flow.mail_watch import mail_endpoints
    from seawall.flow.misp_servers import endpoints as misp_endpoints
    from seawall.flow.outside_witnesses import witness_endpoints
    from seawall.flow.overlap_counter import counter_of
    from seawall.flow.relay_book import relay_endpoints

    settings = node.settings
    yield from (settings.serve.host, settings.serve.peer_host, settings.lake.s3_endpoint, settings.store.url)
    yield from (settings.lake.spark_master.partition(",")[0], settings.lake.spark_remote)
    yield from mail_endpoints(settings.mail)
    yield from channel_endpoints(settings.deliver)
    yield from misp_endpoints(node)
    yield from witness_endpoints(node)
    yield from relay_endpoints(node)
    for peer in node.store.peers.list():
        if peer.state is PeerState.VERIFIED and (place := counter_of(node, peer.code_name)) is not None:
            yield place.url


def _host(url: str) -> str:
    """The host of a URL, of ``host:port`` or by itself; empty for what names every address or none."""
    try:
        host = urlsplit(url if "//" in url else f"//{url}").hostname or ""
    except ValueError:
        return ""
    return "" if host in ("0.0.0.0", "::", "localhost") else host  # noqa: S104 - left out, not bound
