"""A log's spelling and an indicator's: the same name or URL is the same text, or they would never meet."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.codec.values import canonical_pair
from seawall.ingest.values import ascii_name, name_and_url
from seawall.model import ObservableType

NAMES = [
    "straße.de", "ＥＸＡＭＰＬＥ．com", "例え.テスト", "한국.kr", "台灣.tw", "臺灣.tw", "münchen。de", "☃.net", "💩.la",
    "ex\u00adample.com", "①.com", "i̇stanbul.example", "a_b.example", "xn--strae-oqa.de", "WWW.Example.COM",
]  # fmt: skip
URLS = [
    "http://Example.COM", "HTTP://a.example:80/", "https://a.example:443/x#f", "http://a.example:0080/",
    "http://a.example:08080/", "http://a.example/%7Ea/../b", "http://[2001:DB8::1]:80/x", "http://[2001:0db8::0:1]/",
    "http://[::ffff:1.2.3.4]/", "http://a.example?x=1", "http://例え.テスト/日本", "http://a.example./",
    "http://1.2.3.4:8080", "http://a.example//x", "https://straße.de/a?b=c",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_spelt_alike(name: str) -> None:
    """International, full-width, upper-case and symbol names."""
    assert ascii_name(name.lower()) == canonical_pair(ObservableType.DOMAIN, name)[1]


@pytest.mark.parametrize("url", URLS)
def test_a_url_is_spelt_alike(url: str) -> None:
    """Ports, fragments, IPv6 and IPv4-mapped hosts, empty paths; path and query stay to the letter."""
    assert name_and_url(None, url, None)[1] == canonical_pair(ObservableType.URL, url)[1]


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="aß①한台ﾊ.-_1İ💩", min_size=1, max_size=20))
def test_no_name_has_two_spellings(name: str) -> None:
    """Whatever both take, they take for the same."""
    try:
        indicator = canonical_pair(ObservableType.DOMAIN, name)[1]
    except ValueError:
        return
    assert ascii_name(name.lower().rstrip(".").removeprefix(".")) == indicator
