"""Suricata EVE JSON, every event type, versions 4 to 8 (one JSON object per line).

Reference: Suricata user guide, "EVE JSON Format", and ``etc/schema.json`` of Suricata 7.0. Explicit columns cost a
third of automatic ones and keep unknown fields out. Numbers are read as text first, because the engine would round
1.5 to 2 and take ``true`` for 1.

What counts as a text: a JSON string, and a number or boolean as its text. A number may also be written as a string.
Anything else in such a place rejects the line, as does a repeated key among those read.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from seawall.ingest.interface import LINE_BOUND, Flaw

NOT_JSON = "not-json"
NOT_EVE = "not-eve"
WRONG_TYPE = "wrong-type"
REPEATED_KEY = "repeated-key"
HEAD_LINES = 200  # lines looked at to recognise the format

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

HOST = r"([a-z0-9_-]+\.)*[a-z0-9_-]+"  # a name or an IPv4 address, in lower case
NAME_ENDING_IN_DIGIT = r"(^|\.)[0-9]*[a-z_-][a-z0-9_-]*$"  # no address: the last label holds a non-digit


def sql_type(shape: Any) -> str:
    """The engine's type of a JSON shape: nested structures of texts."""
    if isinstance(shape, dict):
        return f"STRUCT({', '.join(f'{name} {sql_type(inner)}' for name, inner in shape.items())})"
    return f"{sql_type(shape[0])}[]" if isinstance(shape, list) else "VARCHAR"


def _read(path: str, shape: dict[str, Any], *, lenient: bool) -> str:
    columns = ", ".join(f"'{name}': '{sql_type(inner)}'" for name, inner in shape.items())
    return (
        f"read_json('{path}', format='newline_delimited', maximum_object_size={LINE_BOUND + 1024}, "
        f"ignore_errors={str(lenient).lower()}, columns={{{columns}}})"
    )


def _ipv4(octets: str, text: str) -> str:
    """Low half of the mapped address; NULL unless ``text`` is four octets without signs, spaces or leading zeros."""
    number = " + ".join(f"{octets}[{i}]::BIGINT * {1 << (32 - 8 * i)}" for i in (1, 2, 3, 4))
    digits = " + ".join(f"({octets}[{i}] >= 10)::TINYINT + ({octets}[{i}] >= 100)::TINYINT" for i in (1, 2, 3, 4))
    return f"CASE WHEN len({octets}) = 4 AND length({text}) = 7 + {digits} THEN {0xFFFF_0000_0000} + {number} END"


def _integer(text: str, kind: str) -> str:
    """The number that ``text`` spells; NULL for fractions, exponents, signs, spaces and what does not fit."""
    return f"CASE WHEN TRY_CAST({text} AS {kind})::VARCHAR = {text} THEN TRY_CAST({text} AS {kind}) END"


def _hexadecimal(text: str, *lengths: int) -> str:
    pattern = "|".join(f"[0-9a-fA-F]{{{length}}}" for length in lengths)
    return f"CASE WHEN regexp_full_match({text}, '{pattern}') THEN lower({text}) END"


