"""YARA rules as indicators carried whole.

A small tokenizer splits a file into its rules: it knows strings, regular expressions, comments and braces, and nothing
else of the language. Each rule takes along what it needs to stand alone: the imports it uses, global rules, and the
rules that its condition names. Nothing is ever compiled or run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from seawall.codec.converted import Converted, cve, day, plain, references
from seawall.codec.rule_indicator import MAX_RULE, RuleSaid, rule_indicator
from seawall.model import Fault, Tlp

MAX_FILE = 64 << 20  # bytes: the largest public collections as one file have 20 MB
MAX_RULES = 50_000
MAX_NEEDED = 200  # other rules that one rule takes along; with more it is rejected
MAX_META = 500  # entries of one rule that are looked at

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n\f\v\ufeff]+)
    |(?P<comment>//[^\n]*|/\*(?s:.*?)\*/)
    |(?P<text>"(?:[^"\\\n]|\\.)*")
    |(?P<regex>/(?![*/])(?:[^/\\\n]|\\.)+/[is]*)
    |(?P<number>-?[0-9](?:[0-9A-Za-z]|\.(?=[0-9]))*+)
    |(?P<word>[A-Za-z_$#@!][A-Za-z0-9_]*)
    |(?P<other>(?s:.))""",
    re.VERBOSE,
)
_HEAD = re.compile(
    r"^[ \t]{0,100}(?:(?:private|global)[ \t]{1,20}){0,2}rule[ \t]{1,20}[A-Za-z_]\w{0,127}"
    r"\s{0,20}(?::[\w \t]{1,300})?\s{0,20}\{",
    re.MULTILINE,
)
_UNENDED = re.compile(r"[/\"]")
_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|(.))")
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}


class _Token(NamedTuple):
    kind: str
    text: str
    start: int
    end: int
    line: int


class _Rule(msgspec.Struct):
    name: str
    start: int
    line: int
    modifiers: tuple[str, ...]
    tags: list[str]
    words: set[str]  # identifiers anywhere in it
    meta: list[tuple[str, str]]
    text: str = ""


class _BrokenError(ValueError):
    """Where the file stops being YARA: (line, clause)."""


def is_yara(text: str) -> bool:
    """Whether a text reads like YARA: a rule head with an opening brace, and a condition."""
    return _HEAD.search(text) is not None and "condition" in text


def read_yara(data: bytes, source: str) -> Converted:
    """The rules of one file; ``source`` keeps rules of one name by different authors apart.

    Never raises for what the file holds. A file that breaks off keeps the rules before the break.
    """
    found = Converted()
    if len(data) > MAX_FILE:
        found.reject(1, None, f"it has more than {MAX_FILE} bytes")
        return found
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("latin-1")  # YARA takes any bytes; old rules have names in Western European letters
        found.losses.add("yara:encoding", "the file is not UTF-8; it was read as Latin-1")
    if "\0" in text:
        found.reject(text.count("\n", 0, text.index("\0")) + 1, None, "it holds NUL characters")
        return found
    rules: list[_Rule] = []
    imports: dict[str, str] = {}
    try:
        for item in _items(text, imports):
            rules.append(item)
            if len(rules) > MAX_RULES:
                raise _BrokenError(item.line, f"one file may hold {MAX_RULES} rules")  # noqa: TRY301
    except _BrokenError as error:
        found.reject(error.args[0], None, error.args[1])
    if "include" in imports:
        found.losses.add("yara:include", f"{imports.pop('include')}: the file it names is not read")
    if len(rules) == 1 and not found.rejected and len(data) <= MAX_RULE:
        found.objects.append(rule_indicator(_said(rules[0], text, source)))  # with its comments and licence
    else:
        _keep_all(rules, imports, source, found)
    return found


def _tokens(text: str) -> Iterator[_Token]:
    line = 1
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or "other"
        piece = match[0]
        if kind == "other" and _UNENDED.match(text, match.start()):
            raise _BrokenError(line, "a comment, text or regular expression has no end")
        if kind not in ("space", "comment"):
            yield _Token(kind, piece, match.start(), match.end(), line)
        line += piece.count("\n")


def _items(text: str, imports: dict[str, str]) -> Iterator[_Rule]:
    """Rules in order; imports on the way go into ``imports`` by module."""
    tokens = _tokens(text)
    modifiers: list[_Token] = []
    for token in tokens:
        if token.text in ("import", "include"):
            named = next(tokens, None)
            if named is None or named.kind != "text":
                raise _BrokenError(token.line, f"'{token.text}' names nothing")
            imports[named.text[1:-1] if token.text == "import" else "include"] = text[token.start : named.end]
        elif token.text in ("private", "global"):
            modifiers.append(token)
        elif token.text == "rule":
            yield _rule(text, tokens, modifiers, token)
            modifiers = []
        else:
            raise _BrokenError(token.line, "something other than a rule stands there")


