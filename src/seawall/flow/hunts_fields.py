"""Names of fields in a query for somebody else's SIEM, quoted as its language quotes them.

The back-ends of pySigma quote some names, some of the time: Kusto's makes ``cs-host`` a text constant, which compares
two texts and finds nothing, and no back-end escapes a quotation mark in a name. So each name travels through them as a
plain token and is put back, quoted by the rules written down here. A name in a partner's rule is hostile until quoted:
it can end no string and add no command.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from seawall.warn.hunts import BadHunt

MAX_NAME = 256  # characters of a field's name: twice the longest of the Elastic Common Schema
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DOTTED = re.compile(r"[A-Za-z_@][A-Za-z0-9_@]*(\.[A-Za-z_@][A-Za-z0-9_@]*)*")
_KUSTO_WORDS = frozenset(
    {
        *("and", "as", "asc", "between", "by", "contains", "count", "datatable", "declare", "desc", "distinct"),
        *("dynamic", "endswith", "evaluate", "extend", "externaldata", "false", "find", "first", "fork", "from", "has"),
        *("has_all", "has_any", "hint", "in", "invoke", "join", "kind", "last", "let", "limit", "materialize"),
        *("matches", "mv", "not", "null", "nulls", "of", "on", "or", "order", "parse", "print", "project", "range"),
        *("render", "sample", "search", "serialize", "set", "sort", "startswith", "step", "summarize", "table", "take"),
        *("to", "top", "toscalar", "true", "typeof", "union", "view", "where", "with"),
    }
)
"""Words of the Kusto Query Language (its lexical grammar): as the name of a column they are bracketed."""
_ES_WORDS = frozenset(
    {
        *("and", "any", "as", "asc", "by", "desc", "dissect", "drop", "enrich", "eval", "false", "from", "grok", "in"),
        *("is", "keep", "like", "limit", "metadata", "mv_expand", "not", "null", "of", "or", "rename", "rlike", "row"),
        *("sample", "sequence", "show", "sort", "stats", "true", "until", "where", "with", "without"),
    }
)
"""Words of EQL and ES|QL."""
_LUCENE_MUST = re.compile(r"[^\w.@-]")
_LUCENE_CANNOT = re.compile(r"[<>]")  # "can't be escaped at all" (query string query)


class Fields:
    """Tokens for the names of one rule. ``text``: of the rule, in which no token may occur by itself."""

    def __init__(self, text: str) -> None:
        number = 0
        while f"swfield{number}x" in text:
            number += 1
        self._prefix = f"swfield{number}x"
        self._names: list[str] = []

    def token(self, name: str) -> str:
        """What stands for the name in the back-end. Raises BadHunt for a name that no field has."""
        if not name.strip() or len(name) > MAX_NAME or not name.isprintable():
            raise BadHunt("a field has a name that cannot be one")
        if name not in self._names:
            self._names.append(name)
        return f"{self._prefix}{self._names.index(name)}z"

    def put_back(self, query: str, language: str) -> str:
        """The query with the names themselves, quoted. Raises BadHunt for a name that the language cannot say."""
        quote = _QUOTES[language]
        # Splunk's ``where`` reads a name in single quotes, and pySigma sets these itself
        tokens = re.compile(rf"('?){self._prefix}([0-9]+)z('?)")

        def named(found: re.Match[str]) -> str:
            name = self._names[int(found[2])]
            if language == "splunk" and found[1] and found[3]:
                return f"'{_escaped(name, chr(39))}'"
            return f"{found[1]}{quote(name)}{found[3]}"

        if language == "kusto":
            # the back-end asks every network as one of IPv4; a token stands in no value, so this changes only calls
            query = re.sub(rf'ipv4_is_in_range(\({self._prefix}[0-9]+z, "[0-9a-fA-F.]*:)', r"ipv6_is_in_range\1", query)
        if language == "splunk" and ("`" in query or any("`" in name for name in self._names)):
            raise BadHunt("Splunk reads what stands between backticks as a macro, also inside quotation marks")
        return tokens.sub(named, query)


def _escaped(name: str, quote: str) -> str:
    return name.replace("\\", "\\\\").replace(quote, f"\\{quote}")


def _splunk(name: str) -> str:
    return name if _DOTTED.fullmatch(name) and "@" not in name else f'"{_escaped(name, chr(34))}"'


def _lucene(name: str) -> str:
    if _LUCENE_CANNOT.search(name):
        raise BadHunt("Lucene has no way to write a field's name with < or >")
    return _LUCENE_MUST.sub(lambda found: f"\\{found[0]}", name)


def _backticks(name: str) -> str:
    """EQL and ES|QL: backticks, doubled within. A dot parts the levels of a name and stays outside."""
    plain = _DOTTED.fullmatch(name) and name.lower() not in _ES_WORDS
    return name if plain else "`" + name.replace("`", "``") + "`"


def _kusto(name: str) -> str:
    """A dot after a plain name would ask for a part of a dynamic column, so such a name is bracketed too."""
    plain = _PLAIN.fullmatch(name) and name.lower() not in _KUSTO_WORDS
    return name if plain else f"['{_escaped(name, chr(39))}']"


_QUOTES: dict[str, Callable[[str], str]] = {
    "splunk": _splunk,
    "elasticsearch": _lucene,
    "eql": _backticks,
    "esql": _backticks,
    "kusto": _kusto,
}
