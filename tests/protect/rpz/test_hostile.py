"""Strangers, forgers, the slow and the mad at the primary's door."""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import time
from pathlib import Path

import dns.message
import dns.name
import dns.rcode
import dns.tsig
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protect.rpz.scenes import BLOCK, KEY, SECRET, key_file, names_in, order, over_tcp, over_udp, primary, put, zone_of
from seawall.model.clock import system_clock
from seawall.protect.rpz import Secondary, TsigKey, bounds, wire
from seawall.protect.rpz.rates import Rates
from seawall.protect.rpz.triggers import wire_name
from seawall.protect.rpz.tsig import Verifier


def question(kind: str = "AXFR", name: str = BLOCK, *, key: bytes = b"", at: int | None = None) -> bytes:
    """A question, signed with this secret when one is given, at this second."""
    query = dns.message.make_query(name, kind)
    if key:
        keyname = dns.name.from_text(KEY)
        query.use_tsig({keyname: dns.tsig.Key(keyname, key, dns.tsig.HMAC_SHA256)}, KEY)
    if at is None:
        return query.to_wire()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time", lambda: float(at))
        return query.to_wire()


SIGNED = question(key=SECRET)


def rcode(answer: bytes | None) -> int:
    """The code of an answer."""
    assert answer is not None
    return answer[3] & 15


def test_a_stranger_hears_refused_and_learns_nothing(tmp_path: Path) -> None:
    """An address that is no secondary's gets the same answer for our zones, other zones and every type."""
    with primary(tmp_path, secondaries=(Secondary("127.0.0.2"),)) as ours:
        ours.apply(put(order("bad.example")), system_clock())
        for kind in ("AXFR", "IXFR", "SOA", "A", "ANY", "TXT"):
            for name in (BLOCK, "elsewhere.example", f"bad.example.{BLOCK}"):
                (answer,) = over_tcp(ours.port, question(kind, name))
                assert rcode(answer) == dns.rcode.REFUSED
                assert answer[6:8] == b"\0\0"
                assert rcode(over_udp(ours.port, question(kind, name))) == dns.rcode.REFUSED


def test_a_secondary_gets_the_zone_and_no_single_name_of_it(tmp_path: Path) -> None:
    """The primary is hidden: it transfers, and answers no ordinary question."""
    with primary(tmp_path) as ours:
        ours.apply(put(order("bad.example")), system_clock())
        assert len(names_in(zone_of(ours.port))) == 2
        assert rcode(over_udp(ours.port, question("CNAME", f"bad.example.{BLOCK}"))) == dns.rcode.REFUSED
        assert rcode(over_udp(ours.port, question("AXFR"))) == dns.rcode.REFUSED
        assert rcode(over_udp(ours.port, question("SOA"))) == dns.rcode.NOERROR


def test_where_a_key_is_asked_for_nothing_goes_without(tmp_path: Path) -> None:
    """Unsigned, with another secret, under another name, too old or too new: refused in the words of RFC 8945."""
    now = int(time.time())
    with primary(tmp_path, signed=True) as ours:
        ours.apply(put(order("bad.example")), system_clock())
        (bare,) = over_tcp(ours.port, question())
        assert rcode(bare) == dns.rcode.REFUSED
        for sent, error in (
            (question(key=b"another secret of its own length"), 16),
            (question(key=SECRET).replace(wire_name(KEY), wire_name("other-name0")), 17),
            (question(key=SECRET, at=now - 400), 18),
            (question(key=SECRET, at=now + 400), 18),
        ):
            (answer,) = over_tcp(ours.port, sent)
            said = wire.read(answer)
            assert (rcode(answer), said.signature and said.signature.error) == (dns.rcode.NOTAUTH, error)
        assert names_in(zone_of(ours.port, signed=True)) == {"bad.example": ".", "*.bad.example": "."}


def test_a_good_signature_counts_once(tmp_path: Path) -> None:
    """Who recorded a signed question and sends it again gets no zone."""
    with primary(tmp_path, signed=True) as ours:
        ours.apply(put(order("bad.example")), system_clock())
        recorded = question(key=SECRET)
        (first,) = over_tcp(ours.port, recorded)
        assert rcode(first) == dns.rcode.NOERROR
        (again,) = over_tcp(ours.port, recorded)
        assert (rcode(again), len(again) < 300) == (dns.rcode.NOTAUTH, True)
        assert rcode(over_udp(ours.port, recorded)) == dns.rcode.NOTAUTH


def test_a_key_counts_only_from_its_secondary_s_address(tmp_path: Path) -> None:
    """A stolen key alone opens nothing."""
    keys = (TsigKey(KEY, str(key_file(tmp_path))),)
    with primary(tmp_path, keys=keys, secondaries=(Secondary("127.0.0.2", 53, KEY),)) as ours:
        (answer,) = over_tcp(ours.port, question(key=SECRET))
        assert rcode(answer) == dns.rcode.REFUSED


