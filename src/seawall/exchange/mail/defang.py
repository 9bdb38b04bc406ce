"""Values written so that nobody opens them by mistake; ``codec.refang`` undoes it."""

from __future__ import annotations

from seawall.model import ObservableType

_DOTTED = frozenset({ObservableType.IPV4, ObservableType.CIDR, ObservableType.DOMAIN, ObservableType.EMAIL})


def defang(type: ObservableType, value: str) -> str:
    """``evil[.]example``, ``hxxps://evil[.]example/path``, ``name[@]evil[.]example``; hashes stay as they are."""
    if type is ObservableType.URL:
        scheme, mark, rest = value.partition("://")
        host, slash, path = rest.partition("/")
        return f"{scheme.replace('tt', 'xx', 1)}{mark}{host.replace('.', '[.]')}{slash}{path}"
    if type in _DOTTED:
        return value.replace("@", "[@]").replace(".", "[.]")
    return value
