"""Canonical spellings, detection, and addresses as integers."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.codec.values import address_halves, canonical, cidr_halves, detect, halves_address, refang
from seawall.model import Fault, ObservableType

T = ObservableType


@pytest.mark.parametrize(
    ("kind", "text", "found", "value"),
    [
        (T.IPV4, "192.0.2.1", T.IPV4, "192.0.2.1"),
        (T.IPV4, "192.0.2.77/24", T.CIDR, "192.0.2.0/24"),
        (T.IPV6, "2001:DB8:0::1", T.IPV6, "2001:db8::1"),
        (T.IPV6, "::ffff:192.0.2.1", T.IPV4, "192.0.2.1"),
        (T.CIDR, "192.0.2.1/32", T.IPV4, "192.0.2.1"),
        (T.CIDR, "2001:db8::1/32", T.CIDR, "2001:db8::/32"),
        (T.CIDR, "::ffff:192.0.2.0/120", T.CIDR, "192.0.2.0/24"),
        (T.DOMAIN, "WWW.Example.COM.", T.DOMAIN, "www.example.com"),
        (T.DOMAIN, "*.example.com", T.DOMAIN, "example.com"),
        (T.DOMAIN, "서울.kr", T.DOMAIN, "xn--2i4bq6h.kr"),
        (T.DOMAIN, "_dmarc.example.com", T.DOMAIN, "_dmarc.example.com"),
        (T.URL, "HTTP://Example.COM:80/A%2f?q=1#frag", T.URL, "http://example.com/A%2f?q=1"),
        (T.URL, "https://example.com:8443", T.URL, "https://example.com:8443/"),
        (T.URL, "example.com/x", T.URL, "http://example.com/x"),
        (T.URL, "http://u:p@[2001:DB8::1]:443/x", T.URL, "http://u:p@[2001:db8::1]:443/x"),
        (T.URL, "http://臺北.tw/路", T.URL, "http://xn--djrz40i.tw/路"),
        (T.EMAIL, "Bob@Example.COM", T.EMAIL, "bob@example.com"),
        (T.MD5, "D41D8CD98F00B204E9800998ECF8427E", T.MD5, "d41d8cd98f00b204e9800998ecf8427e"),
        (T.SHA256, "A" * 64, T.SHA256, "a" * 64),
        (T.CERTIFICATE, ":".join(["AB"] * 20), T.CERTIFICATE, "ab" * 20),
        (T.AS, "AS4134", T.AS, "4134"),
        (T.CVE, "cve-2021-44228", T.CVE, "CVE-2021-44228"),
        (T.FILE_NAME, "簡報 1.docx", T.FILE_NAME, "簡報 1.docx"),
        (T.WALLET, "0x" + "AbCdE01234" * 4, T.WALLET, "0x" + "abcde01234" * 4),
        (T.JA4, "t13d1516h2_8daaf6152771_b186095e22b6", T.JA4, "t13d1516h2_8daaf6152771_b186095e22b6"),
        (T.JA3, "E7D705A3286E19EA42F587B344EE6865", T.JA3, "e7d705a3286e19ea42f587b344ee6865"),
    ],
)
def test_equal_things_have_one_spelling(kind: T, text: str, found: T, value: str) -> None:
    """Whatever a feed writes, the same thing becomes the same bytes."""
    made = canonical(kind, text)
    assert (made.type, made.value) == (found, value)
    assert canonical(made.type, made.value) == made


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (T.IPV4, "1.2.3"),
        (T.IPV4, "1.2.3.04"),
        (T.IPV4, "2001:db8::1"),
        (T.IPV4, "１.2.3.4"),
        (T.IPV6, "fe80::1%eth0"),
        (T.IPV6, "1.2.3.4"),
        (T.CIDR, "10.0.0.0/33"),
        (T.DOMAIN, "ex ample.com"),
        (T.DOMAIN, "-a.com"),
        (T.DOMAIN, "a..b"),
        (T.DOMAIN, "1.2.3.4"),
        (T.DOMAIN, "a" * 300),
        (T.DOMAIN, ""),
        (T.URL, "http://"),
        (T.URL, "http://a b/"),
        (T.URL, "http://example.com:99999/"),
        (T.URL, "http://ex\x00ample.com/"),
        (T.EMAIL, "nobody"),
        (T.EMAIL, "a@b@"),
        (T.MD5, "x" * 32),
        (T.SHA1, "a" * 39),
        (T.AS, "AS99999999999"),
        (T.CVE, "CVE-21-1"),
        (T.FILE_NAME, "a\nb"),
        (T.WALLET, "short"),
        (T.URL, "http://example.com/" + "a" * 10_000),
    ],
)
def test_what_is_no_value_is_a_fault_that_says_why(kind: T, text: str) -> None:
    """One clear sentence with a stable code; the text is shown quoted and short."""
    with pytest.raises(Fault) as caught:
        canonical(kind, text)
    assert caught.value.code == "E-VALUE-001"
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("hxxps://evil[.]example/a", T.URL, "https://evil.example/a"),
        ("hXXp[:]//evil[.]com[/]x", T.URL, "http://evil.com/x"),
        ("1.2.3[.]4", T.IPV4, "1.2.3.4"),
        ("192(.)0(.)2(.)9", T.IPV4, "192.0.2.9"),
        ("2001:db8[:]:1", T.IPV6, "2001:db8::1"),
        ("192.0.2.4:8080", T.IPV4, "192.0.2.4"),
        ("10.1.2.3/8", T.CIDR, "10.0.0.0/8"),
        ("bob[at]evil[.]com", T.EMAIL, "bob@evil.com"),
        ("evil[dot]com", T.DOMAIN, "evil.com"),
        ("setup[.]py", T.DOMAIN, "setup.py"),
        ("setup.py", T.FILE_NAME, "setup.py"),
        ("invoice.doc", T.FILE_NAME, "invoice.doc"),
        ('"www.example.com",', T.DOMAIN, "www.example.com"),
        ("evil.com/path", T.URL, "http://evil.com/path"),
        ("D" * 40, T.SHA1, "d" * 40),
        ("AS4134", T.AS, "4134"),
        ("cve-2021-44228", T.CVE, "CVE-2021-44228"),
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", T.WALLET, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
    ],
)
def test_values_are_recognised_defanged_or_not(text: str, kind: T, value: str) -> None:
    """A cell or word tells its type by itself."""
    found = detect(text)
    assert found is not None
    assert (found.type, found.value) == (kind, value)


@pytest.mark.parametrize(
    "text", ["", "hello", "e.g.", "v1.2", "a b.com", "1.2.3.4.5", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb"]
)
def test_other_words_are_no_values(text: str) -> None:
    """Prose, version numbers, and an address whose checksum is wrong."""
    assert detect(text) is None


@given(st.text(max_size=60))
def test_detection_never_raises(text: str) -> None:
    """What an attacker wrote is data."""
    found = detect(text)
    assert found is None or canonical(found.type, found.value) == found


@given(st.ip_addresses())
def test_addresses_survive_the_way_through_two_integers(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    """Two signed 64-bit halves hold every address, and equal addresses are equal."""
    high, low = address_halves(str(address))
    assert all(-(1 << 63) <= half < 1 << 63 for half in (high, low))
    mapped = getattr(address, "ipv4_mapped", None)
    assert halves_address(high, low) == str(mapped or address)


def test_ipv4_is_kept_mapped() -> None:
    """High 0, low 0xFFFF followed by the address; prefix lengths count in 128 bits."""
    assert address_halves("192.0.2.1") == (0, 0xFFFF_C000_0201)
    assert cidr_halves("192.0.2.7/24") == (0, 0xFFFF_C000_0200, 120)
    assert cidr_halves("2001:db8::/32") == (0x2001_0DB8_0000_0000, 0, 32)
    assert cidr_halves("192.0.2.1")[2] == 128
    for call in (address_halves, cidr_halves):
        with pytest.raises(Fault, match="E-VALUE-001"):
            call("nowhere")


def test_plain_text_is_not_refanged() -> None:
    """Brackets that mean something else stay."""
    assert refang("array[0] (see note) {x}") == "array[0] (see note) {x}"
    assert refang("fxp://files[.]example") == "ftp://files.example"
