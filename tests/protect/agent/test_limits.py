"""What the gateway's own limits refuse, whatever its node says."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from protect.agent.scenes import AT, HOUR, limits, order
from seawall.model import Fault, ObservableType
from seawall.model.agent import AgentLimits, BlockWindow
from seawall.model.directive import Action
from seawall.model.order import Order, OrderState, Zone
from seawall.protect.agent import limits as said
from seawall.protect.agent.around import surroundings
from seawall.protect.agent.config import limits_of, load_config
from seawall.protect.agent.limits import Limits

NAME = ObservableType.DOMAIN
NEVER = limits(never_block=("198.51.100.0/24", "203.0.113.9", "example.org", "2001:db8:5::/48"))
PLANT = AgentLimits(Zone.OT)
OPEN = AgentLimits(Zone.SAFETY, window=BlockWindow("Plant owner", AT - HOUR, AT + 2 * HOUR))


def judged(given: AgentLimits, one: Order, held: int = 0, at: int = AT) -> str:
    """The sentence; empty when it may act."""
    sentence, detail = Limits(given).judge(one, at, lambda _kind: held)
    return sentence.format(detail=detail)


@pytest.mark.parametrize(
    ("given", "one", "expected"),
    [
        (limits(), order("203.0.113.7"), ""),
        (limits(), order("evil.example.net", NAME), ""),
        (limits(), order("2001:db8::7"), ""),
        (limits(), order("203.0.112.0/20"), ""),
        (NEVER, order("198.51.100.4"), said.PROTECTED),
        (NEVER, order("203.0.113.0/28"), said.PROTECTED),  # around a protected address
        (NEVER, order("198.51.0.0/16"), said.PROTECTED),
        (NEVER, order("2001:db8:5:1::1"), said.PROTECTED),
        (NEVER, order("www.example.org", NAME), said.PROTECTED),
        (NEVER, order("org", NAME), said.PROTECTED),  # above it
        (NEVER, order("http://www.example.org/x", ObservableType.URL), said.PROTECTED),
        (NEVER, order("http://198.51.100.4/x", ObservableType.URL), said.PROTECTED),
        (NEVER, order("198.51.100.4", action=Action.WATCH), ""),  # a mere watch stops nothing
        (NEVER, order("198.51.100.4", state=OrderState.CANARY), ""),
        (limits(), order("127.0.0.1"), said.PROTECTED),
        (limits(), order("10.1.2.3"), said.PROTECTED),
        (limits(), order("net", NAME), said.PROTECTED),  # a whole top-level domain
        (limits(), order("203.0.0.0/15"), said.WIDE),
        (limits(), order("::/0"), said.WIDE),
        (limits(), order("0.0.0.0/0"), said.WIDE),
        (limits(shortest_ipv4_prefix=28), order("203.0.113.0/27"), said.WIDE),
        (limits(), order("203.0.113.7", seconds=91 * 86_400), said.LONG),
        (limits(longest_seconds=3_600), order("203.0.113.7", seconds=7_201), said.LONG),
        (limits(actions=frozenset({Action.WATCH})), order("203.0.113.7"), said.ACTION),
        (limits(actions=frozenset({Action.WATCH})), order("203.0.113.7", action=Action.ALERT), said.ACTION),
        (limits(actions=frozenset({Action.ALERT})), order("203.0.113.7", action=Action.RATE_LIMIT), said.ACTION),
        (limits(actions=frozenset({Action.BLOCK})), order("203.0.113.7", action=Action.SINKHOLE), ""),  # less than that
        (NEVER, order("198.51.100.4", action=Action.RATE_LIMIT), said.PROTECTED),
        (NEVER, order("198.51.100.4", action=Action.ALERT), ""),
        (PLANT, order("203.0.113.7", action=Action.RATE_LIMIT), said.PLANT),
        (PLANT, order("www.evil.example", NAME, action=Action.SINKHOLE), said.PLANT),
        (PLANT, order("203.0.113.7", action=Action.ALERT), ""),
        # at a point an order may do less than it is named for
        (limits(), msgspec.structs.replace(order("203.0.113.7"), action=Action.ALERT), ""),
        (limits(actions=frozenset({Action.WATCH})), order("203.0.113.7", action=Action.WATCH), ""),
        (PLANT, order("203.0.113.7"), said.PLANT),
        (PLANT, order("203.0.113.7", state=OrderState.WATCH), ""),
        (OPEN, order("203.0.113.7"), ""),
        (OPEN, order("203.0.113.7", seconds=7_201), said.WINDOW),
        (limits(), order("203.0.113.7", state=OrderState.WITHDRAWN), said.BAD_STATE),
    ],
)  # fmt: skip
def test_each_limit_holds(given: AgentLimits, one: Order, expected: str) -> None:
    """Never-block in every form that a value can take, width, length, actions, plants; a watch stops nothing."""
    start = expected.partition("{detail}")[0]
    found = judged(given, one)
    assert found.startswith(start) if expected else not found


def test_a_window_that_is_over_is_over() -> None:
    """Before it begins and once it ended nothing is blocked at a plant."""
    one = order("203.0.113.7", at=AT + 2 * HOUR, seconds=1)
    assert judged(OPEN, one, at=AT + 2 * HOUR).startswith("Behind this gateway")
    assert judged(OPEN, one, at=AT - 2 * HOUR).startswith("Behind this gateway")


@pytest.mark.parametrize(
    "value",
    [
        "203.0.113.7 } ; flush ruleset ; add element inet x y { 1.1.1.1",
        "203.0.113.7\nflush ruleset",
        "203.0.113.007",
        "203.0.113.7/32",
        "",
        "x" * 3_000,
        "２０３.0.113.7",
        "203.0.113.7;disable frontend x",
    ],
)
def test_a_value_that_is_a_command_is_no_value(value: str) -> None:
    """What would end a word in a tool's language is refused before any driver sees it."""
    assert judged(limits(), order(value, ObservableType.IPV4)) == said.MALFORMED


