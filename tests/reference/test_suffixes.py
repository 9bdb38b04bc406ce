from __future__ import annotations

import pytest

from seawall.reference import is_public_suffix, registered_domain


@pytest.mark.parametrize(
    ("name", "registered"),
    [
        ("www.mof.gov.tw", "mof.gov.tw"),
        ("a.b.naver.com", "naver.com"),
        ("kisa.or.kr", "kisa.or.kr"),
        ("co.kr", None),
        ("tw", None),
        ("evil.github.io", "evil.github.io"),
        ("host.unknowntld", "host.unknowntld"),
        ("192.0.2.1", None),
        ("2001:db8::1", None),
        ("", None),
        ("a..b", None),
        (".example.com", None),
        ("x.xn--kpry57d", "x.xn--kpry57d"),
    ],
)
def test_registered_domain(name: str, registered: str | None) -> None:
    """The registrable part is found below public suffixes of all kinds; addresses and rubbish have none."""
    assert registered_domain(name) == registered


@pytest.mark.parametrize(
    ("name", "is_suffix"),
    [
        ("tw", True),
        ("com.tw", True),
        ("github.io", True),
        ("naver.com", False),
        ("", True),
        (".", True),
        ("192.0.2.1", False),
    ],
)
def test_is_public_suffix(name: str, is_suffix: bool) -> None:
    """Suffixes and the root are known as such; registered names and addresses are none."""
    assert is_public_suffix(name) is is_suffix
