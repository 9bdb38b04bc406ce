"""Transfers, read by a client that knows nothing of ours."""

from __future__ import annotations

import random
from pathlib import Path

import dns.message
import dns.rdatatype
import dns.rrset
import pytest

from protect.rpz.scenes import (
    BLOCK,
    CIDR,
    DOMAIN,
    IPV4,
    WATCH,
    follow,
    names_in,
    order,
    over_tcp,
    primary,
    put,
    remove,
    zone_of,
)
from seawall.model.clock import system_clock
from seawall.model.directive import Action
from seawall.model.order import OrderState
from seawall.protect.rpz import bounds


def test_both_zones_hold_what_was_ordered(tmp_path: Path) -> None:
    """Blocked names do not exist, with everything below them; watched names pass; addresses have their own triggers."""
    with primary(tmp_path) as ours:
        orders = [
            order("bad.example"),
            order("w.example", state=OrderState.WATCH),
            order("192.0.2.1", IPV4),
            order("2001:db8:1::/48", CIDR),
        ]
        outcomes = ours.apply([*put(*orders), *put(order("no name", undo="x"))], system_clock())
        assert [one.problem == "" for one in outcomes] == [True] * 4 + [False]
        assert names_in(zone_of(ours.port)) == {
            "bad.example": ".",
            "*.bad.example": ".",
            "32.1.2.0.192.rpz-ip": ".",
            "48.zz.1.db8.2001.rpz-ip": ".",
        }
        assert names_in(zone_of(ours.port, WATCH)) == {"w.example": "rpz-passthru.", "*.w.example": "rpz-passthru."}


@pytest.mark.parametrize("seed", range(3))
def test_following_by_ixfr_ends_where_axfr_does(tmp_path: Path, seed: int) -> None:
    """After any puts, removals, reconciliations and expiries the followed zone is the whole zone."""
    chance = random.Random(seed)
    with primary(tmp_path) as ours:
        names = [f"n{number}.example" for number in range(60)]
        followed = zone_of(ours.port)
        for _ in range(25):
            now = system_clock()
            some = [order(name, undo=f"{name}:{chance.randrange(2)}") for name in chance.sample(names, 12)]
            match chance.randrange(5):
                case 0:
                    ours.reconcile(some, now)
                case 1:
                    ours.apply(remove(*some), now)
                case 2:
                    ours.apply(put(*(order(one.value, expires_at=now + 1) for one in some)), now)
                    ours.expire(now + 2)
                case _:
                    ours.apply([*put(*some), *remove(*some[:4])], now)
            if chance.random() < 0.6:
                follow(followed, ours.port)
        follow(followed, ours.port)
        assert followed.to_text() == zone_of(ours.port).to_text()


def test_a_delta_is_condensed_and_small(tmp_path: Path) -> None:
    """After many changes only what is different now is sent, as one difference, however large the zone is."""
    with primary(tmp_path) as ours:
        ours.apply(put(*(order(f"host{number}.example") for number in range(1_500))), system_clock())
        old = zone_of(ours.port)
        for number in range(50):
            ours.apply(put(order(f"new{number}.example")), system_clock())
            ours.apply(remove(order(f"new{number}.example")), system_clock())
        ours.apply(put(order("last.example")), system_clock())
        query, _ = dns_ixfr(old)
        (answer,) = over_tcp(ours.port, query)
        records = dns.message.from_wire(answer, xfr=True, one_rr_per_rrset=True).answer
        came = [str(one.name) for one in records if one.rdtype == dns.rdatatype.CNAME]
        assert came == [f"last.example.{BLOCK}.", f"*.last.example.{BLOCK}."]
        follow(old, ours.port)
        assert "last.example" in names_in(old)


def dns_ixfr(zone: dns.zone.Zone) -> tuple[bytes, int]:
    """The question for what came after this zone."""
    serial = int(zone.find_rdataset("@", "SOA")[0].to_text().split()[2])
    query = dns.message.make_query(BLOCK, dns.rdatatype.IXFR)
    query.authority.append(dns.rrset.from_text(f"{BLOCK}.", 0, "IN", "SOA", f". . {serial} 0 0 0 0"))
    return query.to_wire(), serial