def _rule(text: str, tokens: Iterator[_Token], modifiers: list[_Token], head: _Token) -> _Rule:
    name = next(tokens, None)
    if name is None or name.kind != "word":
        raise _BrokenError(head.line, "a rule without a name stands there")
    first = modifiers[0] if modifiers else head
    rule = _Rule(name.text, first.start, first.line, tuple(token.text for token in modifiers), [], set(), [])
    for token in tokens:
        if token.text == "{":
            break
        if token.kind == "word":
            rule.tags.append(token.text)
        elif token.text != ":":
            raise _BrokenError(token.line, f"the head of rule {name.text[:60]} is not as YARA writes it")
    _body(text, tokens, rule)
    return rule


def _body(text: str, tokens: Iterator[_Token], rule: _Rule) -> None:
    depth, section, key = 1, "", ""
    before: _Token | None = None
    for token in tokens:
        if token.kind == "other" and token.text in "{}":
            depth += 1 if token.text == "{" else -1
            if depth == 0:
                rule.text = text[rule.start : token.end]
                if len(rule.text) > MAX_RULE:
                    raise _BrokenError(rule.line, f"a rule may have {MAX_RULE} bytes")
                return
        elif token.text == ":" and depth == 1 and before is not None and before.kind == "word":
            section = before.text
        elif token.text == "=" and section == "meta" and before is not None:
            key = before.text
        elif section == "meta" and key and token.kind in ("text", "number", "word"):
            if len(rule.meta) < MAX_META:
                rule.meta.append((key.lower(), _value(token)))
            key = ""
        if token.kind == "word":
            rule.words.add(token.text)
        before = token
    raise _BrokenError(rule.line, f"rule {rule.name[:60]} has no end")


def _value(token: _Token) -> str:
    if token.kind != "text":
        return token.text
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)) if match[1] else _ESCAPED.get(match[2], match[2]),
                       token.text[1:-1])  # fmt: skip


def _keep_all(rules: list[_Rule], imports: dict[str, str], source: str, found: Converted) -> None:
    by_name = {rule.name: rule for rule in rules}
    globals_ = [rule for rule in rules if "global" in rule.modifiers]
    used = {word for rule in rules for word in rule.words if word in by_name and word != rule.name}
    for rule in rules:
        if "private" in rule.modifiers and rule.name in used:
            continue  # it goes along with those that name it
        text = _whole(rule, by_name, globals_, imports)
        if text is None or len(text.encode()) > MAX_RULE:
            found.reject(rule.line, rule.name, f"with what it needs the rule has more than {MAX_RULE} bytes")
            continue
        found.objects.append(rule_indicator(_said(rule, text, source)))


def _whole(rule: _Rule, by_name: dict[str, _Rule], globals_: list[_Rule], imports: dict[str, str]) -> str | None:
    """The rule with what it needs, in the file's order; None when that is too much."""
    needed = {part.name: part for part in globals_[:MAX_NEEDED] if part is not rule}
    waiting = [rule, *needed.values()]
    while waiting and len(needed) <= MAX_NEEDED:
        for word in sorted(waiting.pop().words):
            part = by_name.get(word)
            if part is not None and part is not rule and part.name not in needed:
                needed[part.name] = part
                waiting.append(part)
    if (
        len(needed) > MAX_NEEDED
        or len(globals_) > MAX_NEEDED
        or sum(len(part.text) for part in needed.values()) > MAX_RULE
    ):
        return None
    parts = sorted([*needed.values(), rule], key=lambda part: part.start)
    words = set().union(*(part.words for part in parts))
    lines = [line for module, line in imports.items() if module in words]
    return "\n".join([*lines, *([""] if lines else []), "\n\n".join(part.text for part in parts)])


def _said(rule: _Rule, text: str, source: str) -> RuleSaid:
    meta = dict(reversed(rule.meta))
    author = meta.get("author", "")
    linked = [
        value
        for name, value in rule.meta
        if name.startswith(("reference", "link", "url", "source")) or cve(value) is not None
    ]
    score = meta.get("score", "")
    labels = [f"yara:{name}:{meta[name][:60]}" for name in ("severity", "score", "category") if meta.get(name)]
    techniques = re.findall(
        r"\bT\d{4}(?:\.\d{3})?\b", " ".join(v for n, v in rule.meta if "mitre" in n or "attack" in n)
    )
    return RuleSaid(
        kind="yara",
        id=meta.get("id") or meta.get("uuid"),
        key=(rule.name, author, source),
        name=rule.name,
        text=text,
        description=plain(meta.get("description") or meta.get("desc")),
        created=day(meta.get("date") or meta.get("creation_date") or meta.get("created")),
        modified=day(meta.get("modified") or meta.get("last_modified") or meta.get("updated")),
        references=references(linked),
        tags=[*(f"attack.{number}" for number in techniques), *rule.tags],
        labels=labels,
        harmless=score.isascii() and score.isdigit() and len(score) < 4 and int(score) < 50,
        tlp=_tlp(meta),
    )


def _tlp(meta: dict[str, str]) -> Tlp | None:
    for name in ("tlp", "sharing", "classification"):
        text = meta.get(name)
        if text and (name != "classification" or "tlp" in text.lower()):
            try:
                return Tlp.parse(text)
            except Fault:
                return Tlp.RED if "tlp" in (name, text.lower()[:3]) else None
    return None
