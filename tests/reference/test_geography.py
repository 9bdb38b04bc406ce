from __future__ import annotations

import ipaddress
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from counting import calls
from seawall.model import Fault
from seawall.reference import ATTRIBUTION, Geography
from seawall.reference.geography import PACKAGED


def _halves(texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    numbers = [int(ipaddress.ip_address(text)) for text in texts]
    numbers = [n if ":" in text else n | 0xFFFF_0000_0000 for n, text in zip(numbers, texts, strict=True)]
    high = np.array([n >> 64 for n in numbers], np.uint64).view(np.int64)
    low = np.array([n & (1 << 64) - 1 for n in numbers], np.uint64).view(np.int64)
    return low, high


def test_known_networks() -> None:
    """Well-known addresses of Taiwan, both Koreas and elsewhere are found in both families, mixed in one call."""
    texts = ["168.95.1.1", "2001:b000:168::1", "168.126.63.1", "175.45.176.1", "8.8.8.8", "2001:4860:4860::8888"]
    low, high = _halves(texts)
    countries, networks = Geography.packaged().lookup_many(low, high)
    assert countries == ["TW", "TW", "KR", "KP", "US", "US"]
    assert networks == [3462, 3462, 4766, 131279, 15169, 15169]


def test_plain_ipv4_integers() -> None:
    """Without the upper halves the numbers are IPv4 addresses, IPv4-mapped or not."""
    plain = np.array([int(ipaddress.ip_address("168.95.1.1"))])
    assert Geography.packaged().lookup_many(plain) == (["TW"], [3462])
    assert Geography.packaged().lookup_many(plain | 0xFFFF_0000_0000) == (["TW"], [3462])


def test_unknown_is_none() -> None:
    """Private, special and unassigned addresses have no country and no network."""
    low, high = _halves(["10.0.0.1", "0.0.0.1", "255.255.255.255", "::1", "fe80::1", "ff02::1"])
    assert Geography.packaged().lookup_many(low, high) == ([None] * 6, [None] * 6)


def test_nothing_asked() -> None:
    """An empty question has an empty answer."""
    none = np.array([], np.int64)
    assert Geography.packaged().lookup_many(none, none) == ([], [])


def test_edges_of_ranges(tmp_path: Path) -> None:
    """A range holds from its start up to the next start, also where IPv6 halves turn negative."""
    rows = [
        (4, 0, "", 0),
        (4, 10, "TW", 5),
        (4, 20, "", 7),
        (6, 0, "", 0),
        (6, -(2**62), "KR", 9),
        (6, -(2**61), "", 0),
    ]
    names = ("family", "start", "country", "asn")
    pq.write_table(pa.table({name: [row[place] for row in rows] for place, name in enumerate(names)}), tmp_path / "g")
    geography = Geography.load(tmp_path / "g")
    assert geography.lookup_many(np.array([9, 10, 19, 20])) == ([None, "TW", "TW", None], [None, 5, 5, 7])
    high = np.array([1, -(2**62) - 1, -(2**62), -(2**61) - 1, -(2**61)])
    assert geography.lookup_many(np.zeros(5, np.int64), high)[0] == [None, None, "KR", "KR", None]


def test_a_million_addresses_are_one_look_up() -> None:
    """A million random addresses: no call for each."""
    geography = Geography.packaged()
    low = np.random.default_rng(1).integers(0, 1 << 32, 1_000_000)
    found: list[int] = []
    assert calls(lambda: found.extend([len(geography.lookup_many(low)[0])])) < 1_000
    assert found == [1_000_000]


def test_packaged_file_is_small_and_named() -> None:
    """The packaged file stays under 4 MB, and its makers are named."""
    assert PACKAGED.stat().st_size < 4_000_000
    for maker in ("nro.net", "routeviews.org", "db-ip.com", "CC BY 4.0"):
        assert maker in ATTRIBUTION


def test_other_files(tmp_path: Path) -> None:
    """A missing file and one of another kind get one sentence."""
    (tmp_path / "odd").write_text("odd")
    pq.write_table(pa.table({"a": [1]}), tmp_path / "columns")
    for name in ("missing", "odd", "columns"):
        with pytest.raises(Fault, match="E-REFERENCE-001"):
            Geography.load(tmp_path / name)
