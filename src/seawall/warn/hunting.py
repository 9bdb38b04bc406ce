"""How to look for one value in one's own logs: as a Sigma rule, as SQL over the lake, as ``seawall observations``.

A value is data: in YAML it is a quoted scalar with Sigma's wildcards escaped (sigma-specification 2.0, "Escaping"), in
SQL a bound parameter, and in the text for people a quoted literal.
"""

from __future__ import annotations

import ipaddress
import json
import shlex
import uuid
from collections.abc import Sequence

import msgspec

from seawall.codec.values import address_halves
from seawall.model import Observable, ObservableType, Tlp
from seawall.warn.severity import Severity

NAMESPACE = uuid.UUID("6d0a8c53-6a0e-5b3e-8a55-6a3d1f0f7c11")  # of rule ids: one value, one id
_COLUMNS = {
    ObservableType.URL: "url", ObservableType.EMAIL: "email", ObservableType.MD5: "md5", ObservableType.SHA1: "sha1",
    ObservableType.SHA256: "sha256", ObservableType.FILE_NAME: "file_name", ObservableType.JA3: "ja3",
    ObservableType.JA4: "ja4", ObservableType.HASSH: "hassh", ObservableType.CERTIFICATE: "certificate",
}  # fmt: skip
_SIGMA: dict[ObservableType, tuple[tuple[tuple[str, str], ...], tuple[str, ...]]] = {
    ObservableType.IPV4: ((("category", "firewall"),), ("src_ip", "dst_ip")),
    ObservableType.IPV6: ((("category", "firewall"),), ("src_ip", "dst_ip")),
    ObservableType.CIDR: ((("category", "firewall"),), ("src_ip|cidr", "dst_ip|cidr")),
    ObservableType.URL: ((("category", "proxy"),), ("c-uri",)),
    ObservableType.EMAIL: ((("category", "email"),), ("sender", "recipient")),
    ObservableType.FILE_NAME: ((("category", "file_event"),), ("TargetFilename|endswith",)),
    ObservableType.JA3: ((("product", "zeek"), ("service", "ssl")), ("ja3",)),
    ObservableType.JA4: ((("product", "zeek"), ("service", "ssl")), ("ja4",)),
    ObservableType.HASSH: ((("product", "zeek"), ("service", "ssh")), ("hassh",)),
    ObservableType.CERTIFICATE: ((("product", "zeek"), ("service", "x509")), ("fingerprint",)),
}
"""Log source and fields (Sigma taxonomy, else Zeek's own names). Domains and hashes are below."""
_HASHES = {ObservableType.MD5: "MD5", ObservableType.SHA1: "SHA1", ObservableType.SHA256: "SHA256"}


