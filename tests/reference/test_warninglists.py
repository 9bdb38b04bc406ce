from __future__ import annotations

import ipaddress
import json
from pathlib import Path

import pytest

from realdata import folder
from seawall.model import Fault, Observable, ObservableType
from seawall.reference import Warninglists
from seawall.reference.warninglist_file import read_list


def _write(path: Path, **changes: object) -> Path:
    content = {"name": "A list", "type": "string", "list": ["x"], "version": 1, "matching_attributes": []}
    path.write_text(json.dumps(content | changes))
    return path


def _hit(lists: Warninglists, type: str, value: str) -> str | None:
    return lists.hit(Observable(ObservableType(type), value))


def _one(tmp_path: Path, **changes: object) -> Warninglists:
    return Warninglists([read_list(_write(tmp_path / "list.json", **changes))])


def test_string_lists_are_equality(tmp_path: Path) -> None:
    """An entry of a string list is the value itself, in any case; a leading dot means names below it."""
    lists = _one(tmp_path, list=["Big.example", ".google.example"])
    assert _hit(lists, "domain", "big.example") == "A list"
    assert _hit(lists, "domain", "www.big.example") is None
    assert _hit(lists, "url", "https://big.example/evil") is None
    assert _hit(lists, "domain", "mail.google.example") == "A list"


def test_hostname_lists_hold_names_below(tmp_path: Path) -> None:
    """An entry of a hostname list is a name with all below it, also as the host of a URL or a mail address."""
    lists = _one(tmp_path, type="hostname", list=["big.example"])
    for type, value in (
        ("domain", "big.example"),
        ("domain", "a.b.big.example"),
        ("url", "http://www.big.example:81/x"),
        ("email", "x@big.example"),
    ):
        assert _hit(lists, type, value) == "A list", value
    assert _hit(lists, "domain", "notbig.example") is None


def test_cidr_lists(tmp_path: Path) -> None:
    """Ranges hold addresses of both families, ranges that touch them, and hosts of URLs; rubbish is counted."""
    lists = _one(tmp_path, type="cidr", list=["198.51.100.0/24", "2001:DB8::/32", "192.0.2.1", "not a range", ""])
    assert lists.lists[0].skipped == 2
    for type, value in (
        ("ipv4", "198.51.100.7"),
        ("ipv6", "2001:db8::7"),
        ("ipv4", "192.0.2.1"),
        ("cidr", "198.51.0.0/16"),
        ("cidr", "198.51.100.128/25"),
        ("url", "http://198.51.100.7/x"),
        ("url", "http://[2001:db8::7]:80/x"),
    ):
        assert _hit(lists, type, value) == "A list", value
    for type, value in (("ipv4", "192.0.2.2"), ("cidr", "203.0.113.0/24"), ("domain", "198.51.100.example")):
        assert _hit(lists, type, value) is None, value


def test_substrings_and_expressions(tmp_path: Path) -> None:
    """Substrings are looked for, expressions may be written as MISP writes them."""
    lists = _one(tmp_path, type="substring", list=["cdn."], matching_attributes=["url"])
    assert _hit(lists, "url", "http://x.cdn.example/") == "A list"
    assert _hit(lists, "domain", "x.cdn.example") is None
    lists = _one(tmp_path, type="regex", list=["/^c[0-9]+\\.example$/i", "(unclosed"])
    assert _hit(lists, "domain", "c12.example") == "A list"
    assert _hit(lists, "domain", "xc12.example") is None
    assert lists.lists[0].skipped == 1


def test_hostile_expressions_take_linear_time(tmp_path: Path) -> None:
    """An expression that makes backtracking engines hang for ever has an answer."""
    lists = _one(tmp_path, type="regex", list=["^(a+)+$"])
    assert _hit(lists, "file_name", "a" * 4000 + "!") is None


def test_attributes_bound_the_types(tmp_path: Path) -> None:
    """A list applies only to the types that its attributes name; without attributes to all."""
    lists = _one(tmp_path, list=["d41d8cd98f00b204e9800998ecf8427e"], matching_attributes=["md5"])
    assert _hit(lists, "md5", "d41d8cd98f00b204e9800998ecf8427e") == "A list"
    assert _hit(lists, "ja3", "d41d8cd98f00b204e9800998ecf8427e") is None


