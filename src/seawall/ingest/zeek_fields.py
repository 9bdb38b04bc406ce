"""What the logs of Zeek say, as raw columns: one meaning for their JSON and their TSV form.

Reference: "Log Files" of the Zeek book (docs.zeek.org, 3.0 to 7.x), and the ``Info`` records of ``base/protocols`` and
``base/frameworks`` for fields and names.

The originator of a connection is its client and our source. Beyond that:

- **files**: who sent the file is the source (``tx_hosts``, or ``is_orig`` since Zeek 5.1).
- **notice**: evidence (``alert``) unless the note only describes weather, housekeeping or a weakness of our own
  (QUIET_NOTES). An **intel** hit is the sensor's own alert; what was seen goes to the column of its kind.
- **kerberos**: the host or realm of the service. Names of people are not taken: no Kerberos client, no RDP cookie, no
  FTP user.
- Everything else is context: basis ``none``.

The type of a log is its ``_path``, which TSV headers give and JSON streaming adds. Without it, the first field of
TELLING that a record has decides: fields that Zeek always writes into that log, and into no log after it in the list.
A record with none of them, as of a connection that Zeek understood little of, has the type of the others of its file
when those agree, and is of kind ``zeek`` otherwise.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from seawall.ingest.interface import Reading, Typed
from seawall.ingest.json_lines import sql_type
from seawall.ingest.typed import RAW, typed

OTHER = "zeek"  # the kind of a record that neither names its log nor has a telling field
TELLING = {  # log -> the field, or the condition, that tells it
    "signatures": "sig_id",
    "notice": "note",
    "intel": '"seen.indicator"',
    "conn": "conn_state",
    "dns": "rejected",
    "http": "request_body_len",
    "ssl": "resumed",
    "files": "analyzers",
    "x509": '"certificate.serial"',
    "smtp": "is_webmail",
    "ssh": "auth_attempts",
    "rdp": "cert_count",
    "kerberos": "request_type",
    "software": "software_type",
    "dhcp": "msg_types",
    "ftp": "reply_code",
    "weird": "notice",
    "ntp": "stratum",
    "dce_rpc": "endpoint",
    "smb_mapping": "share_type",
    "smb_files": '"times.modified"',
    "tunnel": "tunnel_type",
    "known_services": "port_num",
    "capture_loss": "percent_lost",
    "stats": "pkts_proc",
    "packet_filter": "filter",
    "reporter": "level",
}
SHAPE: dict[str, Any] = {
    "_path": "",
    "_system_name": "",
    "ts": "",
    "id.orig_h": "",
    "id.orig_p": "",
    "id.resp_h": "",
    "id.resp_p": "",
    "proto": "",
    "query": "",
    "host": "",
    "uri": "",
    "server_name": "",
    "ja3": "",
    "ja4": "",
    "cert_chain_fps": [""],
    "fingerprint": "",
    "tx_hosts": [""],
    "rx_hosts": [""],
    "is_orig": "",
    "filename": "",
    "md5": "",
    "sha1": "",
    "sha256": "",
    "mailfrom": "",
    "rcptto": [""],
    "hassh": "",
    "hasshServer": "",
    "seen.indicator": "",
    "seen.indicator_type": "",
    "seen.where": "",
    "note": "",
    "src": "",
    "dst": "",
    "p": "",
    "name": "",
    "service": "",
    "client_addr": "",
    "server_addr": "",
    **{field.strip('"'): "" for field in TELLING.values()},
}
STRICT_TEXTS = frozenset({"_path", "_system_name", "proto", "note", "name", "filename", "seen.where"})

QUIET_NOTES = (  # beginnings of notes that describe no attack
    "CaptureLoss::",
    "Cluster::",
    "Communication::",
    "Conn::",  # gaps and inconsistencies of what was captured
    "DNS::External_Name",
    "Notice::",
    "PacketFilter::",
    "ProtocolDetector::",  # a protocol on an unusual port
    "SMTP::Blocklist_",  # what others think of our mail server
    "SSH::Interesting_Hostname_Login",
    "SSH::Watched_Country_Login",
    "SSL::",  # certificates and keys that expire or are weak; Heartbleed has notes of its own
    "Software::",  # what is installed
    "Traceroute::",
    "UnknownProtocol::",
    "Weird::",
)
RSIT_NOTES = {  # beginning of a note -> class; the first that fits
    "Scan::": "information-gathering:scanner",
    "SSH::Password_Guessing": "intrusion-attempts:brute-force",
    "SSH::Login_By_Password_Guesser": "intrusions:unprivileged-account-compromise",
    "FTP::Bruteforcing": "intrusion-attempts:brute-force",
    "RDP::": "intrusion-attempts:brute-force",
    "HTTP::SQL_Injection": "intrusion-attempts:exploit",
    "Heartbleed::": "intrusion-attempts:exploit",
    "CVE_": "intrusion-attempts:exploit",
    "TeamCymruMalwareHashRegistry::": "malicious-code:malware-distribution",
    "DoS::": "availability:dos",
}
OTHER_ALERT = "intrusion-attempts:ids-alert"


def _of(kinds: dict[str, str], otherwise: str = "NULL") -> str:
    """SQL that takes another expression for each kind of log."""
    cases = " ".join(f"WHEN '{kind}' THEN {value}" for kind, value in kinds.items())
    return f"CASE kind {cases} ELSE {otherwise} END"


def _begins(text: str, beginnings: tuple[str, ...]) -> str:
    return " OR ".join(f"starts_with({text}, '{beginning}')" for beginning in beginnings)


def _seen(kind: str) -> str:
    return f'CASE WHEN "seen.indicator_type" = \'Intel::{kind}\' THEN "seen.indicator" END'


_KIND = " ".join(f"WHEN {field} IS NOT NULL THEN '{log}'" for log, field in TELLING.items())
_MICROSECONDS = "TRY_CAST(ts || 'e6' AS BIGINT)"  # exact: the engine shifts the decimal point
_LATEST = 4_102_444_800_000_000  # microseconds; a greater number was milliseconds (JSON::TS_MILLIS)
_RSIT = " ".join(f"WHEN starts_with(note, '{begin}') THEN '{rsit}'" for begin, rsit in RSIT_NOTES.items())
_SENT = "is_orig IN ('true', 'T')"
_PORT = "CASE WHEN proto <> 'icmp' OR proto IS NULL THEN \"id.{end}_p\" END"  # ICMP has a type and a code there
_FILE_HASH = _seen("FILE_HASH")

COLUMNS = {
    "kind": f"coalesce(nullif(_path, ''), CASE {_KIND} ELSE '{OTHER}' END)",
    "sensor": "nullif(_system_name, '')",
    "time": "CASE WHEN ts[5] = '-' THEN epoch_us(try_strptime(ts, '%Y-%m-%dT%H:%M:%S.%fZ')) "
    f"WHEN {_MICROSECONDS} >= {_LATEST} THEN {_MICROSECONDS} // 1000 ELSE {_MICROSECONDS} END",
    "time_raw": "ts",
    "src_raw": _of(
        {
            "notice": 'coalesce(src, "id.orig_h")',
            "files": f'coalesce(tx_hosts[1], CASE WHEN {_SENT} THEN "id.orig_h" ELSE "id.resp_h" END)',
            "software": "host",
            "known_hosts": "host",
            "known_services": "host",
            "dhcp": 'coalesce(client_addr, "id.orig_h")',
        },
        '"id.orig_h"',
    ),
    "src_port_raw": _of(
        {
            "notice": 'CASE WHEN src IS NULL OR src = "id.orig_h" THEN "id.orig_p" END',
            "files": f'CASE WHEN tx_hosts[1] IS NULL THEN CASE WHEN {_SENT} THEN "id.orig_p" ELSE "id.resp_p" END END',
            "known_services": "port_num",
        },
        _PORT.format(end="orig"),
    ),
    "dst_raw": _of(
        {
            "notice": 'coalesce(dst, "id.resp_h")',
            "files": f'coalesce(rx_hosts[1], CASE WHEN {_SENT} THEN "id.resp_h" ELSE "id.orig_h" END)',
            "dhcp": 'coalesce(server_addr, "id.resp_h")',
        },
        '"id.resp_h"',
    ),
    "dst_port_raw": _of(
        {
            "notice": 'coalesce(p, CASE WHEN dst IS NULL OR dst = "id.resp_h" THEN "id.resp_p" END)',
            "files": f'CASE WHEN rx_hosts[1] IS NULL THEN CASE WHEN {_SENT} THEN "id.resp_p" ELSE "id.orig_p" END END',
        },
        _PORT.format(end="resp"),
    ),
    "protocol": "proto",
    "client_is_source": _of({"files": _SENT}),
    "host": "nullif(lower(rtrim("
    + _of(
        {
            "dns": "query",
            "http": "host",
            "ssl": "server_name",
            "quic": "server_name",
            "intel": _seen("DOMAIN"),
            "kerberos": "split_part(split_part(service, '@', 1), '/', 2)",
        }
    )
    + ", '.')), '')",
    "has_http_host": "kind = 'http' AND host IS NOT NULL",
    "path": _of({"http": "uri", "intel": f"'http://' || {_seen('URL')}"}),
    "http_port": "CASE WHEN kind = 'http' AND \"id.resp_p\" NOT IN ('0', '80') THEN \"id.resp_p\" END",
    "sender": _of({"smtp": "nullif(mailfrom, '')", "intel": _seen("EMAIL")}),
    "recipient": _of({"smtp": "nullif(rcptto[1], '')", "intel": _seen("EMAIL")}),
    "md5": f"coalesce(md5, {_FILE_HASH})",
    "sha1": f"coalesce(sha1, {_FILE_HASH})",
    "sha256": f"coalesce(sha256, {_FILE_HASH})",
    "file_name": _of({"files": "filename", "smb_files": "name", "intel": _seen("FILE_NAME")}),
    "ja3": f"coalesce(ja3, {_seen('JA3')})",
    "ja4": "ja4",
    "hassh_client": "hassh",
    "hassh_server": '"hasshServer"',
    "certificate": f"replace(coalesce(cert_chain_fps[1], fingerprint, {_seen('CERT_HASH')}), ':', '')",
    "signature": _of(
        {"notice": "note", "weird": "name", "intel": 'concat_ws(\' in \', "seen.indicator_type", "seen.where")'}
    ),
    "basis": _of(
        {
            "notice": f"CASE WHEN {_begins('note', QUIET_NOTES)} THEN 'none' ELSE 'alert' END",
            "intel": "'alert'",
            "alert": "'none'",  # a site's own log of such a name says nothing that we can judge
            "drop": "'none'",
        }
    ),
    "rsit": _of(
        {
            "notice": f"CASE WHEN {_begins('note', QUIET_NOTES)} THEN NULL {_RSIT} ELSE '{OTHER_ALERT}' END",
            "intel": f"'{OTHER_ALERT}'",
        }
    ),
}


def query(relation: str, present: Collection[str]) -> str:
    """SQL that gives the TYPED columns of a relation that has the fields ``present`` of SHAPE, in their types."""
    columns = ", ".join(f"{COLUMNS.get(name, f'NULL::{kind}')} AS {name}" for name, kind in RAW.items())
    fields = ", ".join(
        f'"{name}"' if name in present else f'NULL::{sql_type(shape)} AS "{name}"' for name, shape in SHAPE.items()
    )
    return typed(f"(SELECT {columns} FROM (SELECT {fields} FROM {relation}))")


class OneLog:
    """The type of the log that a file holds, for records that tell none."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def named(self, reading: Reading) -> Reading:
        """The reading with records of kind ``zeek`` given the one type that the file has shown so far."""
        kinds = {kind for found in reading.found for kind in pc.unique(found.rows.column("kind")).to_pylist()}
        self._seen |= kinds - {OTHER}
        if OTHER not in kinds or len(self._seen) != 1:
            return reading
        (log,) = self._seen
        return Reading([Typed(found.lines, _renamed(found.rows, log)) for found in reading.found], reading.rejected)


def _renamed(rows: pa.Table, log: str) -> pa.Table:
    kinds = rows.column("kind")
    named = pc.if_else(pc.equal(kinds, OTHER), log, kinds)
    return rows.set_column(rows.schema.get_field_index("kind"), "kind", named)