class LakeQuery(msgspec.Struct, frozen=True):
    """A condition over the lake's observations, its values apart; never text that somebody else wrote."""

    condition: str
    values: tuple[str | int, ...]

    def text(self) -> str:
        """The whole statement for a person to read or copy, values as quoted literals."""
        parts = self.condition.split("?")
        written = [parts[0]]
        for value, part in zip(self.values, parts[1:], strict=True):
            written += [str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'", part]
        return f"SELECT * FROM observations WHERE {''.join(written)} ORDER BY time"


def lake_query(observable: Observable) -> LakeQuery | None:
    """Rows that name the value; None for what no record holds (wallets). A domain stands for the names below it."""
    type, value = observable.type, observable.value
    if type in (ObservableType.IPV4, ObservableType.IPV6):
        high, low = address_halves(value)
        condition = "(src_high = ? AND src_low = ?) OR (dst_high = ? AND dst_low = ?)"
        return LakeQuery(condition, (high, low, high, low))
    if type is ObservableType.CIDR:
        return _network(value)
    if type is ObservableType.DOMAIN:
        return LakeQuery("domain = ? OR right(domain, ?) = ?", (value, len(value) + 1, f".{value}"))
    if type is ObservableType.AS:
        number = value.upper().removeprefix("AS")
        return LakeQuery("asn = ?", (int(number),)) if number.isdecimal() else None
    if type is ObservableType.CVE:
        return LakeQuery("contains(concat(',', cve, ','), ?)", (f",{value.upper()},",))
    column = _COLUMNS.get(type)
    return None if column is None else LakeQuery(f"{column} = ?", (value,))


def observation_commands(observable: Observable) -> tuple[str, ...]:
    """Commands that show the rows; quoted for a POSIX shell. Empty where a condition cannot say it."""
    type, value = observable.type, observable.value
    conditions: Sequence[str] = ()
    if type in (ObservableType.IPV4, ObservableType.IPV6):
        conditions = (f"src={value}", f"dst={value}")
    elif type is ObservableType.DOMAIN:
        conditions = (f"domain={value}",)
    elif type is ObservableType.AS and value.upper().removeprefix("AS").isdecimal():
        conditions = (f"asn={value.upper().removeprefix('AS')}",)
    elif type in _COLUMNS:
        conditions = (f"{_COLUMNS[type]}={value}",)
    return tuple(f"seawall observations --where {shlex.quote(condition)}" for condition in conditions)


def sigma_rule(observable: Observable, *, severity: Severity, tlp: Tlp, day: str, title: str) -> str | None:
    """A Sigma rule for the value (``day``: YYYY-MM-DD); None where no log source of Sigma holds such values."""
    type, value = observable.type, observable.value
    if type is ObservableType.DOMAIN:
        source: tuple[tuple[str, str], ...] = (("category", "dns_query"),)
        selections = [("itself", "QueryName", _escaped(value)), ("below", "QueryName|endswith", _escaped(f".{value}"))]
    elif type in _HASHES:
        source = (("category", "process_creation"),)
        selections = [("itself", "Hashes|contains", f"{_HASHES[type]}={value.upper()}")]
    elif type in _SIGMA:
        source, fields = _SIGMA[type]
        text = value if type is ObservableType.CIDR else _escaped(value)
        text = f"\\\\{text}" if type is ObservableType.FILE_NAME else text
        names = ("source", "destination") if len(fields) > 1 else ("itself",)
        selections = [(name, field, text) for name, field in zip(names, fields, strict=True)]
    else:
        return None
    level = "informational" if severity is Severity.INFO else severity.label
    lines = [
        f"title: {json.dumps(title)}",
        f"id: {uuid.uuid5(NAMESPACE, f'{type.value} {value}')}",
        "status: experimental",
        f"date: {day}",
        f"tags: [{json.dumps('tlp.' + tlp.label)}]",
        "logsource:",
        *(f"    {name}: {of}" for name, of in source),
        "detection:",
    ]
    for name, field, text in selections:
        lines += [f"    {name}:", f"        {field}: {json.dumps(text)}"]
    condition = " or ".join(name for name, _, _ in selections)
    return "\n".join([*lines, f"    condition: {condition}", "falsepositives:", "    - Unknown", f"level: {level}", ""])


def _escaped(value: str) -> str:
    """Sigma's wildcards and its escape sign as plain characters."""
    return value.replace("\\", "\\\\").replace("*", "\\*").replace("?", "\\?")


def _network(value: str) -> LakeQuery | None:
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        return None
    first, last = (address_halves(str(end)) for end in (network[0], network[-1]))
    values: tuple[int, ...]
    if network.version == 6 and network.prefixlen == 64:  # every lower half: signed ends would say the opposite
        test, values = "{end}_high = ?", (first[0],)
    elif first[0] == last[0]:
        test, values = "{end}_high = ? AND {end}_low BETWEEN ? AND ?", (first[0], first[1], last[1])
    else:
        test, values = "{end}_high BETWEEN ? AND ?", (first[0], last[0])
    both = " OR ".join(f"({test.format(end=end)})" for end in ("src", "dst"))
    return LakeQuery(both, (*values, *values))