def test_a_name_that_is_not_the_values_own_is_refused() -> None:
    """An order under another's name could take that other one out."""
    one = msgspec.structs.replace(order("203.0.113.7"), undo_id=order("203.0.113.8").undo_id)
    assert judged(limits(), one) == said.MALFORMED


def test_caps_hold_by_type_and_in_all() -> None:
    """One more than the cap is refused with the number."""
    assert judged(limits(most={ObservableType.IPV4: 3}), order("203.0.113.7"), held=3).endswith("3 x ipv4.")
    assert judged(limits(most={ObservableType.IPV4: 3}), order("203.0.113.7"), held=2) == ""
    assert judged(limits(most_in_all=5), order("a.example.net", NAME), held=5).endswith(": 5.")


def test_the_file_belongs_to_root_and_says_what_is_wrong(tmp_path: Path) -> None:
    """Writable by others, unknown keys, a name that is none, a window without a zone: each one sentence."""
    path = tmp_path / "agent.toml"
    good = 'state = "s"\n[limits]\nzone = "ot"\nnever_block = ["192.0.2.1", "a.example"]\nmost = { ipv4 = 5 }\n'
    window = 'window = { owner = "o", begins = 2026-03-14T01:00:00Z, ends = 2026-03-14T02:00:00Z }\n'
    path.write_text(good + window + '[tools.nftables]\ncommand = ["nft"]\n')
    path.chmod(0o644)
    found = limits_of(load_config(path)).limits
    assert found.window is not None
    assert (found.window.owner, found.most, found.zone) == ("o", {ObservableType.IPV4: 5}, Zone.OT)
    path.chmod(0o666)
    with pytest.raises(Fault) as caught:
        load_config(path)
    assert caught.value.code == "E-PROTECT-041"
    path.chmod(0o600)
    for wrong in (
        good + 'colour = "red"\n',
        good.replace("a.example", "a b"),
        good + window.replace("Z", ""),
        good + window.replace("T02", "T00"),
        good.replace("ot", "moon"),
        "state = ",
    ):
        path.write_text(wrong)
        with pytest.raises(Fault) as caught:
            load_config(path)
        assert caught.value.code == "E-PROTECT-040"


def test_what_the_gateway_needs_itself_is_found(tmp_path: Path) -> None:
    """Its addresses, its routers and its node's address never are blocked; what cannot be read is left out."""
    (tmp_path / "fib_trie").write_text(
        "Local:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 192.0.2.7\n        /32 host LOCAL\n     |-- 192.0.2.255\n"
        "        /32 link BROADCAST\n"
    )
    (tmp_path / "if_inet6").write_text("20010db8000000000000000000000007 02 40 00 80 eth0\n")
    (tmp_path / "route").write_text("Iface Destination Gateway\neth0 00000000 010200C0 0003\n")
    found = surroundings("https://192.0.2.99:8703", tmp_path)
    assert set(found) == {"192.0.2.7", "2001:db8::7", "192.0.2.1", "192.0.2.99"}
    assert surroundings("https://192.0.2.99:1", tmp_path / "absent") == ("192.0.2.99",)
