"""The full grammar of STIX patterns (STIX 2.1 part 9.8 and its ANTLR grammar), as a recursive-descent parser.

It accepts and refuses what the OASIS pattern validator accepts and refuses, with two exceptions, both noted in the
divergence list of the documentation: hash lengths in ``IN`` are checked value by value, and not at all for ``LIKE``
and ``MATCHES``, whose operand is no hash.

    expressions := or  (FOLLOWEDBY or)*          test  := and (OR and)*
    or          := and (OR and)*                 and   := prop (AND prop)*
    and         := observation (AND observation)*   prop  := path NOT? operator literal | ( test )
    observation := ( "[" test "]" | "(" expressions ")" ) qualifier*     | NOT? EXISTS path
"""

from __future__ import annotations

import re
from typing import NoReturn

from seawall.codec.pattern.lexer import PatternError, decoded, tokens, unquoted
from seawall.codec.pattern.tree import (
    STAR,
    Both,
    Comparison,
    Literal,
    Node,
    Observation,
    Path,
    Qualified,
    Timestamp,
)

MAX_DEPTH = 64  # nested parentheses; real patterns use fewer than five
MAX_LENGTH = 1_000_000  # characters; the longest published patterns have some thousand
MAX_NUMBER = 300  # characters of a number: a finite double, and far within what Python reads in linear time

_HASH_LENGTHS = {
    "MD5": "32", "MD6": "32|40|56|64|96|128", "RIPEMD160": "40", "SHA1": "40", "SHA224": "56", "SHA256": "64",
    "SHA384": "96", "SHA512": "128", "SHA3224": "56", "SHA3256": "64", "SHA3384": "96", "SHA3512": "128",
    "WHIRLPOOL": "128",
}  # fmt: skip
_HASH_SHAPES = {
    name: re.compile("|".join(f"[0-9A-Fa-f]{{{length}}}" for length in lengths.split("|")))
    for name, lengths in _HASH_LENGTHS.items()
} | {"SSDEEP": re.compile(r"[a-zA-Z0-9/+:.]{1,128}")}


_ORDER = {"<", "<=", ">", ">="}


def parse(pattern: str, *, repeated_qualifiers: bool = False) -> Node:
    """The tree of a pattern. Raises PatternError.

    ``repeated_qualifiers``: let one observation carry a qualifier twice, which the OASIS matcher answers and the OASIS
    validator refuses.
    """
    if len(pattern) > MAX_LENGTH:
        raise PatternError(f"the pattern is longer than {MAX_LENGTH} characters")
    return _Parser(pattern, repeated_qualifiers=repeated_qualifiers).whole()


