"""Sigma rules (sigma-specification 2.0) as questions to the lake. What it cannot answer stays visible as ``Unknown``.

A rule that names what the lake does not hold (processes, user agents, registry keys) is never made weaker in silence:
``hunt_sql`` counts the rows that meet it whatever the unknown parts would say, and those that may meet it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from typing import Any as AnyValue

import msgspec

from seawall.codec.safe_yaml import BadYamlError, load_documents
from seawall.warn.hunts import (
    ADDRESS,
    FIELDS,
    MAX_DEPTH,
    MAX_PATTERN,
    MAX_TESTS,
    MAX_TEXT,
    MAX_VALUE,
    NUMBER,
    TEXT,
    BadHunt,
    Not,
    Op,
    Part,
    Test,
    Unknown,
    check,
    join,
    tests_of,
)

MAX_CONDITION = 2_000  # characters
MAX_LOSSES = 100
NAMES = {
    "domain": "query queryname dns.question.name dns.query dns.query.name dns_query r-dns cs-host destinationhostname "
              "dst_host dest_host destination.domain server_name sni tls.sni tls.client.server_name ssl.server_name "
              "http.host http.hostname url.domain c-uri-host domain",
    "uri": "c-uri cs-uri uri url url.original url.full http.url http.uri request_uri",
    "path": "c-uri-stem cs-uri-stem c-uri-path uri_path url.path",
    "src": "src_ip sourceip source_ip srcip src source.ip id.orig_h c-ip client_ip src_addr sourceaddress",
    "dst": "dst_ip dest_ip destinationip destination_ip dstip dst destination.ip id.resp_h r-ip server_ip dst_addr "
           "destinationaddress",
    "src_port": "src_port sourceport source_port source.port id.orig_p c-port",
    "dst_port": "dst_port dest_port destinationport destination_port destination.port id.resp_p r-port",
    "md5": "md5 hash.md5 file.hash.md5 fileinfo.md5",
    "sha1": "sha1 hash.sha1 file.hash.sha1 fileinfo.sha1",
    "sha256": "sha256 hash.sha256 file.hash.sha256 fileinfo.sha256",
    "file_name": "filename file_name fileinfo.filename file.name",
    "ja3": "ja3 ja3_hash ja3.hash tls.ja3 tls.ja3.hash tls.client.ja3",
    "ja4": "ja4 tls.ja4 tls.client.ja4",
    "hassh": "hassh ssh.hassh ssh.client.hassh",
    "certificate": "tls.fingerprint certificate.fingerprint tls.server.hash.sha1 tls.server.hash.sha256 cert_hash",
    "protocol": "protocol proto network.transport network.protocol",
    "signature": "signature alert.signature rule.name",
    "signature_id": "signature_id alert.signature_id sid",
    "country": "country source.geo.country_iso_code destination.geo.country_iso_code",
    "asn": "asn source.as.number destination.as.number",
}  # fmt: skip
OF_NAME = {alias: field for field, aliases in NAMES.items() for alias in aliases.split()}
_COMPARE = {"lt": Op.BELOW, "lte": Op.AT_MOST, "gt": Op.ABOVE, "gte": Op.AT_LEAST}
_PLACES = {
    "contains": Op.CONTAINS,
    "startswith": Op.STARTS,
    "endswith": Op.ENDS,
    "re": Op.MATCHES,
    "cidr": Op.IN_NETWORK,
}
_KNOWN = frozenset({*_COMPARE, *_PLACES, "all", "exists", "i", "m", "s", "cased"})
_TOKEN = re.compile(r"\s*(\(|\)|[^\s()|]+|\|)")
_HASH = re.compile(r"(md5|sha1|sha256)=([0-9a-fA-F]{32,64})\*?", re.IGNORECASE)
_BROADER = {
    "domain": "the lake keeps names asked for, HTTP hosts and TLS names in one column",
    "uri": "the lake compares whole URLs and their paths",
}


class Read(msgspec.Struct, frozen=True):
    """A rule as a question, its title, and what of it the lake cannot answer or answers more widely."""

    question: Part
    title: str
    losses: tuple[str, ...]


def read_sigma_rule(text: str) -> Read:
    """One Sigma rule. Raises BadHunt for what is no single rule, or beyond a bound."""
    try:
        documents = load_documents(text, MAX_TEXT)
    except BadYamlError as error:
        raise BadHunt(str(error)) from None
    rules = [one for one in documents if one]
    if len(rules) != 1 or not isinstance(rules[0], dict) or not isinstance(rules[0].get("detection"), dict):
        raise BadHunt("a hunt is one Sigma rule with a detection; collections and correlations cannot be asked")
    rule = rules[0]
    reader = _Reader(rule["detection"])
    question = reader.read()
    if any(True for _ in tests_of(question)):
        check(question)
    title = rule.get("title")
    return Read(question, title[:200] if isinstance(title, str) and title else "Sigma rule without a title",
                tuple(reader.losses)[:MAX_LOSSES])  # fmt: skip


class _Reader:
    def __init__(self, detection: dict[str, AnyValue]) -> None:
        self._named = {str(name): body for name, body in detection.items() if name not in ("condition", "timeframe")}
        self._condition = detection.get("condition")
        self._made: dict[str, Part] = {}
        self._tests = 0
        self.losses: dict[str, None] = {}
        if "timeframe" in detection:
            self.loss("timeframe: the window of the hunt is searched as a whole")

    def loss(self, sentence: str) -> None:
        """Tell once what is not asked as the rule says."""
        self.losses.setdefault(sentence[:300])

    def unknown(self, reason: str) -> Unknown:
        """A part that stays open."""
        self.loss(f"cannot be asked: {reason}")
        return Unknown(reason[:200])

    def read(self) -> Part:
        """The condition, or any of several."""
        given = self._condition
        conditions = [
            one for one in (given if isinstance(given, list) else [given]) if isinstance(one, str) and one.strip()
        ]
        if not conditions or len(conditions) > 20 or any(len(one) > MAX_CONDITION for one in conditions):
            raise BadHunt("its condition is missing or too long")
        return join([_Condition(one, self.named, self.of_pattern).part() for one in conditions], every=False)

    def named(self, name: str) -> Part:
        """The search identifier of this name. Raises BadHunt when there is none."""
        if name not in self._named:
            raise BadHunt(f"its condition names {name[:60]!a}, which does not stand in it")
        if name not in self._made:
            self._made[name] = self._search(self._named[name], 0)
        self._tests += sum(1 for _ in tests_of(self._made[name]))
        if self._tests > MAX_TESTS:
            raise BadHunt(f"it has more than {MAX_TESTS} tests")
        return self._made[name]

    def of_pattern(self, pattern: str) -> list[Part]:
        """The search identifiers that ``selection*`` or ``them`` means. Raises BadHunt for none."""
        names = [name for name in self._named if (pattern == "them" and not name.startswith("_"))
                 or fnmatchcase(name, re.sub(r"[\[\]?]", "_", pattern))]  # fmt: skip
        if not names:
            raise BadHunt(f"its condition names {pattern[:60]!a}, which does not stand in it")
        return [self.named(name) for name in names]

    def _search(self, body: AnyValue, depth: int) -> Part:
        if depth > MAX_DEPTH:
            raise BadHunt(f"it is nested deeper than {MAX_DEPTH} levels")
        if isinstance(body, dict) and body:
            return join([self._field(str(key), value) for key, value in body.items()], every=True)
        if isinstance(body, list) and body:
            return join([self._search(one, depth + 1) if isinstance(one, dict | list) else self._keyword(one)
                         for one in body], every=False)  # fmt: skip
        return self._keyword(body)

    def _keyword(self, word: AnyValue) -> Unknown:
        return self.unknown(f"the word {str(word)[:60]!a} anywhere in a log line")

    def _field(self, key: str, value: AnyValue) -> Part:
        name, *modifiers = key.split("|")
        values = [str(one) for one in (value if isinstance(value, list) else [value])]
        field = OF_NAME.get(name.lower())
        if name.lower() in ("hashes", "hash", "file.hash"):
            return self._hashes(name, values, every="all" in modifiers)
        if field is None:
            return self.unknown(f"the field {name[:60]}")
        strange = [one for one in modifiers if one not in _KNOWN]
        if strange or any(len(one) > MAX_VALUE for one in values):
            return self.unknown(f"{name[:60]} with {', '.join(strange)[:60] or 'such long values'}")
        if "cased" in modifiers:
            self.loss(f"{name[:60]}: compared without regard to case")
        if field in _BROADER:
            self.loss(f"{name[:60]}: {_BROADER[field]}")
        if "exists" in modifiers:
            wanted = values[:1] in (["true"], ["True"], ["yes"])
            return Test(field, Op.EXISTS) if wanted else Not(Test(field, Op.EXISTS))
        parts = [self._value(field, name, one, modifiers) for one in values]
        return join(_together(parts) if "all" not in modifiers else parts, every="all" in modifiers)

    def _value(self, field: str, name: str, value: str, modifiers: Sequence[str]) -> Part:
        kind = FIELDS[field]
        if value in ("null", "~", ""):
            return Not(Test(field, Op.EXISTS))
        op = next((_COMPARE[one] for one in modifiers if one in _COMPARE), None)
        place = next((_PLACES[one] for one in modifiers if one in _PLACES), Op.EQUALS)
        if kind == NUMBER:
            fits = re.fullmatch(r"-?[0-9]{1,18}", value) and place is Op.EQUALS
            return Test(field, op or Op.EQUALS, (value,)) if fits else self.unknown(f"{name[:60]} = {value[:60]!a}")
        if op is not None:
            return self.unknown(f"{name[:60]} compared as a number")
        if kind == ADDRESS:
            return self._address(field, name, value, place)
        if place is Op.MATCHES:
            flags = "".join(one for one in "ims" if one in modifiers)
            pattern = f"(?{flags}){value}" if flags else value
            too_long = len(pattern) > MAX_PATTERN
            return (
                self.unknown(f"{name[:60]} with so long an expression") if too_long else Test(field, place, (pattern,))
            )
        if kind != TEXT or place is Op.IN_NETWORK:
            return self.unknown(f"{name[:60]} with {place.value}")
        return _spelled(field, value, place)

    def _address(self, field: str, name: str, value: str, place: Op) -> Part:
        """Equal, in a network, or below a prefix that is written as text (``10.1.*``)."""
        text = value.rstrip("*") if place is Op.EQUALS or place is Op.STARTS else value
        if place is Op.STARTS or (place is Op.EQUALS and value.endswith("*")):
            octets = [one for one in text.split(".") if one]
            whole = text.endswith(".") and 0 < len(octets) < 4 and all(one.isdigit() and len(one) < 4 for one in octets)
            if not whole:
                return self.unknown(f"{name[:60]} beginning with {value[:60]!a}")
            text, place = f"{'.'.join([*octets, *['0'] * (4 - len(octets))])}/{8 * len(octets)}", Op.IN_NETWORK
        test = Test(field, place, (text,))
        try:
            check(test)
        except BadHunt:
            return self.unknown(f"{name[:60]} = {value[:60]!a}")
        return test

    def _hashes(self, name: str, values: Sequence[str], *, every: bool) -> Part:
        parts: list[Part] = []
        for value in values:
            found = _HASH.fullmatch(value.strip("*"))
            plain = value.strip("*").lower()
            field = found[1].lower() if found is not None else {32: "md5", 40: "sha1", 64: "sha256"}.get(len(plain), "")
            text = found[2].lower() if found is not None else plain
            fits = field and re.fullmatch(r"[0-9a-f]+", text)
            parts.append(Test(field, Op.EQUALS, (text,)) if fits else self.unknown(f"{name} = {value[:80]!a}"))
        return join(parts, every=every)


def _together(parts: Sequence[Part]) -> list[Part]:
    """Alternatives of one field and comparison as one test."""
    merged: dict[tuple[str, Op], list[str]] = {}
    others: list[Part] = []
    for part in parts:
        if isinstance(part, Test) and part.op is not Op.EXISTS:
            merged.setdefault((part.field, part.op), []).extend(part.values)
        else:
            others.append(part)
    tests = [Test(field, op, tuple(values[start : start + 1_000])) for (field, op), values in merged.items()
             for start in range(0, len(values), 1_000)]  # fmt: skip
    return [*tests, *others]


def _spelled(field: str, value: str, place: Op) -> Part:
    """A text with ``*`` and ``?`` that stand for anything (sigma-specification, "Escaping") as the plainest test."""
    pieces: list[str] = [""]
    single = False
    position = 0
    while position < len(value):
        character = value[position]
        following = value[position + 1] if position + 1 < len(value) else ""
        if character == "\\" and following in ("*", "?", "\\"):
            pieces[-1] += following
            position += 1
        elif character in "*?":
            single = single or character == "?"
            pieces += [character, ""]
        else:
            pieces[-1] += character
        position += 1
    stars = [piece for number, piece in enumerate(pieces) if number % 2]
    words = [piece for number, piece in enumerate(pieces) if not number % 2]
    front = place in (Op.CONTAINS, Op.ENDS) or (len(stars) > 0 and stars[0] == "*" and not words[0])
    back = place in (Op.CONTAINS, Op.STARTS) or (len(stars) > 0 and stars[-1] == "*" and not words[-1])
    inner = [word for word in words if word]
    if not single and len(inner) <= 1 and not (len(inner) == 0 and stars):
        text = inner[0] if inner else value
        op = Op.CONTAINS if front and back else Op.ENDS if front else Op.STARTS if back else Op.EQUALS
        return Test(field, op, (text,))
    if not inner:
        return Test(field, Op.EXISTS)
    body = "".join(
        {"*": "(?s:.*)", "?": "(?s:.)"}[piece] if number % 2 else _quoted(piece) for number, piece in enumerate(pieces)
    )
    pattern = (
        f"(?i){'' if place in (Op.CONTAINS, Op.ENDS) else '^'}{body}{'' if place in (Op.CONTAINS, Op.STARTS) else '$'}"
    )
    return (
        Test(field, Op.MATCHES, (pattern,)) if len(pattern) <= MAX_PATTERN else Unknown(f"{field} with many wildcards")
    )


def _quoted(text: str) -> str:
    """Literal text for RE2: every ASCII character that is no letter or digit behind a backslash."""
    return "".join(f"\\{one}" if one.isascii() and not one.isalnum() else one for one in text)


class _Condition:
    """``1 of selection* and not (filter or all of them)``: "not" binds most, then "and", then "or"."""

    def __init__(self, text: str, named: Callable[[str], Part], several: Callable[[str], list[Part]]) -> None:
        self._tokens = _TOKEN.findall(text)
        self._place, self._depth = 0, 0
        self._named, self._several = named, several

    def part(self) -> Part:
        """The whole condition. Raises BadHunt."""
        if "|" in self._tokens:
            raise BadHunt("counting conditions (behind |) cannot be asked")
        found = self._either()
        if self._place != len(self._tokens):
            raise BadHunt(f"its condition cannot be read at {self._tokens[self._place][:40]!a}")
        return found

    def _either(self) -> Part:
        parts = [self._both()]
        while self._takes("or"):
            parts.append(self._both())
        return join(parts, every=False)

    def _both(self) -> Part:
        parts = [self._single()]
        while self._takes("and"):
            parts.append(self._single())
        return join(parts, every=True)

    def _single(self) -> Part:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise BadHunt(f"its condition is nested deeper than {MAX_DEPTH} levels")
        try:
            return self._inner()
        finally:
            self._depth -= 1

    def _inner(self) -> Part:
        if self._takes("not"):
            return Not(self._single())
        if self._takes("("):
            found = self._either()
            if not self._takes(")"):
                raise BadHunt("a bracket of its condition is not closed")
            return found
        word = self._next()
        if word.lower() in ("1", "any", "all") and self._takes("of"):
            return join(self._several(self._next()), every=word.lower() == "all")
        return self._named(word)

    def _takes(self, word: str) -> bool:
        here = self._place < len(self._tokens) and self._tokens[self._place].lower() == word
        self._place += here
        return here

    def _next(self) -> str:
        if self._place >= len(self._tokens):
            raise BadHunt("its condition ends in the middle")
        self._place += 1
        return str(self._tokens[self._place - 1])
