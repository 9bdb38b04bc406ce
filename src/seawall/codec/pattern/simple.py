"""Patterns that are nothing but "one of these values": their match keys, and the pattern of a value.

A pattern is simple when it is an OR of equality, ``IN`` or ``ISSUBSET`` tests, within one observation or between
several, without qualifiers. A key that hits satisfies such a pattern, so alternatives that we have no key for (a
SHA-512, a file size) are left out as long as one alternative has a key.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from seawall.codec.pattern.grammar import parse
from seawall.codec.pattern.tree import Both, Comparison, Node, Observation, Path
from seawall.codec.spelling import canonical_pair
from seawall.model import Observable, ObservableType

T = ObservableType

_ADDRESS_ENDS = (("src_ref", "value"), ("dst_ref", "value"))
_FIXED: dict[tuple[str, tuple[str | int, ...]], tuple[ObservableType, ...]] = {
    ("ipv4-addr", ("value",)): (T.IPV4,),
    ("ipv6-addr", ("value",)): (T.IPV6,),
    ("domain-name", ("value",)): (T.DOMAIN,),
    ("url", ("value",)): (T.URL,),
    ("email-addr", ("value",)): (T.EMAIL,),
    ("email-message", ("from_ref", "value")): (T.EMAIL,),
    ("email-message", ("sender_ref", "value")): (T.EMAIL,),
    ("file", ("name",)): (T.FILE_NAME,),
    ("autonomous-system", ("number",)): (T.AS,),
    ("network-traffic", ("x_seawall_ja3",)): (T.JA3,),
    ("network-traffic", ("x_seawall_ja4",)): (T.JA4,),
    ("network-traffic", ("x_seawall_hassh",)): (T.HASSH,),
    ("x-seawall-cve", ("value",)): (T.CVE,),
    ("x-seawall-wallet", ("value",)): (T.WALLET,),
    **{("network-traffic", end): (T.IPV4, T.IPV6, T.DOMAIN) for end in _ADDRESS_ENDS},
}
_FILE_HASHES = {"MD5": T.MD5, "SHA1": T.SHA1, "SHA256": T.SHA256}
_HASHED = {"file", "artifact"}
MAX_HELD = 2_600  # bytes of a pattern held by its text: what PostgreSQL indexes, less the rest of the entry
_HELD_BESIDE_KEYS = {"network-traffic", "process", "user-account"}
"""Objects of which rows hold properties that are no keys, such as ports and command lines."""
_OPERATORS = {"=", "IN", "ISSUBSET"}
_FAST = re.compile(r"\[\s*([a-z0-9-]+):([a-zA-Z0-9_.'-]+)\s*={1,2}\s*'((?:[^'\\]|\\['\\])*)'\s*\]", re.A)


def simple_keys(pattern: str) -> list[Observable] | None:
    """The values that the pattern looks for, canonical, in order and without repeats.

    None when the pattern is not simple, or none of its values has a type that we match: it is kept, not yet matched.
    Raises PatternError (a ValueError) when the text is no pattern.
    """
    if (fast := _FAST.fullmatch(pattern)) is not None and "\\" not in fast[3]:
        steps = tuple(step.strip("'") for step in fast[2].split("."))
        keys = list(_keys_of(Path(fast[1], steps), fast[3]))
        return keys or None
    try:
        comparisons = list(_alternatives(parse(pattern)))
    except _NotSimple:
        return None
    found: dict[Observable, None] = {}
    for comparison in comparisons:
        values = comparison.value if isinstance(comparison.value, tuple) else (comparison.value,)
        for value in values:
            if isinstance(value, (str, int)) and not isinstance(value, bool):
                found.update(dict.fromkeys(_keys_of(comparison.path, str(value))))
    return list(found) or None


class _NotSimple(Exception):
    pass


def match_keys(pattern: str) -> list[Observable]:
    """What ``match`` looks for: the values of a simple pattern, else the pattern itself; empty for what it cannot.

    Raises PatternError as ``simple_keys``.
    """
    if keys := simple_keys(pattern):
        return keys
    text = pattern.strip()
    if len(text.encode("utf-8", "replace")) > MAX_HELD or "\0" in text:
        return []
    try:
        plain = all(comparison.path.type not in _HELD_BESIDE_KEYS for comparison in _alternatives(parse(text)))
    except _NotSimple:
        plain = False
    return [] if plain else [Observable(T.PATTERN, text)]


def _alternatives(node: Node) -> Iterator[Comparison]:
    if isinstance(node, Observation):
        yield from _alternatives(node.test)
    elif isinstance(node, Both) and node.word == "OR":
        for part in node.parts:
            yield from _alternatives(part)
    elif isinstance(node, Comparison) and node.operator in _OPERATORS and not node.negated:
        yield node
    else:
        raise _NotSimple


def _keys_of(path: Path, text: str) -> Iterator[Observable]:
    """The key of one value, if its property is one that we match and the value is in order."""
    for kind in _types_of(path):
        try:
            yield Observable(*canonical_pair(kind, text))
        except ValueError:
            continue
        return


def _types_of(path: Path) -> tuple[ObservableType, ...]:
    if (fixed := _FIXED.get((path.type, path.steps))) is not None:
        return fixed
    if len(path.steps) < 2 or path.steps[-2] != "hashes" or not isinstance(name := path.steps[-1], str):
        return ()
    if path.type in _HASHED and len(path.steps) == 2:
        kind = _FILE_HASHES.get(name.upper().replace("-", ""))
        return (kind,) if kind is not None else ()
    return (T.CERTIFICATE,) if path.type == "x509-certificate" else ()


_TEMPLATES = {
    T.IPV4: "[ipv4-addr:value = '{}']",
    T.IPV6: "[ipv6-addr:value = '{}']",
    T.DOMAIN: "[domain-name:value = '{}']",
    T.URL: "[url:value = '{}']",
    T.EMAIL: "[email-addr:value = '{}']",
    T.MD5: "[file:hashes.MD5 = '{}']",
    T.SHA1: "[file:hashes.'SHA-1' = '{}']",
    T.SHA256: "[file:hashes.'SHA-256' = '{}']",
    T.JA3: "[network-traffic:x_seawall_ja3 = '{}']",
    T.JA4: "[network-traffic:x_seawall_ja4 = '{}']",
    T.HASSH: "[network-traffic:x_seawall_hassh = '{}']",
    T.AS: "[autonomous-system:number = {}]",
    T.CVE: "[x-seawall-cve:value = '{}']",
    T.FILE_NAME: "[file:name = '{}']",
    T.WALLET: "[x-seawall-wallet:value = '{}']",
    T.PATTERN: "{}",
}
_CERTIFICATE_HASH = {32: "MD5", 40: "'SHA-1'", 64: "'SHA-256'"}


def pattern_for(observable: Observable) -> str:
    """The pattern that looks for one canonical value; ``simple_keys`` of it is that value again."""
    if observable.type is T.PATTERN:
        return observable.value
    value = observable.value.replace("\\", "\\\\").replace("'", "\\'")
    head, _, tail = pattern_parts(observable.type, value).partition("{}")
    return f"{head}{value}{tail}"


def pattern_parts(type: ObservableType, value: str) -> str:
    """The text around the value, with ``{}`` in its place. Networks and certificates depend on the value."""
    if type is T.CIDR:
        return f"[{'ipv6' if ':' in value else 'ipv4'}-addr:value ISSUBSET '{{}}']"
    if type is T.CERTIFICATE:
        return f"[x509-certificate:hashes.{_CERTIFICATE_HASH[len(value)]} = '{{}}']"
    return _TEMPLATES[type]
