from __future__ import annotations

from pathlib import Path

import pytest

from seawall.model import Fault, Observable, ObservableType
from seawall.reference import Asset, OwnAssets

CSV = """asset,organisation,sector,criticality
203.0.113.0/24,Harbour Authority,transport,high
203.0.113.128/25,Harbour Control,transport,critical
2001:db8:7::/48,Harbour Authority,transport,high
*.Harbour.example.tw,Harbour Authority,transport,
臺灣港.tw,Harbour Authority,transport,
"""


@pytest.fixture
def own(tmp_path: Path) -> OwnAssets:
    """A harbour's assets."""
    path = tmp_path / "assets.csv"
    path.write_text(CSV, encoding="utf-8")
    return OwnAssets.from_csv(path)


@pytest.mark.parametrize(
    ("type", "value", "is_own"),
    [
        ("ipv4", "203.0.113.5", True),
        ("ipv4", "203.0.114.5", False),
        ("ipv4", "10.9.8.7", True),
        ("ipv4", "172.31.255.255", True),
        ("ipv4", "172.32.0.0", False),
        ("ipv4", "127.0.0.1", True),
        ("ipv4", "169.254.1.1", True),
        ("ipv6", "::1", True),
        ("ipv6", "fe80::1", True),
        ("ipv6", "fd12:3456::1", True),
        ("ipv6", "::ffff:10.0.0.1", True),
        ("ipv6", "2001:db8:7::9", True),
        ("ipv6", "2001:db8:8::9", False),
        ("cidr", "203.0.113.64/26", True),
        ("cidr", "203.0.0.0/16", True),
        ("cidr", "198.51.100.0/24", False),
        ("domain", "harbour.example.tw", True),
        ("domain", "mail.harbour.example.tw", True),
        ("domain", "evilharbour.example.tw", False),
        ("domain", "example.tw", False),
        ("domain", "xn--kpry57dv5u.tw", False),
        ("url", "https://www.harbour.example.tw:8443/login?x", True),
        ("url", "http://203.0.113.9/x", True),
        ("url", "http://[fd00::1]/x", True),
        ("url", "http://evil.example/harbour.example.tw", False),
        ("url", "http://[broken", False),
        ("email", "someone@harbour.example.tw", True),
        ("email", "harbour.example.tw@evil.example", False),
        ("md5", "d41d8cd98f00b204e9800998ecf8427e", False),
    ],
)
def test_what_is_own(own: OwnAssets, type: str, value: str, is_own: bool) -> None:
    """Imported assets and private ranges are own in every type of value; look-alikes are not."""
    assert own.is_own(Observable(ObservableType(type), value)) is is_own


def test_names_in_other_scripts(own: OwnAssets) -> None:
    """A domain written in Han characters is kept as its A-label."""
    assert any(domain.startswith("xn--") for domain in own.domains())


def test_narrowest_asset_answers(own: OwnAssets) -> None:
    """Of nested ranges the narrowest says whose an address is."""
    asset = own.asset_of(Observable(ObservableType.IPV4, "203.0.113.200"))
    assert asset == Asset("203.0.113.128/25", "Harbour Control", "transport", "critical")


def test_private_ranges_without_any_import() -> None:
    """A node that imported nothing still knows the private ranges."""
    texts = {str(network) for network in OwnAssets().networks()}
    assert {"10.0.0.0/8", "fc00::/7", "fe80::/10", "127.0.0.0/8"} <= texts
    assert OwnAssets().assets == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cidr,sector\n10.1.0.0/16,x\n10.1.2.3/16,y\n", r"E-REFERENCE-021.*line 3.*10.1.0.0/16.*line 2"),
        ("domain\na.example\nA.example.\n", r"E-REFERENCE-021.*line 3"),
        ("asset\nnot a thing\n", r"E-REFERENCE-020.*line 2"),
        ("asset\n10.0.0.0/99\n", r"E-REFERENCE-020.*line 2"),
        ("asset\ntw\n", r"E-REFERENCE-020.*line 2"),
        ("organisation\nx\n", r"E-REFERENCE-002"),
        ("asset,organisation\n,Nobody\n", r"E-REFERENCE-020.*line 2"),
    ],
)
def test_refusals_name_the_line(tmp_path: Path, text: str, said: str) -> None:
    """Duplicates and what is no asset are refused with the line."""
    path = tmp_path / "assets.csv"
    path.write_text(text)
    with pytest.raises(Fault, match=said):
        OwnAssets.from_csv(path)


def test_kept_in_a_folder(tmp_path: Path, own: OwnAssets) -> None:
    """Saved assets are loaded again; a damaged file is refused, never taken for "nothing is ours"."""
    own.save(tmp_path)
    assert OwnAssets.load(tmp_path).assets == own.assets
    (tmp_path / "assets.json").write_text("{")
    with pytest.raises(Fault, match="E-REFERENCE-001"):
        OwnAssets.load(tmp_path)
    assert OwnAssets.load(tmp_path / "empty").assets == ()


def test_joined_and_arrow(own: OwnAssets) -> None:
    """Later assets replace earlier ones of the same value; ranges have a form for joins."""
    joined = own.joined(OwnAssets([Asset("203.0.113.0/24", "Port"), Asset("198.51.100.0/24", "Port")]))
    assert len(joined.assets) == 6
    table = joined.arrow_table().to_pylist()
    assert {"high": 0, "low": 0xFFFF_CB00_7100, "prefix": 120}.items() <= table[0].items()
    assert len(table) == len(joined.networks())
