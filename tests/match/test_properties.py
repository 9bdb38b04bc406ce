"""Random events and indicators: the engine agrees with the plain matcher, in any order and in any pieces."""

from __future__ import annotations

import ipaddress

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from match.fake_lake import FakeLake, keys, row
from match.naive import naive_hits
from seawall.match import MatchOptions, match

# few values, so that hits are frequent: neighbouring addresses, nested ranges, nested names
BASES = [0xC6336400, 0xC6336500]
V6 = 0x20010DB8 << 96
ADDRESSES = st.one_of(
    st.builds(lambda base, host: str(ipaddress.IPv4Address(base + host)), st.sampled_from(BASES), st.integers(0, 15)),
    st.builds(lambda host: str(ipaddress.IPv6Address(V6 + host)), st.integers(0, 7)),
    st.builds(lambda host: str(ipaddress.IPv6Address(V6 + (host << 64))), st.integers(0, 7)),
    st.sampled_from(["::", "::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "8000::", "fe80::1"]),
)
LABELS = st.sampled_from(["a", "b", "www", "xn--fiqs8s", "evil"])
NAMES = st.builds(".".join, st.lists(LABELS, min_size=1, max_size=4))
HASHES = st.sampled_from([character * 64 for character in "abc"])


def _range(address: str, length: int) -> tuple[str, str]:
    network = ipaddress.ip_network((address, min(length, ipaddress.ip_address(address).max_prefixlen)), strict=False)
    if network.num_addresses == 1:
        return f"ipv{network.version}", str(network.network_address)
    return "cidr", str(network)


KEYS = st.lists(
    st.one_of(
        st.builds(_range, ADDRESSES, st.sampled_from([0, 1, 8, 24, 28, 30, 32, 64, 65, 96, 120, 127, 128])),
        st.builds(lambda name: ("domain", name), NAMES),
        st.builds(lambda text: ("sha256", text), HASHES),
        st.builds(lambda name: ("url", f"http://{name}/x"), NAMES),
    ),
    max_size=12,
    unique=True,
)
EVENTS = st.lists(
    st.fixed_dictionaries(
        {"time": st.integers(-5, 5), "side": st.sampled_from("AB")},
        optional={
            "src": ADDRESSES,
            "dst": ADDRESSES,
            "domain": NAMES,
            "sha256": HASHES,
            "url": st.builds(lambda name: f"http://{name}/x", NAMES),
        },
    ),
    max_size=12,
)


def pairs(lake: FakeLake) -> list[tuple[int, int]]:
    """Stored hits, sorted, repeats kept."""
    hits = lake.datasets["hits"]
    return sorted(zip(hits["event"].to_pylist(), hits["indicator"].to_pylist(), strict=True))


@settings(max_examples=15, deadline=None)
@given(events=EVENTS, entries=KEYS, exact=st.booleans(), until=st.lists(st.none() | st.integers(-5, 5), min_size=12))
def test_hits_are_those_of_the_plain_matcher(
    events: list[dict[str, object]], entries: list[tuple[str, str]], exact: bool, until: list[int | None]
) -> None:
    """Every pair, no pair twice, totals that add up."""
    rows = [row(number, **event) for number, event in enumerate(events, 1)]
    table = keys(*entries, valid_until=until[: len(entries)])
    lake = FakeLake()
    lake.add(rows)
    report = match(lake, table, MatchOptions(exact=exact))
    expected = naive_hits(rows, table, exact=exact)
    assert pairs(lake) == sorted(expected)
    assert (report.hits, report.matched_events) == (len(expected), len({event for event, _ in expected}))
    assert sum(report.by_indicator_type.values()) == report.hits


@settings(max_examples=8, deadline=None)
@given(events=EVENTS, entries=KEYS, cuts=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=3))
def test_pieces_in_any_order_end_like_a_rebuild(
    events: list[dict[str, object]], entries: list[tuple[str, str]], cuts: list[tuple[int, int]]
) -> None:
    """Rows and keys that arrive in pieces, with a run after each, give the hits and totals of one rebuild."""
    rows = [row(number, **event) for number, event in enumerate(events, 1)]
    table, lake = keys(*entries), FakeLake()
    done = 0
    known = 0
    for more_rows, more_keys in [*cuts, (len(rows), len(entries))]:
        lake.add(rows[done : done + more_rows])
        done, known = done + more_rows, max(known, more_keys)
        step = match(lake, table.slice(0, known))
    lake.add(rows[done:])
    step = match(lake, table)
    found = pairs(lake)
    rebuilt = match(lake, table, MatchOptions(rebuild=True))
    assert found == pairs(lake)
    assert (step.hits, step.aggregates, step.both_sides) == (rebuilt.hits, rebuilt.aggregates, rebuilt.both_sides)
    assert match(lake, pa.concat_tables([table.slice(3), table.slice(0, 3)])).new.hits == 0
