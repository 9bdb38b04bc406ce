"""A message to a tool of ours as a signed HTTPS POST."""

from __future__ import annotations

import ssl

from seawall.flow.mail_peers import secret_of
from seawall.flow.node import Node
from seawall.model import Fault, Recorded, Release, Unavailable
from seawall.settings import ChannelSettings
from seawall.warn.channels import webhook_headers

SECONDS = 30.0  # for the whole answer


def send_webhook(node: Node, channel: ChannelSettings, released: Recorded[Release]) -> None:
    """POST the released document. Only a 2xx answer counts; redirects are not followed, and the body is not read.

    Raises Unavailable E-FLOW-844 when the endpoint cannot be reached or trusted, or answers otherwise; Fault E-FLOW-845
    for a secret that is too short.
    """
    import httpx  # most commands call nobody

    try:
        headers = webhook_headers(released, secret_of(node, channel.secret_file).strip(), node.clock() // 1_000_000)
    except ValueError:
        raise Fault(
            "E-FLOW-845", "The secret of channel {name} is too short; use 16 bytes or more.", name=channel.name
        ) from None
    trust = ssl.create_default_context(cafile=str(node.folder / channel.ca_file) if channel.ca_file else None)
    try:
        with (
            httpx.Client(verify=trust, timeout=SECONDS, follow_redirects=False, trust_env=False) as client,
            client.stream("POST", channel.url, content=released.value.objects[0].body, headers=headers) as answer,
        ):
            status = answer.status_code
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise _failed(channel, str(error) or type(error).__name__) from None
    if not 200 <= status < 300:
        raise _failed(channel, f"status {status}")


def _failed(channel: ChannelSettings, reason: str) -> Unavailable:
    return Unavailable(
        "E-FLOW-844", "Channel {name} did not take it: {reason}.", name=channel.name, reason=reason[:200]
    )
