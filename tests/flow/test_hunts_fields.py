"""Names of fields in queries for a SIEM."""

from __future__ import annotations

from importlib import import_module

import pytest

from absent import needed
from seawall.flow.hunts_convert import BACKENDS
from seawall.flow.hunts_fields import Fields
from seawall.warn.hunts import BadHunt

NAMES = ("cs-host", "tls.fingerprint", "src_ip", "it's", 'q"x', "back\\slash", "where", "9lives")
SAID = {
    "splunk": ('"cs-host"', "tls.fingerprint", "src_ip", '"it\'s"', '"q\\"x"', '"back\\\\slash"', "where",
               '"9lives"'),
    "elasticsearch": ("cs-host", "tls.fingerprint", "src_ip", "it\\'s", 'q\\"x', "back\\\\slash", "where",
                      "9lives"),
    "eql": ("`cs-host`", "tls.fingerprint", "src_ip", "`it's`", '`q"x`', "`back\\slash`", "`where`",
            "`9lives`"),
    "esql": ("`cs-host`", "tls.fingerprint", "src_ip", "`it's`", '`q"x`', "`back\\slash`", "`where`",
             "`9lives`"),
    "kusto": ("['cs-host']", "['tls.fingerprint']", "src_ip", "['it\\'s']", "['q\"x']", "['back\\\\slash']",
              "['where']", "['9lives']"),
}  # fmt: skip


@pytest.mark.parametrize("language", SAID)
def test_a_name_is_quoted_as_the_language_quotes_names(language: str) -> None:
    """Hyphens, quotation marks, key words and digits in front: each language's own rule, never a text constant."""
    fields = Fields("")
    tokens = [fields.token(name) for name in NAMES]
    assert tuple(fields.put_back(token, language) for token in tokens) == SAID[language]


def test_a_name_can_end_no_string_and_add_no_command() -> None:
    """A token that the rule's own text contains is not used; what cannot be written is refused."""
    fields = Fields("swfield0x0z")
    token = fields.token("a']) | take 1 //")
    assert token not in "swfield0x0z"
    assert fields.put_back(f'{token} =~ "swfield0x0z"', "kusto") == "['a\\']) | take 1 //'] =~ \"swfield0x0z\""
    for name in ("", " ", "a\nb", "x" * 300):
        with pytest.raises(BadHunt):
            fields.token(name)
    with pytest.raises(BadHunt):
        fields.put_back(fields.token("a<b"), "elasticsearch")


def test_backticks_are_doubled_or_refused() -> None:
    """EQL doubles one in a name; Splunk would expand a macro between two, even inside a value, so it gets none."""
    fields = Fields("")
    token = fields.token("a`b")
    assert fields.put_back(token, "eql") == "`a``b`"
    for query, written in ((token, fields), (f'{Fields("").token("a")}="`evil`"', Fields(""))):
        with pytest.raises(BadHunt, match="macro"):
            written.put_back(query, "splunk")


def test_kusto_asks_a_network_of_version_six_as_one() -> None:
    """pySigma asks it as one of version four, which no address meets; a value that looks like the call stays."""
    fields = Fields("")
    token = fields.token("dst-ip")
    query = f'ipv4_is_in_range({token}, "2001:db8::/32") or a =~ "ipv4_is_in_range(x, \\"2001::"'
    assert fields.put_back(query, "kusto") == query.replace(f"ipv4_is_in_range({token}", "ipv6_is_in_range(['dst-ip']")


@pytest.mark.parametrize("language", BACKENDS)
@pytest.mark.parametrize(
    "condition",
    [{"cs-host": ["evil"]}, {"cs-host|contains": ["a", "b"]}, {"cs-host|cidr": "10.0.0.0/8"}, {"cs-host|gt": 5}],
)
def test_every_kind_of_test_keeps_its_name(language: str, condition: dict[str, object]) -> None:
    """A hyphenated name stands quoted in all forms of comparison of all back-ends, and no token is left."""
    for package in ("splunk", "elasticsearch", "kusto"):
        needed(f"sigma.backends.{package}")
    pipelines = import_module("sigma.processing.pipeline")
    renamed = import_module("sigma.processing.transformations").FieldFunctionTransformation
    fields = Fields("")
    pipeline = pipelines.ProcessingPipeline(
        items=[pipelines.ProcessingItem(renamed(mapping={}, transform_func=fields.token))]
    )
    rule = {"title": "t", "logsource": {"category": "network"}, "detection": {"s": condition, "condition": "s"}}
    collection = import_module("sigma.collection").SigmaCollection.from_dicts([rule])
    module, name, _ = BACKENDS[language]
    (query,) = getattr(import_module(module), name)(pipeline).convert(collection)
    said = fields.put_back(query, language)
    assert SAID[language][0] in said
    assert "swfield" not in said
