"""Single values meet the same indicators as whole lakes do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.codec.values import address_halves
from seawall.lake import Lake
from seawall.match.live import LiveKeys
from seawall.match.live_hits import hits_of
from seawall.match.run import match
from seawall.model import OBSERVATION_SCHEMA, Fault

KINDS = ["ipv4", "ipv6", "cidr", "domain", "url", "sha256", "cve"]


def keys(*values: tuple[str, str], until: int | None = None, first: int = 0) -> pa.Table:
    """A key table; numbers count from ``first``."""
    size = len(values)
    return pa.table(
        {
            "number": pa.array(range(first, first + size), pa.int64()),
            "type": pa.array([kind for kind, _ in values], pa.string()),
            "value": pa.array([value for _, value in values], pa.string()),
            "indicator_id": pa.array([f"indicator--{n}" for n in range(size)], pa.string()),
            "valid_until": pa.array([until] * size, pa.int64()),
        }
    )


def row(number: int, **values: Any) -> dict[str, Any]:
    """An observation; ``src`` and ``dst`` as text."""
    made: dict[str, Any] = {name: None for name in OBSERVATION_SCHEMA.names if name != "event"}
    made |= {"time": 1_000_000 + number, "side": "TW", "sector": "x", "kind": "flow", "basis": "none",
             "own_end": "unknown", "digest_high": number, "digest_low": number, "occurrence": 0, "source_file": "f",
             "source_line": number}  # fmt: skip
    for end in ("src", "dst"):
        if (text := values.pop(end, None)) is not None:
            made[f"{end}_high"], made[f"{end}_low"] = address_halves(text)
    return made | values


def table(rows: list[dict[str, Any]]) -> pa.Table:
    """Observations without their numbers."""
    return pa.Table.from_pylist(rows, schema=OBSERVATION_SCHEMA.remove(0))


ADDRESSES = st.one_of(
    st.integers(0, 7).map(lambda n: f"203.0.113.{n}"),
    st.integers(0, 3).map(lambda n: f"10.{n}.0.1"),
    st.integers(0, 3).map(lambda n: f"2001:db8::{n}"),
)
NAMES = st.lists(st.sampled_from(["a", "b", "test", "co"]), min_size=1, max_size=4).map(".".join)
KEYS = st.one_of(
    st.tuples(st.just("ipv4"), st.integers(0, 7).map(lambda n: f"203.0.113.{n}")),
    st.tuples(st.just("ipv6"), st.integers(0, 3).map(lambda n: f"2001:db8::{n}")),
    st.tuples(
        st.just("cidr"),
        st.sampled_from(["203.0.113.0/29", "203.0.113.4/30", "10.0.0.0/8", "10.0.0.0/15", "0.0.0.0/0", "2001:db8::/126",
                         "2000::/3", "::/0"]),
    ),
    st.tuples(st.just("domain"), NAMES),
    st.tuples(st.just("cve"), st.sampled_from(["CVE-2021-1", "CVE-2021-2"])),
)  # fmt: skip
ROWS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={"src": ADDRESSES, "dst": ADDRESSES, "domain": NAMES,
                  "cve": st.sampled_from(["CVE-2021-1", "CVE-2021-1,CVE-2021-2"])},
    ),
    min_size=1,
    max_size=8,
)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(given_keys=st.lists(KEYS, min_size=1, max_size=8, unique=True), given_rows=ROWS)
def test_live_hits_are_the_hits_of_the_lake(
    tmp_path_factory: pytest.TempPathFactory, given_keys: list[tuple[str, str]], given_rows: list[dict[str, Any]]
) -> None:
    """Whatever keys and rows: the look-up of stored rows, and of single lines, gives the pairs that ``match`` gives."""
    known = keys(*given_keys)
    rows = table([row(number, **values) for number, values in enumerate(given_rows)])
    lake = Lake.open(tmp_path_factory.mktemp("lake"))
    with lake.writing() as writer:
        writer.append_observations(rows)
    match(lake, known)
    with lake.reading() as session:
        hits = session.sql(
            f"SELECT event, indicator, type, time FROM {session.derived('hits')} ORDER BY ALL"
        ).to_pylist()
    live = LiveKeys(known)
    found = hits_of(live, rows, 1)
    assert found.select(["event", "indicator", "type", "time"]).to_pylist() == hits
    for number, values in enumerate(given_rows, 1):
        cves = values.get("cve", "").split(",") if values.get("cve") else []
        met = live.meet(
            values.get("src"), values.get("dst"), values.get("domain"), None, [("cve", one) for one in cves]
        )
        assert sorted(met) == [hit["indicator"] for hit in hits if hit["event"] == number]


def test_keys_change_while_they_are_used() -> None:
    """A key that came later is met, an expiry that moved counts, and the number of keys is right."""
    live = LiveKeys(keys(("ipv4", "203.0.113.7"), ("domain", "evil.test")))
    assert live.meet("198.51.100.1", None, "www.evil.test", None, ()) == (1,)
    live.update(keys(("cidr", "198.51.100.0/24"), first=7))
    assert len(live) == 3
    assert live.meet("198.51.100.1", "203.0.113.7", None, None, ()) == (7, 0)
    live.update(keys(("ipv4", "203.0.113.7"), until=50))
    assert len(live) == 3
    assert (live.standing((0, 7), 49), live.standing((0, 7), 50)) == ((0, 7), (7,))
    live.update(keys(("ipv4", "203.0.113.7")))
    assert live.standing((0,), 50) == (0,)
    known = live.facts(7)
    assert known is not None
    assert known.value == "198.51.100.0/24"
    assert live.facts(99) is None


@pytest.mark.parametrize(
    "text", ["", ".", "1.2.3", "203.0.113.07", "203.0.113.7 ", "not", "1.2.3.4.5", ":", "203.0.113.7.8"]
)
def test_what_is_no_address_meets_nothing(text: str) -> None:
    """Odd texts where an address belongs are met by neither addresses nor the widest range."""
    live = LiveKeys(keys(("ipv4", "203.0.113.7"), ("cidr", "0.0.0.0/0")))
    assert live.meet(text, None, None, None, ()) == ()


def test_every_address_that_meets_a_key_may_meet_one() -> None:
    """The quick test of whole columns leaves nothing out."""
    live = LiveKeys(keys(("ipv4", "203.0.113.7"), ("cidr", "10.0.0.0/9"), ("cidr", "192.0.2.0/25"), ("ipv6", "::5")))
    texts = ["203.0.113.7", "203.0.113.8", "10.127.0.1", "10.128.0.1", "192.0.2.127", "192.0.2.128", "::5", "::6"]
    halves = np.array([address_halves(text) for text in texts])
    assert live.may_meet(halves[:, 0], halves[:, 1]).tolist() == [True, False, True, False, True, False, True, True]


def test_an_unreadable_key_is_named() -> None:
    """A stored value that is no address ends with the sentence that ``match`` has for it."""
    with pytest.raises(Fault) as told:
        LiveKeys(keys(("cidr", "nonsense")))
    assert told.value.code == "E-MATCH-002"
