"""Queries in a SIEM's own language, made from the rules of feed ``sigma`` by pySigma and its back-ends (extra [sigma]).

``sigma-splunk`` is SPL; ``sigma-lucene`` is the query string of Elasticsearch and OpenSearch; ``sigma-kusto`` is KQL
(Sentinel). Field names are Sigma's: map them to your own index. A heading line before each query says what it asks.

Two things that pySigma-backend-kusto 1.0.1 makes of a rule would never match, so they do not reach it: a field name
with a hyphen (a text constant in KQL; here ``c_uri``, ``cs_host``) and an IPv6 network (asked as one of IPv4; left
out). A value with a backtick is left out of SPL, which expands macros between backticks before it reads quotes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

from seawall.model import Observable, ObservableType, Unavailable
from seawall.model.directive import Directive
from seawall.protect import objections
from seawall.protect.interface import Feed, Heading, Sink, Writer
from seawall.protect.objections import Objection
from seawall.protect.sigma_rules import TYPES, Group, Grouping, condition_of, rules_of
from seawall.protect.text import moment_text, one_line

SPLUNK, KUSTO = "sigma-splunk", "sigma-kusto"
LANGUAGES = {
    SPLUNK: ("sigma.backends.splunk", "SplunkBackend", "pysigma-backend-splunk"),
    "sigma-lucene": ("sigma.backends.elasticsearch", "LuceneBackend", "pysigma-backend-elasticsearch"),
    KUSTO: ("sigma.backends.kusto", "KustoBackend", "pysigma-backend-kusto"),
}
"""Name of the feed -> module, class, package."""
FILES = ("seawall-queries.txt",)
MAX_QUERIED = 100_000
"""Values of one export: pySigma makes some thousands a second, and no search head runs more."""


class QueryWriter:
    """One file of queries."""

    def __init__(self, language: str, sink: Sink, heading: Heading) -> None:
        """Raises Unavailable E-PROTECT-130 without pySigma or the back-end."""
        self._collection, self._backend = _pysigma(language)
        self._language = language
        self._out = sink(FILES[0])
        self._made_at = heading.made_at
        self._groups = Grouping()
        self._count = 0
        self._out.write(f"# Seawall, made {moment_text(heading.made_at)}; {language}\n".encode("ascii"))

    def add(self, directive: Directive) -> Objection | None:
        """One value of a query."""
        if self._count >= MAX_QUERIED:
            return objections.TOO_MANY.about(MAX_QUERIED)
        if _means_something_else(self._language, directive.observable):
            return objections.FORMAT
        found = self._groups.add(directive)
        if isinstance(found, Objection):
            return found
        self._count += 1
        if found is not None:
            self._write(found)
        return None

    def finish(self) -> list[tuple[Directive, Objection]]:
        """Write the queries that are not full."""
        for group in self._groups.rest():
            self._write(group)
        self._out.flush()
        return []

    def _write(self, group: Group) -> None:
        for title, rule, selections in rules_of(group, self._made_at):
            detection: dict[str, object] = {}
            for name, values in selections.items():
                short, field = name.split(" ")
                field = field.replace("-", "_") if self._language == KUSTO else field
                detection[short] = {field: [text for text, _ in values]}
            detection["condition"] = condition_of(list(detection))
            rules = self._collection.from_dicts([{**rule, "detection": detection}])
            queries = [one_line(str(query)) for query in self._backend.convert(rules)]
            self._out.write("\n".join([f"# {title}; {rule['description']}", *queries, "", ""]).encode())


def _means_something_else(language: str, value: Observable) -> bool:
    if language == KUSTO:
        return value.type is ObservableType.CIDR and ":" in value.value
    return language == SPLUNK and "`" in value.value


def _pysigma(language: str) -> tuple[Any, Any]:
    module, name, package = LANGUAGES[language]
    try:
        return import_module("sigma.collection").SigmaCollection, getattr(import_module(module), name)()
    except (ImportError, AttributeError):
        raise Unavailable(
            "E-PROTECT-130",
            "An export to {feed} needs {package}, which is not installed; install it with "
            "'pip install seawall[sigma]'.",
            feed=language,
            package=package,
        ) from None


def _opener(language: str) -> Callable[[Sink, Heading], Writer]:
    return partial(QueryWriter, language)


QUERY_FEEDS = tuple(Feed(language, TYPES, FILES, folder=False, open=_opener(language)) for language in LANGUAGES)
