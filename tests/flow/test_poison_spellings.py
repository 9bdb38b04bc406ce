"""Whatever covers something own or protected is refused by the gate in every spelling that anybody could send."""

from __future__ import annotations

import ipaddress
import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from flow.poison_scenes import Poison
from seawall.codec.sharing import keys_of
from seawall.flow.node import Node, create_node
from seawall.flow.orders_acts import our_word
from seawall.flow.orders_rules import rules_of
from seawall.model.directive import Action
from seawall.protect.gate import undo_name
from seawall.protect.protected import packaged
from seawall.reference import OwnAssets

DRAWN = 3_000
OWN_NETWORKS, OWN_NAMES = ("45.62.3.0/24", "2a0f:1234:77::/48"), ("ours.example.org", "harbour.example.net")
PATHS = {"ip4": "ipv4-addr:value", "ip6": "ipv6-addr:value", "name": "domain-name:value", "url": "url:value",
         "mail": "email-addr:value"}  # fmt: skip
Spelling = Callable[[random.Random, str], str]

ADDRESSES: tuple[tuple[str, Spelling], ...] = (
    ("ip4", lambda _, text: text),
    ("ip4", lambda _, text: str(int(ipaddress.IPv4Address(text)))),
    ("ip4", lambda _, text: ".".join(f"0{int(part):o}" for part in text.split("."))),
    ("ip4", lambda _, text: hex(int(ipaddress.IPv4Address(text)))),
    ("ip4", lambda chance, text: f"{text}/{chance.randrange(33)}"),
    ("ip4", lambda _, text: f" {text}\t"),
    ("ip6", lambda _, text: f"::ffff:{text}"),
    ("ip6", lambda _, text: ipaddress.IPv6Address(0xFFFF << 32 | int(ipaddress.IPv4Address(text))).exploded.upper()),
    ("ip6", lambda _, text: str(ipaddress.IPv6Address(0x64FF9B << 96 | int(ipaddress.IPv4Address(text))))),
    ("ip6", lambda _, text: str(ipaddress.IPv6Address(0x2002 << 112 | int(ipaddress.IPv4Address(text)) << 80 | 1))),
    ("url", lambda _, text: f"http://{text}:8080/x?y#z"),
    ("url", lambda _, text: f"http://0x{int(ipaddress.IPv4Address(text)):X}/x"),
    ("url", lambda _, text: f"http://{'.'.join(hex(int(part)) for part in text.split('.'))}/x"),
    ("url", lambda _, text: f"http://{int(ipaddress.IPv4Address(text))}/x"),
    ("url", lambda _, text: f"https://a:b@[::ffff:{text}]/x"),
    ("mail", lambda _, text: f"root@[{text}]"),
)
SIXES: tuple[tuple[str, Spelling], ...] = (
    ("ip6", lambda _, text: text),
    ("ip6", lambda _, text: ipaddress.IPv6Address(text).exploded.upper()),
    ("ip6", lambda chance, text: f"{text}/{chance.randrange(129)}"),
    ("ip6", lambda _, text: f"{text}%eth0"),
    ("url", lambda _, text: f"http://[{ipaddress.IPv6Address(text).exploded}]:80/x"),
)
NAMES: tuple[tuple[str, Spelling], ...] = (
    ("name", lambda _, text: text),
    ("name", lambda chance, text: "".join(chance.choice((str.upper, str.lower))(letter) for letter in text)),
    ("name", lambda _, text: f"{text}."),
    ("name", lambda _, text: f"*.{text}"),
    ("name", lambda _, text: text.replace(".", "\u3002", 1).replace(".", "\uff0e", 1)),
    ("name", lambda _, text: "".join(chr(ord(letter) + 0xFEE0) if letter.isalnum() else letter for letter in text)),
    ("name", lambda chance, text: "\u00ad".join(_cut(chance, text))),
    ("name", lambda chance, text: chance.choice(("\x00", "\n", " ", "\u200b")).join(_cut(chance, text))),
    ("url", lambda _, text: f"https://{text}/login"),
    ("url", lambda _, text: f"HTTPS://User:Pw@{text.upper()}.:8443/x"),
    ("url", lambda _, text: f"https://{text.replace('.', '%2e')}/x"),
    ("url", lambda _, text: f"https://%{ord(text[0]):02x}{text[1:]}/x"),
    ("url", lambda _, text: f"https://{text}\\@evil.example/x"),
    ("mail", lambda _, text: f"Staff@{text.upper()}."),
)


