"""The channels of the settings, checked: what is missing is said before anything is sent."""

from __future__ import annotations

from urllib.parse import urlsplit

from seawall.flow.node import Node
from seawall.messages import is_spoken
from seawall.model import Fault, NotFound
from seawall.settings import ChannelSettings, DeliverSettings

NEEDS = {"mail": ("to",), "webhook": ("url", "secret_file"), "syslog": ("host",), "taxii": ("circle",)}


def channels_of(node: Node) -> dict[str, ChannelSettings]:
    """The channels by name. Raises Fault E-FLOW-841 for a missing setting, -842 for a name given twice, -843 for an
    address that is not HTTPS, -851 for a language that nobody speaks here."""
    found: dict[str, ChannelSettings] = {}
    for channel in node.settings.deliver.channels:
        for needed in NEEDS[channel.kind]:
            if not getattr(channel, needed):
                raise Fault(
                    "E-FLOW-841",
                    "Channel {name} of kind {kind} needs the setting {setting}.",
                    name=repr(channel.name[:40]),
                    kind=channel.kind,
                    setting=needed,
                )
        if channel.name in found or not channel.name:
            raise Fault(
                "E-FLOW-842", "Each channel needs a name of its own; {name} is none.", name=repr(channel.name[:40])
            )
        address = urlsplit(channel.url)
        if channel.kind == "webhook" and (address.scheme != "https" or not address.hostname):
            raise Fault("E-FLOW-843", "The address of channel {name} must begin with https://.", name=channel.name)
        if channel.lang and not is_spoken(channel.lang):
            raise Fault(
                "E-FLOW-851",
                "Channel {name} cannot speak {lang}; use en, zh-Hant or ko.",
                name=channel.name,
                lang=repr(channel.lang[:20]),
            )
        found[channel.name] = channel
    return found


def named_channel(node: Node, name: str) -> ChannelSettings:
    """One channel. Raises NotFound E-FLOW-849, and what ``channels_of`` raises."""
    channels = channels_of(node)
    if name not in channels:
        known = ", ".join(channels) or "none"
        raise NotFound("E-FLOW-849", "There is no channel {name}; set are: {known}.", name=repr(name[:40]), known=known)
    return channels[name]


def channel_endpoints(settings: DeliverSettings) -> list[str]:
    """What channels call, for ``doctor``; mail goes to the mail server, which it lists already."""
    found = []
    for channel in settings.channels:
        if channel.kind == "webhook":
            parts = urlsplit(channel.url)
            found.append(f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}")
        elif channel.kind == "syslog":
            found.append(f"syslog+{channel.transport}://{channel.host}:{channel.port}")
    return list(dict.fromkeys(found))
