r"""Common Event Format (ArcSight, "Implementing ArcSight CEF" revision 25) inside a syslog line, one for each value.

``CEF:0|Seawall|Seawall|VERSION|warning|NAME|SEVERITY|key=value ...``. In the header ``|`` and ``\`` are escaped, in the
extension ``=`` and ``\``; line ends cannot occur, because what cannot be printed is replaced.
"""

from __future__ import annotations

from datetime import datetime

from seawall import __version__
from seawall.model import ObservableType, Recorded, Release
from seawall.warn.channels.message import GroupMessage, ValueMessage, message_of
from seawall.warn.channels.syslog import line_of

LEVELS = {"info": 1, "low": 3, "medium": 5, "high": 8, "critical": 10}  # CEF: 0 to 10
_FIELDS = {
    ObservableType.IPV4: "src", ObservableType.IPV6: "c6a2", ObservableType.DOMAIN: "dhost",
    ObservableType.URL: "request", ObservableType.EMAIL: "suser", ObservableType.MD5: "fileHash",
    ObservableType.SHA1: "fileHash", ObservableType.SHA256: "fileHash", ObservableType.FILE_NAME: "fname",
}  # fmt: skip
"""Where consumers look for such a value; other types stand in ``cs3`` only, where every value stands too."""


def cef_lines(released: Recorded[Release]) -> list[bytes]:
    """One line for each value; a test message has one."""
    message = message_of(released)
    if message.test:
        return [line_of(message, "info", _header("test", "Test of a channel", 0) + f"externalId={_value(message.id)}")]
    return [line_of(message, one.severity, _event(message, one)) for one in message.values]


def _event(message: GroupMessage, one: ValueMessage) -> str:
    name = f"Warning about {one.type.value}"
    pairs = {
        "externalId": message.id,
        "rt": str(round(datetime.fromisoformat(message.at).timestamp() * 1000)),
        "cs1Label": "group",
        "cs1": message.group,
        "cs2Label": "tlp",
        "cs2": one.tlp,
        "cs3Label": one.type.value,
        "cs3": one.value,
        "cs4Label": "firstSide",
        "cs4": one.first_side,
        "cs5Label": "sectors",
        "cs5": ",".join(one.sectors),
        "cs6Label": "proposal",
        "cs6": one.action or "-",
        "cn1Label": "confidence",
        "cn1": str(one.confidence),
        "start": str(round(datetime.fromisoformat(one.first_seen).timestamp() * 1000)),
    }
    if one.type is ObservableType.IPV6:
        pairs["c6a2Label"] = "Source IPv6 Address"
    if (field := _FIELDS.get(one.type)) is not None:
        pairs[field] = one.value
    extension = " ".join(f"{key}={_value(text)}" for key, text in pairs.items())
    return _header("warning", name, LEVELS.get(one.severity, 5)) + extension


def _header(kind: str, name: str, level: int) -> str:
    parts = ("CEF:0", "Seawall", "Seawall", __version__, kind, name, str(level))
    return "|".join(_plain(part).replace("\\", "\\\\").replace("|", "\\|") for part in parts) + "|"


def _value(text: str) -> str:
    return _plain(text).replace("\\", "\\\\").replace("=", "\\=")


def _plain(text: str) -> str:
    return "".join(character if character.isprintable() else "\ufffd" for character in text)