# Three steps, each naming values for the next: raw fields, then typed pieces, then the TYPED columns.
_QUERY = f"""
SELECT kind, sensor, time, CASE WHEN time IS NULL THEN time_raw END AS time_text,
    src_low, CASE WHEN src_low IS NULL THEN src_raw END AS src_text, src_port,
    dst_low, CASE WHEN dst_low IS NULL THEN dst_raw END AS dst_text, dst_port,
    CASE WHEN src_port IS NULL AND src_port_raw IS NOT NULL THEN 'src_port=' || src_port_raw
        WHEN dst_port IS NULL AND dst_port_raw IS NOT NULL THEN 'dest_port=' || dst_port_raw
        WHEN signature_id IS NULL AND signature_id_raw IS NOT NULL THEN 'signature_id=' || signature_id_raw
        WHEN severity IS NULL AND severity_raw IS NOT NULL THEN 'severity=' || severity_raw END AS bad_number,
    lower(protocol) AS protocol,
    CASE WHEN plain AND (right(host, 1) > '9' OR right(host, 1) < '0' OR regexp_matches(host, '{NAME_ENDING_IN_DIGIT}'))
        THEN host END AS domain,
    CASE WHEN plain AND has_http_host AND simple_path THEN 'http://' || host || coalesce(':' || http_port, '') || path
        END AS url,
    CASE WHEN NOT plain OR NOT simple_path THEN host END AS host_text,
    CASE WHEN NOT plain OR NOT simple_path THEN path END AS path_text,
    CASE WHEN NOT plain OR NOT simple_path THEN http_port END AS port_text,
    sender, recipient,
    {_hexadecimal("md5", 32)} AS md5, {_hexadecimal("sha1", 40)} AS sha1, {_hexadecimal("sha256", 64)} AS sha256,
    nullif(file_name, '') AS file_name, {_hexadecimal("ja3", 32)} AS ja3, nullif(ja4, '') AS ja4,
    {_hexadecimal("hassh_client", 32)} AS hassh_client, {_hexadecimal("hassh_server", 32)} AS hassh_server,
    {_hexadecimal("certificate", 40, 64)} AS certificate,
    action, signature_id, signature, severity, category, cve_text, technique_text,
    CASE WHEN flow_source IS NOT NULL THEN flow_source = src_raw
        WHEN direction = 'to_client' THEN false
        WHEN kind = 'dns' AND src_port = 53 AND dst_port <> 53 THEN false
        ELSE true END AS client_is_source
FROM (
    SELECT *, {_ipv4("src_octets", "src_raw")} AS src_low, {_ipv4("dst_octets", "dst_raw")} AS dst_low,
        {_integer("src_port_raw", "USMALLINT")}::INTEGER AS src_port,
        {_integer("dst_port_raw", "USMALLINT")}::INTEGER AS dst_port,
        {_integer("signature_id_raw", "BIGINT")} AS signature_id, {_integer("severity_raw", "INTEGER")} AS severity,
        regexp_full_match(host, '{HOST}') AND length(host) <= 253 AS plain,
        path IS NULL OR (starts_with(path, '/') AND NOT contains(path, '#')) AS simple_path
    FROM (
        SELECT event_type AS kind, nullif(host, '') AS sensor, timestamp AS time_raw,
            epoch_us(try_strptime(timestamp, '%Y-%m-%dT%H:%M:%S.%f%z')) AS time,
            nullif(src_ip, '') AS src_raw, TRY_CAST(string_split(src_ip, '.') AS UTINYINT[]) AS src_octets,
            nullif(dest_ip, '') AS dst_raw, TRY_CAST(string_split(dest_ip, '.') AS UTINYINT[]) AS dst_octets,
            src_port AS src_port_raw, dest_port AS dst_port_raw, proto AS protocol, direction,
            flow.src_ip AS flow_source,
            nullif(lower(rtrim(coalesce(http.hostname, dns.rrname, dns.queries[1].rrname, dns.query[1].rrname, tls.sni,
                quic.sni), '.')), '') AS host,
            http.hostname IS NOT NULL AS has_http_host, http.url AS path,
            CASE WHEN http.http_port NOT IN ('0', '80') THEN http.http_port END AS http_port,
            nullif(smtp.mail_from, '') AS sender, nullif(smtp.rcpt_to, '') AS recipient,
            coalesce(fileinfo.md5, files[1].md5) AS md5, coalesce(fileinfo.sha1, files[1].sha1) AS sha1,
            coalesce(fileinfo.sha256, files[1].sha256) AS sha256,
            coalesce(fileinfo.filename, files[1].filename) AS file_name,
            coalesce(tls.ja3.hash, quic.ja3.hash) AS ja3, coalesce(tls.ja4, quic.ja4) AS ja4,
            ssh.client.hassh.hash AS hassh_client, ssh.server.hassh.hash AS hassh_server,
            replace(tls.fingerprint, ':', '') AS certificate,
            coalesce(alert.action, "drop".reason) AS action, alert.signature_id AS signature_id_raw,
            alert.signature AS signature,
            alert.severity AS severity_raw, alert.category AS category,
            alert.metadata.cve AS cve_text, alert.metadata.mitre_technique_id AS technique_text
        FROM $SOURCE
    )
)"""