def _cut(chance: random.Random, text: str) -> tuple[str, str]:
    place = chance.randrange(1, len(text))
    return text[:place], text[place:]


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A node with networks and names of its own."""
    folder: Path = tmp_path_factory.mktemp("spelt")
    create_node(folder / "node", name="T", economy="TW", sector="energy", timezone="UTC", lang="en")
    (folder / "assets.csv").write_text("\n".join(["asset", *OWN_NETWORKS, *OWN_NAMES]))
    OwnAssets.from_csv(folder / "assets.csv").save(folder / "node" / "reference")
    with Node.open(folder / "node") as opened:
        yield opened


def drawn(chance: random.Random) -> Iterator[Poison]:
    """Values without end: something own or protected, or inside it, in one of the spellings."""
    networks = [
        *OWN_NETWORKS * 8,
        "10.0.0.0/8",
        "fe80::/10",
        *(text for one in packaged().classes for text in one.networks),
    ]
    names = [*OWN_NAMES * 8, *(name for one in packaged().classes for name in one.below)]
    while True:
        network = ipaddress.ip_network(chance.choice(networks))
        address = network[chance.randrange(min(network.num_addresses, 1 << 16))]
        kind, spell = chance.choice(SIXES if address.version == 6 else ADDRESSES)
        yield Poison(kind, spell(chance, str(address)), str(address), frozenset())
        kind, spell = chance.choice(NAMES)
        known = names if kind == "name" else OWN_NAMES  # a page or a mailbox at a large provider may be an attacker's
        name = chance.choice(("", "www.", "a.b.")) + chance.choice(known)
        yield Poison(kind, spell(chance, name), name, frozenset())


def test_nothing_own_or_protected_passes_in_any_spelling(node: Node) -> None:
    """Three thousand draws: each names no value, or one to which the gate objects; every class of objection occurs."""
    chance, gate, at = random.Random(20_261_122), rules_of(node).gate, node.clock()
    passed, rules = [], Counter[str]()
    for _, poison in zip(range(DRAWN), drawn(chance), strict=False):
        for value in keys_of(body(poison)):
            problem, _flags = gate.check(our_word(value), undo_name(Action.BLOCK, value), at)
            if problem is None:
                passed.append((poison.wrong, poison.value, value.value))
            else:
                rules[problem.rule] += 1
    assert passed == []
    assert {"own", "bogon", "huge-network", "malformed", "ipv4-mapped"} & set(rules) >= {"own", "bogon", "malformed"}
    assert rules.total() > DRAWN // 3


def test_the_spellings_are_compared_and_not_only_refused(node: Node) -> None:
    """The same spellings of what is nobody's here pass: what is refused above is refused for what it names."""
    gate, at, through = rules_of(node).gate, node.clock(), 0
    chance = random.Random(7)
    for table, text in ((ADDRESSES, "45.61.99.7"), (SIXES, "2a0f:9999::7"), (NAMES, "attacker.example.com")):
        for kind, spell in table:
            values = keys_of(body(Poison(kind, spell(chance, text), "", frozenset())))
            problems = [gate.check(our_word(value), undo_name(Action.BLOCK, value), at)[0] for value in values]
            through += bool(values) and problems == [None]
    assert through >= 12


def body(poison: Poison) -> bytes:
    """The least of an indicator that names the value."""
    quoted = poison.value.replace("\\", "\\\\").replace("'", "\\'")
    moment = "2026-03-01T00:00:00.000Z"
    return msgspec.json.encode(
        {
            "type": "indicator",
            "spec_version": "2.1",
            "id": "indicator--6c1e2d0a-33b0-4f53-a38f-1d1fb7b2a6a1",
            "created": moment,
            "modified": moment,
            "pattern": f"[{PATHS[poison.kind]} = '{quoted}']",
            "pattern_type": "stix",
            "valid_from": moment,
        }
    )
