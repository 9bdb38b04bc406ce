"""From raw columns to typed ones, in one SQL text that all formats share.

A format finds its values, in SQL or in Python, and names them by RAW; numbers and addresses are still texts there. What
SQL cannot type is left behind as a text for ``settle``. Two steps, each naming values for the next: typed pieces, then
the TYPED columns.
"""

from __future__ import annotations

RAW = {  # name -> type of the engine; every one may be NULL but ``kind``
    "kind": "VARCHAR",
    "sensor": "VARCHAR",
    "time": "BIGINT",  # microseconds UTC where the format knows them
    "time_raw": "VARCHAR",  # an ISO 8601 text otherwise
    "src_raw": "VARCHAR",
    "src_port_raw": "VARCHAR",
    "dst_raw": "VARCHAR",
    "dst_port_raw": "VARCHAR",
    "protocol": "VARCHAR",
    "client_is_source": "BOOLEAN",  # NULL: true
    "host": "VARCHAR",  # lower case, no trailing dot: HTTP host, DNS name, TLS SNI
    "has_http_host": "BOOLEAN",  # true: host and path make a URL
    "path": "VARCHAR",  # the HTTP target, or a whole URL
    "http_port": "VARCHAR",  # NULL for 80
    "sender": "VARCHAR",
    "recipient": "VARCHAR",
    "md5": "VARCHAR",
    "sha1": "VARCHAR",
    "sha256": "VARCHAR",
    "file_name": "VARCHAR",
    "ja3": "VARCHAR",
    "ja4": "VARCHAR",
    "hassh_client": "VARCHAR",
    "hassh_server": "VARCHAR",
    "certificate": "VARCHAR",  # hexadecimal without separators
    "action": "VARCHAR",
    "signature_id_raw": "VARCHAR",
    "signature": "VARCHAR",
    "severity_raw": "VARCHAR",
    "category": "VARCHAR",
    "cve_text": "VARCHAR",
    "technique_text": "VARCHAR",
    "username": "VARCHAR",
    "command": "VARCHAR",
    "basis": "VARCHAR",  # NULL: by action and category
    "rsit": "VARCHAR",
}
HOST = r"([a-z0-9_-]+\.)*[a-z0-9_-]+"  # a name or an IPv4 address, in lower case
NAME_ENDING_IN_DIGIT = r"(^|\.)[0-9]*[a-z_-][a-z0-9_-]*$"  # no address: the last label holds a non-digit


def typed(raw: str) -> str:
    """SQL that gives the TYPED columns of the relation ``raw`` (text for FROM) that has the RAW columns, in order."""
    return _TYPED.replace("$RAW", raw)


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


_TYPED = f"""
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
    username, command, basis, rsit, client_is_source
FROM (
    SELECT *, {_ipv4("src_octets", "src_raw")} AS src_low, {_ipv4("dst_octets", "dst_raw")} AS dst_low,
        {_integer("src_port_raw", "USMALLINT")}::INTEGER AS src_port,
        {_integer("dst_port_raw", "USMALLINT")}::INTEGER AS dst_port,
        {_integer("signature_id_raw", "BIGINT")} AS signature_id, {_integer("severity_raw", "INTEGER")} AS severity,
        regexp_full_match(host, '{HOST}') AND length(host) <= 253 AS plain,
        path IS NULL OR (starts_with(path, '/') AND NOT contains(path, '#')) AS simple_path
    FROM (
        SELECT *, TRY_CAST(string_split(src_raw, '.') AS UTINYINT[]) AS src_octets,
            TRY_CAST(string_split(dst_raw, '.') AS UTINYINT[]) AS dst_octets
        FROM $RAW
    )
)"""