class SuricataEve:
    """Suricata EVE; see ``interface.Format`` for what each method promises."""

    name = "suricata-eve"

    def recognises(self, head: bytes) -> bool:
        """True when an early line, or the first element of an array, is an object with ``event_type``."""
        if head.lstrip()[:1] == b"[":
            return b'"event_type"' in head and b'"timestamp"' in head
        for line in head.split(b"\n", HEAD_LINES)[:HEAD_LINES]:
            if b'"event_type"' in line:
                try:
                    event = msgspec.json.decode(line)
                except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                    continue
                if isinstance(event, dict) and "event_type" in event:
                    return True
        return False

    def plausible(self, head: bytes) -> bool:
        """True when a line looks like the beginning of a JSON object."""
        return any(line.lstrip()[:1] == b"{" for line in head.split(b"\n", HEAD_LINES)[:HEAD_LINES])

    def query(self, path: str) -> str:
        """One typed row per line. The engine raises when a line is no JSON object or nests values in wrong places."""
        return _QUERY.replace("$SOURCE", _read(path, SHAPE, lenient=False))

    def syntax_query(self, path: str) -> str:
        """One row per line: whether the engine can parse it as an object with at least one telling field."""
        parsed = " OR ".join(f"{name} IS NOT NULL" for name in TELLING)
        return f"SELECT {parsed} AS parsed FROM {_read(path, dict.fromkeys(TELLING, ''), lenient=True)}"

    def flaw(self, line: bytes) -> Flaw | None:
        """What is wrong with the shape of one line: encoding, syntax, then types."""
        try:
            event = msgspec.json.decode(line)
        except RecursionError:
            return None  # deep nesting among fields that are not read is harmless; the engine decides
        except UnicodeDecodeError as error:
            return Flaw(NOT_JSON, f"invalid UTF-8: {error.reason}")
        except msgspec.DecodeError as error:
            return Flaw(NOT_JSON, str(error).removeprefix("JSON is malformed: "))
        if not isinstance(event, dict):
            return Flaw(NOT_EVE, "it is no JSON object")
        if event.get("event_type") is None:
            return Flaw(NOT_EVE, "it has no event type")
        misplaced = _misplaced(event, SHAPE, "")
        return Flaw(WRONG_TYPE, misplaced) if misplaced else None

    def thorough_flaw(self, line: bytes) -> Flaw | None:
        """As ``flaw``, and a repeated key among those read."""
        if (found := self.flaw(line)) is not None:
            return found
        try:
            event = json.loads(line, object_pairs_hook=_with_repeats)
        except (ValueError, RecursionError):
            return None
        repeated = _repeated(event, SHAPE)
        return Flaw(REPEATED_KEY, f"{repeated!r} stands twice in one object") if repeated else None


_REPEATS = "\0repeated"  # no key of a line: it is set after the line's own keys


def _with_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    seen: set[str] = set()
    found[_REPEATS] = {key for key, _ in pairs if key in seen or seen.add(key)}  # type: ignore[func-returns-value]
    return found


def _repeated(value: Any, shape: Any) -> str | None:
    """The first key of ``shape`` that stands twice in ``value``."""
    if isinstance(shape, list):
        inner = [_repeated(item, shape[0]) for item in value] if isinstance(value, list) else []
        return next((key for key in inner if key), None)
    if not isinstance(shape, dict) or not isinstance(value, dict):
        return None
    for key, below in shape.items():
        if key in value[_REPEATS]:
            return str(key)
        if key in value and (found := _repeated(value[key], below)):
            return found
    return None


def _misplaced(value: Any, shape: Any, where: str) -> str | None:
    """The first place where ``value`` does not fit ``shape``, as a sentence part. NULL fits everywhere."""
    if value is None:
        return None
    if isinstance(shape, list):
        if not isinstance(value, list):
            return f"{where} is no list"
        return next((found for item in value if (found := _misplaced(item, shape[0], f"an item of {where}"))), None)
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return f"{where} is no object"
        inner = ((value.get(key), below, f"{where}.{key}".lstrip(".")) for key, below in shape.items())
        return next((found for item in inner if (found := _misplaced(*item))), None)
    return f"{where} is no text" if where in STRICT_TEXTS and isinstance(value, dict | list) else None
