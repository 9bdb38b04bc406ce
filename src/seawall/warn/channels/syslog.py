"""Syslog lines (RFC 5424), one for each value of a message, and their framing over TCP and TLS (RFC 6587, RFC 5425).

``<PRI>1 TIMESTAMP HOSTNAME seawall - warning - MSG``; MSG is ``key="value"`` pairs in UTF-8 behind a byte order mark
(section 6.4). Structured data is left out: its names need an enterprise number, and we have none.
"""

from __future__ import annotations

from collections.abc import Mapping

from seawall.model import Recorded, Release
from seawall.warn.channels.message import GroupMessage, ValueMessage, message_of

FACILITY = 16  # local0
LEVELS = {"info": 6, "low": 5, "medium": 4, "high": 3, "critical": 2}  # RFC 5424 table 2
MOST_BYTES = 2_048  # section 6.1: receivers should take so much; a longer line is cut at its end
_HOST = 255  # characters of HOSTNAME


def syslog_lines(released: Recorded[Release]) -> list[bytes]:
    """One line for each value; a test message has one."""
    message = message_of(released)
    if message.test:
        return [line_of(message, "info", 'event="test" id="' + message.id + '"')]
    return [line_of(message, one.severity, _pairs(_said(message, one))) for one in message.values]


def line_of(message: GroupMessage, severity: str, text: str) -> bytes:
    """One line with its header, at most ``MOST_BYTES``."""
    host = "".join(character for character in message.node if "!" <= character <= "~")[:_HOST] or "-"
    header = f"<{FACILITY * 8 + LEVELS.get(severity, 4)}>1 {message.at} {host} seawall - warning - "
    whole = header.encode() + b"\xef\xbb\xbf" + text.encode("utf-8", "replace")
    return whole[:MOST_BYTES].decode("utf-8", "ignore").encode()


def framed(line: bytes) -> bytes:
    """Octet counting: the length, a space, the line."""
    return str(len(line)).encode() + b" " + line


def _said(message: GroupMessage, one: ValueMessage) -> dict[str, object]:
    return {
        "event": "warning", "id": message.id, "group": message.group, "severity": one.severity, "tlp": one.tlp,
        "pap": one.pap, "type": one.type.value, "value": one.value, "first_side": one.first_side,
        "first_seen": one.first_seen, "met_here": "yes" if one.met_here else "no", "confidence": one.confidence,
        "sectors": ",".join(one.sectors), "proposal": one.action or "-",
    }  # fmt: skip


def _pairs(said: Mapping[str, object]) -> str:
    return " ".join(f'{key}="{_quoted(str(value))}"' for key, value in said.items())


def _quoted(text: str) -> str:
    r"""``"``, ``\`` and ``]`` escaped as section 6.3.3 does for values; what cannot be printed becomes U+FFFD."""
    safe = "".join(character if character.isprintable() else "\ufffd" for character in text)
    return safe.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")