def test_a_secondary_beyond_the_journal_gets_the_whole_zone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the journal no longer tells, and what would be a very long difference, is answered by the whole zone."""
    monkeypatch.setattr("seawall.protect.rpz.book.MAX_JOURNAL", 20)
    for module in ("book", "snapshot"):
        monkeypatch.setattr(f"seawall.protect.rpz.{module}.MAX_IXFR", 10)
    with primary(tmp_path) as ours:
        ours.apply(put(order("first.example")), system_clock())
        behind, long = zone_of(ours.port), zone_of(ours.port)
        ours.apply(put(*(order(f"many{number}.example") for number in range(11))), system_clock())
        follow(long, ours.port)
        for number in range(30):
            ours.apply(put(order(f"more{number}.example")), system_clock())
        for zone in (behind, long):
            follow(zone, ours.port)
            assert zone.to_text() == zone_of(ours.port).to_text()
        snapshot = ours._book.snapshot(0)
        assert snapshot._connection.execute("SELECT COUNT(*) FROM steps").fetchone()[0] <= 21
        snapshot.close()


def test_who_is_up_to_date_or_ahead_hears_the_soa_alone(tmp_path: Path) -> None:
    """RFC 1995 section 2, with RFC 1982's arithmetic across the end of the numbers."""
    with primary(tmp_path) as ours:
        ours.apply(put(order("bad.example")), system_clock())
        zone = zone_of(ours.port)
        query, serial = dns_ixfr(zone)
        for ahead in (0, 1, 2**30):
            number = (serial + ahead) % 2**32
            (answer,) = over_tcp(ours.port, query.replace(serial.to_bytes(4), number.to_bytes(4)))
            assert len(dns.message.from_wire(answer, xfr=True).answer) == 1
        for never_issued in (serial - 1_000_000, serial - 2**31 + 1):
            (answer,) = over_tcp(ours.port, query.replace(serial.to_bytes(4), (never_issued % 2**32).to_bytes(4)))
            assert len(dns.message.from_wire(answer, xfr=True, one_rr_per_rrset=True).answer) == 5  # the whole zone


def test_a_signed_transfer_of_many_messages_is_accepted_by_a_strict_client(tmp_path: Path) -> None:
    """Every message's signature covers the one before."""
    with primary(tmp_path, signed=True) as ours:
        ours.apply(put(*(order(f"host{number}.some.example") for number in range(2_500))), system_clock())
        assert len(names_in(zone_of(ours.port, signed=True))) == 5_000


def test_a_walled_garden_is_answered_in_the_family_that_was_asked(tmp_path: Path) -> None:
    """Names lead to all its addresses, an address's answer only to those of its own family."""
    with primary(tmp_path, sinkhole=("192.0.2.200", "2001:db8::200")) as ours:
        given = (("bad.example", DOMAIN), ("198.51.100.1", IPV4), ("2001:db8:1::/48", CIDR))
        orders = (order(value, kind, action=Action.SINKHOLE) for value, kind in given)
        ours.apply(put(*orders), system_clock())
        text = zone_of(ours.port).to_text()
        rows = {(words[0], words[3], words[4]) for line in text.splitlines() if len(words := line.split()) == 5}
        assert rows >= {
            ("bad.example", "A", "192.0.2.200"),
            ("*.bad.example", "AAAA", "2001:db8::200"),
            ("32.1.100.51.198.rpz-ip", "A", "192.0.2.200"),
            ("48.zz.1.db8.2001.rpz-ip", "AAAA", "2001:db8::200"),
        }
        assert ("32.1.100.51.198.rpz-ip", "AAAA", "2001:db8::200") not in rows


def test_long_names_and_many_answers_stay_within_a_message(tmp_path: Path) -> None:
    """Sixteen answers a name and names of 255 octets: no message is longer than TCP's two octets can say."""
    garden = tuple(f"192.0.2.{number}" for number in range(1, 17))
    with primary(tmp_path, sinkhole=garden) as ours:
        long = ".".join(["a" * 61] * 3)
        ours.apply(
            put(*(order(f"n{number:03}.{long}", action=Action.SINKHOLE) for number in range(300))), system_clock()
        )
        query = dns.message.make_query(BLOCK, dns.rdatatype.AXFR).to_wire()
        found = over_tcp(ours.port, query)
        assert len(found) > 10
        assert max(map(len, found)) <= bounds.MESSAGE_FILL + 200
        assert sum(int.from_bytes(one[6:8]) for one in found) == 300 * 2 * 16 + 3