def test_packaged_lists() -> None:
    """The packaged lists know special addresses, resolvers and suffixes, and leave ordinary values alone."""
    lists = Warninglists.packaged()
    for type, value in (
        ("ipv4", "100.64.3.3"),
        ("ipv4", "8.8.8.8"),
        ("ipv4", "168.126.63.1"),
        ("ipv6", "2620:fe::fe"),
        ("ipv6", "ff02::1"),
        ("cidr", "0.0.0.0/0"),
        ("cidr", "::/0"),
        ("domain", "tw"),
        ("domain", "co.kr"),
        ("domain", "1.0.0.127.in-addr.arpa"),
        ("domain", "a.root-servers.net"),
        ("sha256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ):
        assert _hit(lists, type, value) is not None, value
    for type, value in (("ipv4", "45.77.1.9"), ("domain", "evil.com.tw"), ("url", "http://evil.com.tw/dns.google")):
        assert _hit(lists, type, value) is None, value
    assert all(each.skipped == 0 for each in lists.lists)


def test_example_ranges_are_known_but_not_excluded() -> None:
    """Documentation ranges, which only exercises use, are named without hiding an exercise."""
    lists = Warninglists.packaged()
    example = Observable(ObservableType.IPV4, "203.0.113.9")
    assert lists.hit(example) is None
    assert lists.hit(example, category="known") == "Documentation and reserved addresses"
    assert lists.hit(example, category=None) == "Documentation and reserved addresses"


@pytest.mark.parametrize("name", ["rfc1918", "rfc5735", "rfc6598", "rfc3849"])
def test_packaged_ranges_cover_those_of_misp(name: str) -> None:
    """Every range in MISP's lists of special addresses is in a packaged list."""
    lists = Warninglists.packaged()
    for text in read_list(folder("misp-warninglists") / f"{name}.json").entries:
        network = ipaddress.ip_network(text)
        for address in (network[0], network[-1]):
            type = ObservableType.IPV4 if address.version == 4 else ObservableType.IPV6
            assert lists.hit(Observable(type, str(address)), category=None) is not None, address


def test_real_lists_load_and_answer() -> None:
    """All real MISP lists load, nearly every entry is usable, and known members are hit."""
    paths = sorted(folder("misp-warninglists").glob("*.json"))
    lists = Warninglists(read_list(path) for path in paths)
    entries = sum(len(each.entries) + each.skipped for each in lists.lists)
    assert len(lists.lists) == 22
    assert entries > 38_900
    assert sum(each.skipped for each in lists.lists) < 10
    assert _hit(lists, "ipv4", "162.142.125.9") is not None
    assert _hit(lists, "domain", "bit.ly") is not None
    assert _hit(lists, "url", "https://bit.ly/3abc") is not None
    assert _hit(lists, "ipv6", "2001:148f:fffe::1") is not None


def test_every_real_entry_hits_its_own_list() -> None:
    """Each entry of each real list, as a value of a type that the list applies to, is hit."""
    for path in sorted(folder("misp-warninglists").glob("*.json")):
        each = read_list(path)
        alone = Warninglists([each])
        types = [ObservableType.CIDR, ObservableType.DOMAIN, *sorted(each.applies_to)]
        type = next(type for type in types if type in each.applies_to and (type != "cidr" or each.type == "cidr"))
        missed = [entry for entry in each.entries if alone.hit(Observable(type, entry.strip("."))) is None]
        assert missed == [], path.name


def test_arrow_tables_say_the_same(tmp_path: Path) -> None:
    """The forms for joins hold every range, value and name."""
    tables = Warninglists.packaged().arrow_tables()
    row = {
        "high": 0,
        "low": 0xFFFF_0808_0808,
        "prefix": 128,
        "list": "Public DNS resolvers",
        "category": "false_positive",
    }
    assert row in tables["networks"].to_pylist()
    assert any((cell["type"], cell["value"]) == ("domain", "dns.google") for cell in tables["values"].to_pylist())
    assert any(cell["value"] == "root-servers.net" for cell in tables["names"].to_pylist())
    assert {name: table.num_rows for name, table in Warninglists([]).arrow_tables().items()} == {
        "networks": 0,
        "values": 0,
        "names": 0,
    }


def test_imported_lists_are_kept(tmp_path: Path) -> None:
    """An imported list is there at the next load; the same name replaces, whatever the file was called."""
    node = tmp_path / "reference"
    Warninglists.import_list(_write(tmp_path / "a.json", name="../../evil", list=["one"]), node)
    Warninglists.import_list(_write(tmp_path / "b.json", name="../../evil", list=["two"]), node)
    lists = Warninglists.load(node)
    assert _hit(lists, "file_name", "two") == "../../evil"
    assert _hit(lists, "file_name", "one") is None
    assert _hit(lists, "ipv4", "8.8.8.8") == "Public DNS resolvers"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "b.json", "reference"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"\xff\xfe",
        b'{"name": "x"}',
        b'{"name": "x", "type": "odd", "list": []}',
        b'{"name": " ", "type": "cidr", "list": []}',
    ],
)
def test_files_that_are_no_lists(tmp_path: Path, content: bytes) -> None:
    """What is no warninglist gets one sentence, and nothing is kept."""
    path = tmp_path / "odd.json"
    path.write_bytes(content)
    with pytest.raises(Fault, match=r"E-REFERENCE-0(01|30).*odd.json"):
        Warninglists.import_list(path, tmp_path / "reference")
    assert not (tmp_path / "reference").exists()