@given(st.binary(max_size=600))
@example(b"\0" * 12)
@example(struct.pack("!HHHHHH", 1, 0, 1, 0, 0, 0) + b"\xc0\x0c\0\1\0\1")
@example(struct.pack("!HHHHHH", 1, 0, 1, 0, 0, 65_535) + b"\0\0\1\0\1")
def test_no_bytes_break_the_reader(data: bytes) -> None:
    """Every message is read or called malformed, and nothing else happens."""
    with contextlib.suppress(wire.Malformed):
        wire.read(data)
    wire.failure(data, 1)


@given(st.data())
def test_no_altered_question_breaks_the_reader_or_the_check(data: st.DataObject) -> None:
    """A signed question with any bytes changed, cut or repeated is malformed or does not count."""
    whole = SIGNED
    at = data.draw(st.integers(0, len(whole)))
    altered = data.draw(
        st.sampled_from(
            [whole[:at], whole[:at] + bytes([data.draw(st.integers(0, 255))]) + whole[at + 1 :], whole[:at] + whole]
        )
    )
    try:
        message = wire.read(altered)
    except wire.Malformed:
        return
    if message.signature is not None and altered != whole:
        verdict = Verifier({wire_name(KEY): SECRET}).check(altered, message, int(time.time()))
        changed_id_only = altered[2:] == whole[2:]  # the original id is signed, the header's is not
        same_names = altered.lower() == whole.lower()  # names are signed in lower case
        assert verdict.error or changed_id_only or same_names


def test_noise_on_both_sockets_stops_nothing(tmp_path: Path) -> None:
    """After nonsense over UDP and TCP, with true heads and lengths or without, zones still go out."""
    chance = random.Random(8)
    with primary(tmp_path) as ours:
        ours.apply(put(order("bad.example")), system_clock())
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
            for _ in range(300):
                line.sendto(chance.randbytes(chance.randrange(1, 200)), ("127.0.0.1", ours.port))
        for _ in range(20):
            noise = [chance.randbytes(chance.randrange(0, 100)) for _ in range(5)]
            over_tcp(ours.port, *noise, SIGNED[:20] + chance.randbytes(30))
        assert len(names_in(zone_of(ours.port))) == 2


def test_who_says_nothing_or_too_much_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A silent connection, one that announces more than a question needs, too many of one address: closed."""
    monkeypatch.setattr("seawall.protect.rpz.server.QUERY_SECONDS", 0.3)
    monkeypatch.setattr("seawall.protect.rpz.server.MAX_CONNECTIONS_OF_ONE", 4)
    with primary(tmp_path) as ours:
        with socket.create_connection(("127.0.0.1", ours.port), timeout=5) as silent:
            assert silent.recv(1) == b""
        with socket.create_connection(("127.0.0.1", ours.port), timeout=5) as much:
            much.sendall(b"\xff\xff")
            assert much.recv(1) == b""
        lines = [socket.create_connection(("127.0.0.1", ours.port), timeout=5) for _ in range(12)]
        ended = 0
        for line in lines:
            try:
                ended += line.recv(1) == b""
            except ConnectionResetError:
                ended += 1
            line.close()
        assert ended == 12
        assert rcode(over_udp(ours.port, question("SOA"))) == dns.rcode.NOERROR


def test_a_reader_that_takes_nothing_is_let_go_and_others_are_served_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transfer that stalls ends after its time, holds no zone in memory, and nobody waits for it."""
    monkeypatch.setattr("seawall.protect.rpz.server.STALL_SECONDS", 1.0)
    with primary(tmp_path) as ours:
        names = [order("x" * 50 + f"{number}." + "y" * 60 + ".example") for number in range(40_000)]
        ours.apply(put(*names), system_clock())
        with socket.socket() as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            slow.connect(("127.0.0.1", ours.port))
            asked = question()
            slow.sendall(struct.pack("!H", len(asked)) + asked)
            assert rcode(over_udp(ours.port, question("SOA"))) == dns.rcode.NOERROR
            time.sleep(1.5)
            slow.settimeout(10)
            taken = 0
            try:
                while part := slow.recv(1 << 20):
                    taken += len(part)
            except ConnectionResetError:
                pass
            assert taken < 10_000_000  # of some 21 MB


def test_one_address_may_ask_so_often_and_others_are_not_concerned() -> None:
    """A bucket for each address, filled with time; addresses that are too many are forgotten."""
    rates = Rates()
    asked = sum(rates.permits("192.0.2.1", 0.0) for _ in range(1_000))
    assert asked == bounds.QUESTIONS_BURST
    assert rates.permits("192.0.2.2", 0.0)
    assert not rates.permits("192.0.2.1", 0.001)
    assert rates.permits("192.0.2.1", 1.0)
    for number in range(5_000):
        rates.permits(f"n{number}", 2.0)
    assert len(rates._buckets) == bounds.MAX_SOURCES
