"""Cowrie's JSON log: every event of its SSH and Telnet honeypot, one a line.

What an attacker caused has basis ``honeypot``; what Cowrie's output modules add about it (look-ups at other services)
has none. Passwords are never read. Of a download, the honeypot is the client and the URL names the other side; the
hash in ``cowrie.log.closed`` is that of Cowrie's own recording and no file's.

Reference: Cowrie documentation, "Output Event Code Reference" (2.x and 3.x); ``core/output.py`` of Cowrie.
"""

from __future__ import annotations

from typing import Any

from seawall.ingest.interface import Engine, Reader
from seawall.ingest.json_lines import JsonLines, array_lines, first_objects, looks_like_objects
from seawall.ingest.salvage import JsonReader

CAUSED = ("session", "client", "login", "command", "direct-tcpip", "tunnelproxy-tcpip", "telnet", "log")
RSIT = {  # event -> class; the first beginning that fits
    "cowrie.login.failed": "intrusion-attempts:brute-force",
    "cowrie.login.success": "intrusions:unprivileged-account-compromise",
    "cowrie.session.file_": "malicious-code:malware-distribution",
    "cowrie.command.": "intrusion-attempts:ids-alert",
    "cowrie.direct-tcpip.": "intrusion-attempts:ids-alert",
    "cowrie.tunnelproxy-tcpip.": "intrusion-attempts:ids-alert",
    "cowrie.client.fingerprint": "intrusion-attempts:brute-force",  # a key was offered
}
OTHER = "information-gathering:scanner"
BASIS = "honeypot"
SHAPE: dict[str, Any] = {
    "eventid": "",
    "timestamp": "",
    "sensor": "",
    "src_ip": "",
    "src_port": "",
    "dst_ip": "",
    "dst_port": "",
    "username": "",
    "input": "",
    "url": "",
    "shasum": "",
    "filename": "",
    "destfile": "",
    "hassh": "",
}
STRICT_TEXTS = frozenset({"eventid", "sensor", "username", "input", "filename", "destfile"})
_CAUSED = " OR ".join(f"starts_with(eventid, 'cowrie.{area}.')" for area in CAUSED)
_RSIT = " ".join(f"WHEN starts_with(eventid, '{begin}') THEN '{rsit}'" for begin, rsit in RSIT.items())
_FILE = "starts_with(eventid, 'cowrie.session.file_')"
_ADDRESS = r"regexp_full_match(dst_ip, '[0-9.]+|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*')"
_FORWARDED = "(starts_with(eventid, 'cowrie.direct-tcpip.') OR starts_with(eventid, 'cowrie.tunnelproxy-tcpip.'))"

COLUMNS = {
    "kind": "eventid",
    "sensor": "nullif(sensor, '')",
    "time": "epoch_us(try_strptime(timestamp, '%Y-%m-%dT%H:%M:%S.%fZ'))",
    "time_raw": "timestamp",
    "src_raw": "nullif(src_ip, '')",
    "src_port_raw": "src_port",
    "dst_raw": f"CASE WHEN NOT {_FORWARDED} OR {_ADDRESS} THEN nullif(dst_ip, '') END",
    "dst_port_raw": "dst_port",
    "protocol": "'tcp'",
    "client_is_source": "CASE WHEN url IS NOT NULL THEN false END",
    "host": f"CASE WHEN {_FORWARDED} AND NOT {_ADDRESS} THEN nullif(lower(rtrim(dst_ip, '.')), '') END",
    "path": "nullif(url, '')",
    "sha256": f"CASE WHEN {_FILE} THEN shasum END",
    "file_name": f"CASE WHEN {_FILE} THEN coalesce(nullif(filename, ''), destfile) END",
    "hassh_client": "hassh",
    "username": "username",
    "command": '"input"',
    "basis": f"CASE WHEN {_CAUSED} THEN '{BASIS}' END",
    "rsit": f"CASE WHEN {_CAUSED} THEN CASE {_RSIT} ELSE '{OTHER}' END END",
}
LINES = JsonLines(
    SHAPE,
    COLUMNS,
    telling=("eventid", "timestamp", "src_ip"),
    kind="eventid",
    foreign=("not-cowrie", "it has no event id"),
    strict_texts=STRICT_TEXTS,
)


def evidence(event: str) -> tuple[str | None, str | None]:
    """Basis and RSIT class of an event id, as COLUMNS has them; None where it is no evidence."""
    if not event.startswith(tuple(f"cowrie.{area}." for area in CAUSED)):
        return None, None
    return BASIS, next((rsit for begin, rsit in RSIT.items() if event.startswith(begin)), OTHER)


class Cowrie:
    """Cowrie JSON; see ``interface.Format`` for what each method promises."""

    name = "cowrie"

    def recognises(self, head: bytes) -> bool:
        """True when an early line is an object with an event id of Cowrie."""
        events = first_objects(head, (b'"eventid"', b'"cowrie.'))
        return any(str(event.get("eventid")).startswith("cowrie.") for event in events)

    def plausible(self, head: bytes) -> bool:
        """True when a line that looks like the beginning of an object speaks of Cowrie's events."""
        return b'"cowrie.' in head and looks_like_objects(head)

    def unfold(self, whole: bytes) -> bytes | None:
        """An array of events, one a line."""
        return array_lines(whole)

    def reader(self, engine: Engine) -> Reader:
        """Events need no memory of earlier lines."""
        return JsonReader(LINES, engine)
