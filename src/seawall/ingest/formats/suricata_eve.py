"""Suricata EVE JSON, every event type, versions 4 to 8 (one JSON object per line).

Reference: Suricata user guide, "EVE JSON Format", and ``etc/schema.json`` of Suricata 7.0.
"""

from __future__ import annotations

from typing import Any

from seawall.ingest.interface import Engine, Reader
from seawall.ingest.json_lines import JsonLines, array_lines, first_objects, looks_like_objects
from seawall.ingest.salvage import JsonReader

# Everything that is read, in the nesting of EVE: "" is a text, {} an object, [] a list of what it holds.
_FILE = {"filename": "", "md5": "", "sha1": "", "sha256": ""}
SHAPE: dict[str, Any] = {
    "timestamp": "",
    "event_type": "",
    "src_ip": "",
    "src_port": "",
    "dest_ip": "",
    "dest_port": "",
    "proto": "",
    "host": "",
    "direction": "",
    "alert": {
        "action": "",
        "signature_id": "",
        "signature": "",
        "category": "",
        "severity": "",
        "metadata": {"cve": "", "mitre_technique_id": ""},
    },
    "http": {"hostname": "", "url": "", "http_port": ""},
    "dns": {"rrname": "", "queries": [{"rrname": ""}], "query": [{"rrname": ""}]},
    "tls": {"sni": "", "fingerprint": "", "ja3": {"hash": ""}, "ja4": ""},
    "quic": {"sni": "", "ja3": {"hash": ""}, "ja4": ""},
    "fileinfo": _FILE,
    "files": [_FILE],
    "ssh": {"client": {"hassh": {"hash": ""}}, "server": {"hassh": {"hash": ""}}},
    "smtp": {"mail_from": "", "rcpt_to": ""},
    "flow": {"src_ip": ""},
    "drop": {"reason": ""},
}
# Texts whose content is not checked later: an object or list there would otherwise be stored as its JSON text.
STRICT_TEXTS = frozenset(
    {"host", "proto", "alert.action", "alert.signature", "alert.category", "fileinfo.filename", "event_type"}
)
TELLING = ("timestamp", "event_type", "src_ip", "dest_ip", "proto")  # every event has at least one of these

COLUMNS = {
    "kind": "event_type",
    "sensor": "nullif(host, '')",
    "time": "epoch_us(try_strptime(timestamp, '%Y-%m-%dT%H:%M:%S.%f%z'))",
    "time_raw": "timestamp",
    "src_raw": "nullif(src_ip, '')",
    "src_port_raw": "src_port",
    "dst_raw": "nullif(dest_ip, '')",
    "dst_port_raw": "dest_port",
    "protocol": "proto",
    "client_is_source": "CASE WHEN flow.src_ip IS NOT NULL THEN flow.src_ip = src_ip "
    "WHEN direction = 'to_client' THEN false "
    "WHEN event_type = 'dns' AND src_port = '53' AND dest_port <> '53' THEN false ELSE true END",
    "host": "nullif(lower(rtrim(coalesce(http.hostname, dns.rrname, dns.queries[1].rrname, dns.query[1].rrname, "
    "tls.sni, quic.sni), '.')), '')",
    "has_http_host": "http.hostname IS NOT NULL",
    "path": "http.url",
    "http_port": "CASE WHEN http.http_port NOT IN ('0', '80') THEN http.http_port END",
    "sender": "nullif(smtp.mail_from, '')",
    "recipient": "nullif(smtp.rcpt_to, '')",
    "md5": "coalesce(fileinfo.md5, files[1].md5)",
    "sha1": "coalesce(fileinfo.sha1, files[1].sha1)",
    "sha256": "coalesce(fileinfo.sha256, files[1].sha256)",
    "file_name": "coalesce(fileinfo.filename, files[1].filename)",
    "ja3": "coalesce(tls.ja3.hash, quic.ja3.hash)",
    "ja4": "coalesce(tls.ja4, quic.ja4)",
    "hassh_client": "ssh.client.hassh.hash",
    "hassh_server": "ssh.server.hassh.hash",
    "certificate": "replace(tls.fingerprint, ':', '')",
    "action": 'coalesce(alert.action, "drop".reason)',
    "signature_id_raw": "alert.signature_id",
    "signature": "alert.signature",
    "severity_raw": "alert.severity",
    "category": "alert.category",
    "cve_text": "alert.metadata.cve",
    "technique_text": "alert.metadata.mitre_technique_id",
}

LINES = JsonLines(
    SHAPE, COLUMNS, TELLING, kind="event_type", foreign=("not-eve", "it has no event type"), strict_texts=STRICT_TEXTS
)


class SuricataEve:
    """Suricata EVE; see ``interface.Format`` for what each method promises."""

    name = "suricata-eve"

    def recognises(self, head: bytes) -> bool:
        """True when an early line, or the first element of an array, is an object with ``event_type``."""
        return any("event_type" in event for event in first_objects(head, (b'"event_type"',)))

    def plausible(self, head: bytes) -> bool:
        """True when a line looks like the beginning of a JSON object."""
        return looks_like_objects(head)

    def unfold(self, whole: bytes) -> bytes | None:
        """An array of events, one a line."""
        return array_lines(whole)

    def reader(self, engine: Engine) -> Reader:
        """Events need no memory of earlier lines."""
        return JsonReader(LINES, engine)