class _Parser:
    """One pass from left to right, one token of look-ahead."""

    def __init__(self, text: str, *, repeated_qualifiers: bool) -> None:
        self.repeated_qualifiers = repeated_qualifiers
        self.tokens = tokens(text)
        self.at = 0
        self.depth = 0

    # -- tokens

    @property
    def kind(self) -> str:
        return self.tokens[self.at][0]

    @property
    def text(self) -> str:
        return self.tokens[self.at][1]

    def fail(self, wanted: str) -> NoReturn:
        kind, text, place = self.tokens[self.at]
        found = "the end" if kind == "end" else repr(text[:40])
        raise PatternError(f"at character {place + 1}: expected {wanted}, found {found}")

    def take(self, *texts: str) -> bool:
        """Consume the next token when it is one of these marks or keywords."""
        kind, text, _ = self.tokens[self.at]
        if kind in ("mark", "key") and text in texts:
            self.at += 1
            return True
        return False

    def want(self, text: str) -> None:
        if not self.take(text):
            self.fail(repr(text))

    def literal(self, *kinds: str, wanted: str) -> str:
        if self.kind not in kinds:
            self.fail(wanted)
        kind, text = self.kind, self.text
        if kind in ("int", "float") and len(text) > MAX_NUMBER:
            raise PatternError(f"a number is longer than {MAX_NUMBER} characters")
        self.at += 1
        return text

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise PatternError(f"parentheses are nested deeper than {MAX_DEPTH}")

    # -- observations

    def whole(self) -> Node:
        node = self.expressions()
        if self.kind != "end":
            self.fail("the end of the pattern")
        return node

    def expressions(self) -> Node:
        parts = [self.joined("OR")]
        while self.take("FOLLOWEDBY"):
            parts.append(self.joined("OR"))
        return parts[0] if len(parts) == 1 else Both("FOLLOWEDBY", tuple(parts))

    def joined(self, word: str) -> Node:
        """``OR`` binds weaker than ``AND``, both join observations here."""
        below = self.observation if word == "AND" else lambda: self.joined("AND")
        parts = [below()]
        while self.take(word):
            parts.append(below())
        return parts[0] if len(parts) == 1 else Both(word, tuple(parts))

    def observation(self) -> Node:
        node: Node
        if self.take("["):
            node, qualifiers = Observation(self.test()), set[str]()
            self.want("]")
        elif self.take("("):
            self.deeper()
            node, qualifiers = self.expressions(), set[str]()
            self.want(")")
            self.depth -= 1
        else:
            self.fail("'['")
        simple = isinstance(node, Observation) and not self.repeated_qualifiers
        while (qualified := self.qualifier(node)) is not None:
            if simple and qualified.kind in qualifiers:
                raise PatternError(f"the qualifier {qualified.kind} stands twice on one observation")
            qualifiers.add(qualified.kind)
            node = qualified
        return node

    def qualifier(self, node: Node) -> Qualified | None:
        if self.take("WITHIN"):
            text = self.literal("int", "float", wanted="a number of seconds")
            if text.startswith("-"):
                raise PatternError("WITHIN needs a positive number of seconds")
            self.want("SECONDS")
            return Qualified(node, "WITHIN", float(text))
        if self.take("REPEATS"):
            text = self.literal("int", wanted="a number of times")
            if text.startswith("-"):
                raise PatternError("REPEATS needs a positive number")
            self.want("TIMES")
            return Qualified(node, "REPEATS", int(text))
        if self.take("START"):
            start = self.literal("time", wanted="a timestamp t'...'")
            self.want("STOP")
            return Qualified(node, "STARTSTOP", start[2:-1], self.literal("time", wanted="a timestamp t'...'")[2:-1])
        return None

    # -- tests inside [ ]

    def test(self) -> Node:
        parts = [self.conjunction()]
        while self.take("OR"):
            parts.append(self.conjunction())
        return parts[0] if len(parts) == 1 else Both("OR", tuple(parts))

    def conjunction(self) -> Node:
        parts = [self.property_test()]
        while self.take("AND"):
            parts.append(self.property_test())
        return parts[0] if len(parts) == 1 else Both("AND", tuple(parts))

    def property_test(self) -> Node:
        if self.take("("):
            self.deeper()
            node = self.test()
            self.want(")")
            self.depth -= 1
            return node
        if negated := self.take("NOT"):
            self.want("EXISTS")
        if negated or self.take("EXISTS"):
            return Comparison(self.path(), "EXISTS", negated, None)
        path = self.path()
        return self.comparison(path, negated=self.take("NOT"))

    def comparison(self, path: Path, *, negated: bool) -> Comparison:
        operator = self.text if self.kind in ("mark", "key") else ""
        value: Literal | tuple[Literal, ...]
        if self.take("=", "==", "!=", "<>"):
            operator = {"==": "=", "<>": "!="}.get(operator, operator)
            value = self.value(boolean=True)
        elif self.take(*_ORDER):
            value = self.value(boolean=False)
        elif self.take("IN"):
            value = self.value_set()
        elif self.take("LIKE", "MATCHES", "ISSUBSET", "ISSUPERSET"):
            value = unquoted(self.literal("string", wanted="a string"))
        else:
            self.fail("a comparison operator")
        if operator in ("=", "!=", "IN"):
            _check_hash(path, value)
        return Comparison(path, operator, negated, value)

    def value_set(self) -> tuple[Literal, ...]:
        self.want("(")
        values: list[Literal] = []
        if not self.take(")"):
            values.append(self.value(boolean=True))
            while self.take(","):
                values.append(self.value(boolean=True))
            self.want(")")
        return tuple(values)

    def value(self, *, boolean: bool) -> Literal:
        kind, text = self.kind, self.text
        if kind == "key" and text in ("true", "false") and boolean:
            self.at += 1
            return text == "true"
        text = self.literal("string", "int", "float", "time", "hex", "binary", wanted="a literal")
        if kind == "string":
            return unquoted(text)
        if kind == "int":
            return int(text)
        if kind == "float":
            return float(text)
        if kind == "time":
            return Timestamp(text[2:-1])
        return bytes.fromhex(text[2:-1]) if kind == "hex" else decoded(text[2:-1])

    def path(self) -> Path:
        kind = self.literal("word", wanted="an object type")
        self.want(":")
        steps: list[str | int] = [self.step()]
        while True:
            if self.take("."):
                steps.append(self.step())
            elif self.take("["):
                if self.take("*"):
                    steps.append(STAR)
                else:
                    steps.append(self.index())
                self.want("]")
            else:
                return Path(kind, tuple(steps))

    def index(self) -> int:
        if self.text.startswith("-"):
            self.fail("a list index, which is not negative")
        return int(self.literal("int", wanted="a list index"))

    def step(self) -> str:
        if self.kind == "word" and "-" in self.text:
            self.fail("a property name without hyphen, or a quoted one")
        text = self.literal("word", "string", wanted="a property name")
        return unquoted(text) if text.startswith("'") else text


def _check_hash(path: Path, value: Literal | tuple[Literal, ...]) -> None:
    """A digest that cannot be one of its algorithm is a mistake that would never match."""
    if "hashes" not in path.steps or not isinstance(name := path.steps[-1], str):
        return
    shape = _HASH_SHAPES.get(name.upper().replace("-", ""))
    for digest in value if isinstance(value, tuple) else (value,):
        if shape is not None and not (isinstance(digest, str) and shape.fullmatch(digest)):
            raise PatternError(f"{str(digest)[:80]!r} is not a valid {name} hash")
