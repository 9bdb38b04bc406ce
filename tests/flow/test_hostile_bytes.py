"""Bytes that somebody else made, at every door that decodes them: read, or refused in a sentence; never anything else.

The cases are the same for every door: fixed ones that msgspec answers with other errors than its own (text that is no
UTF-8, half a surrogate pair, nests deeper than Python's stack, numbers out of every range), and seeded damage to
documents that the doors would read.
"""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import httpx
import msgspec
import pytest

from exchange.fakes import START, MemoryDesk, indicator
from seawall.api import hits, warnings
from seawall.api.misp import door as misp_door
from seawall.api.receivers import elastic, splunk
from seawall.api.receivers.intake import TooLargeError, UnreadableError
from seawall.codec import sharing
from seawall.codec.csaf import read_csaf
from seawall.codec.frameworks import framework_of
from seawall.codec.misp.feed import listed_files
from seawall.codec.misp.from_misp import parse_misp
from seawall.codec.misp.reading import events_in
from seawall.codec.misp.to_misp import to_events
from seawall.codec.misp_warninglist import parse_warninglist
from seawall.codec.stix.judge import judge
from seawall.codec.stix.parse import parse_bundle
from seawall.exchange.aggregate import documents
from seawall.exchange.bounds import Bounds
from seawall.exchange.drop import DEFAULT_DROP_BOUNDS
from seawall.exchange.drop.header import read_header
from seawall.exchange.envelope.statement import read_statement
from seawall.exchange.live import client as live
from seawall.exchange.misp.client import MispClient
from seawall.exchange.notices import client as notices_client
from seawall.exchange.notices import server as notices_server
from seawall.exchange.notices.bounds import DEFAULT_NOTICE_BOUNDS
from seawall.exchange.notices.envelope import open_notice
from seawall.exchange.post.bounds import DEFAULT_POST_BOUNDS
from seawall.exchange.post.wire import read_exchanged, read_standing
from seawall.exchange.psi import parts
from seawall.exchange.relay import paths
from seawall.exchange.relay.client import RelayClient
from seawall.exchange.taxii.client import TaxiiClient
from seawall.exchange.taxii.posting import split_envelope
from seawall.exchange.taxii.walk import Cursor, Walk
from seawall.exchange.taxii.wire import Answer
from seawall.flow import agent_reports, incoming, overlap_count, overlap_evidence, overlap_words, relay_sync
from seawall.identity import between_us, card, dsse, keyset, prekeys
from seawall.ingest.json_lines import array_lines, first_objects
from seawall.ingest.live.eve import glimpse
from seawall.ingest.mapping import parse_mapping
from seawall.ingest.records import LineRefused
from seawall.ledger import read_request
from seawall.model import Fault
from seawall.protect.agent import checking
from seawall.reference.contacts import read_contacts

JSON = "application/json"
SEED = 20_261_122
DEEP = 5_000
VALUES = (
    b'"\xff"',
    b'"\xed\xa0\x80"',  # half a surrogate pair as bytes
    b'"\\ud800"',
    b"1e999",
    b"9" * 5_000,
    b"[" * 900 + b"]" * 900,  # just within Python's stack here; whoever goes through it again is deeper
    b"[" * DEEP + b"]" * DEEP,
    b'{"a":' * DEEP + b"1" + b"}" * DEEP,
)
PACKED = (
    bytes.fromhex("8cb3eb078474d709406ad38f0afe5e6320860000"),  # met by chance in a test run: a key that is no UTF-8
    b"\x81\xa1\xff\x01",
    b"\x82\xa1a\xa1\xff",
    b"\xa1\xff",
    b"\x91" * 100_000,
    b"\x81\xa1a" * 100_000,
    b"\xdd\xff\xff\xff\xff",
    b"\xdf\xff\xff\xff\xff",
    b"\xc6\xff\xff\xff\xff",
    b"\xc7\x0c\xff" + b"\xff" * 12,  # a moment out of range
    b"\x81\xcb\x7f\xf8\0\0\0\0\0\0\x01",  # a key that is no number
)
EVENT = {
    "uuid": "5e9f2c1a-0000-4000-8000-000000000001",
    "info": "a",
    "date": "2026-03-14",
    "Attribute": [{"uuid": "5e9f2c1a-0000-4000-8000-000000000002", "type": "ip-dst", "value": "198.51.100.7"}],
}
ENVELOPE = {
    "payload": base64.b64encode(b"{}").decode(),
    "payloadType": "application/vnd.seawall.notice+json",
    "signatures": [{"keyid": "", "sig": base64.b64encode(bytes(64)).decode()}],
}
ALERT = {"event_type": "alert", "timestamp": "2026-03-14T00:00:00Z", "alert": {"metadata": {"cve": ["CVE-2026-1"]}}}
DOCUMENTS = tuple(
    msgspec.json.encode(document)
    for document in (
        {"type": "bundle", "id": "bundle--1", "objects": [msgspec.Raw(indicator(1)), msgspec.Raw(indicator(2))]},
        {"more": False, "objects": [msgspec.Raw(indicator(3))], "notices": [ENVELOPE], "mark": "0" * 32},
        msgspec.Raw(indicator(4)),
        {"response": [{"Event": EVENT}]},
        [EVENT],
        ENVELOPE,
        ALERT,
        {"code": "E-EXCHANGE-770", "values": {}, "held": "x", "message": "no", "errors": "none"},
        {"event": "a line", "host": "a", "verdict": "confirmed", "value": "198.51.100.7"},
    )
)


def damaged(whole: bytes, chance: random.Random) -> Iterator[bytes]:
    """A document cut off, with a byte that no text has, and with something hostile in each of its objects."""
    for at in chance.sample(range(1, len(whole)), 4):
        yield whole[:at]
        yield whole[:at] + b"\xff" + whole[at:]
        yield whole[:at] + bytes([chance.randrange(256)]) + whole[at + 1 :]
    for at in [place for place, byte in enumerate(whole) if byte == ord("{")]:
        for value in VALUES:
            yield (
                whole[: at + 1] + b'"zz":' + value + (b"," if whole[at + 1 : at + 2] != b"}" else b"") + whole[at + 1 :]
            )
    for at in [place for place in range(len(whole)) if whole[place : place + 2] == b':"']:
        yield whole[: at + 2] + b"\xff" + whole[at + 2 :]


def cases() -> list[bytes]:
    """Every case, the same in every run."""
    chance = random.Random(SEED)
    plain = [b"", b"\xff", b"null", b"{}", b"[]", b"\x00", b"\xc2\xb2", b"\xb2", b"old 1\n\n\xff", *PACKED, *VALUES]
    plain += [b'{"zz":' + value + b"}" for value in VALUES] + [b"[" + value + b"]" for value in VALUES]
    plain += [b"a=" + value for value in VALUES]
    plain += [chance.randbytes(chance.randrange(1, 80)) for _ in range(20)]
    return plain + [case for document in DOCUMENTS for case in damaged(document, chance)]


CASES = cases()


class Line:
    """A client with somebody hostile in place of the network."""

    def __init__(self, client: Any) -> None:
        client.close()
        self.client = client
        self.answer = (200, b"", JSON)
        client._client = httpx.Client(transport=httpx.MockTransport(self._say))

    def _say(self, _: httpx.Request) -> httpx.Response:
        status, body, media = self.answer
        return httpx.Response(status, content=body, headers={"content-type": media})

    def says(self, body: bytes, status: int = 200, media: str = JSON) -> Any:
        """The client, which will hear this whatever it asks."""
        self.answer = status, body, media
        return self.client


RELAY = Line(RelayClient("http://127.0.0.1:1"))
MISP = Line(MispClient("m", "https://misp.example", "k"))


def wire(body: bytes) -> Any:
    """A line whose other end says ``body``, whatever is asked."""
    answer = Answer(200, {}, body)
    return SimpleNamespace(peer="lantern", get=lambda *_, **__: answer, post=lambda *_, **__: answer)


def message(body: bytes) -> Any:
    """A message that a relay brought."""
    return SimpleNamespace(peer="lantern", body=body)


def taken_in(body: bytes) -> object:
    """The way in for objects, with the check that the node uses."""
    desk = MemoryDesk().desk
    desk._check = incoming._judge
    return desk.take("lantern", "tw-kr", [body, indicator(9)])


def notice_of(body: bytes) -> object:
    """A notice whose proof held."""
    return open_notice(
        b"{}",
        peer="lantern",
        sender="a",
        to="b",
        keys=[],
        at=START,
        believe=lambda *_: body,
        bounds=DEFAULT_NOTICE_BOUNDS,
    )


def relay_says(body: bytes) -> None:
    """A relay's answers, good ones and refusals."""
    for status, media in ((200, JSON), (404, JSON), (409, JSON), (409, paths.TLOG_SIZE), (503, JSON)):
        with suppress(Fault):
            RELAY.says(body, status, media)._ask("GET", "/x", b"token")
    RELAY.client._json(body, dict[str, str])


def splunk_events(body: bytes) -> object:
    """What a forwarder posted."""
    intake: Any = SimpleNamespace(resolve=lambda *_: "eve")
    request: Any = SimpleNamespace(query_params={"format": "eve"})
    return splunk._events(intake, request, body)


PEER: Any = SimpleNamespace(url="https://peer.example", code_name="lantern")
Door = Callable[[bytes], object]
DOORS: dict[str, Door] = {
    "psi": parts.decode,
    "post": lambda body: read_exchanged(body, DEFAULT_POST_BOUNDS),
    "post-standing": lambda body: read_standing(body, DEFAULT_POST_BOUNDS),
    "overlap-word": overlap_words.read_word,
    "overlap-count": lambda body: overlap_count.hear_count(None, message(body)),  # type: ignore[arg-type]
    "overlap-evidence": lambda body: overlap_evidence.hear_evidence(None, message(body)),  # type: ignore[arg-type]
    "relay-part": lambda body: relay_sync.take_part(None, message(body)),  # type: ignore[arg-type]
    "relay": relay_says,
    "witness": read_request,
    "drop": lambda body: read_header(body, DEFAULT_DROP_BOUNDS),
    "statement": read_statement,
    "dsse": lambda body: dsse.peek(body, "application/vnd.seawall.notice+json"),
    "dsse-verify": lambda body: dsse.verify(body, "application/vnd.seawall.notice+json", [bytes(32)]),
    "proof": between_us.prekey_beside,
    "card": card.read_card,
    "key-set": keyset._read,
    "prekey": prekeys._read,
    "aggregate": documents.unpack,
    "aggregate-document": documents._read,
    "notice": notice_of,
    "notices-posted": notices_server._read,
    "notices-answered": lambda body: notices_client._read(Answer(200, {}, body), wire(body), DEFAULT_NOTICE_BOUNDS),
    "live": lambda body: live.ask(wire(body), PEER, ""),
    "taxii-posted": lambda body: [incoming._judge(one) for one in split_envelope(body, Bounds())],
    "taxii-walk": lambda body: list(Walk(wire(body), Bounds(), "https://peer.example", {}, lambda: START).pages(None)),
    "taxii-roots": lambda body: TaxiiClient(wire(body), Bounds()).api_roots("https://peer.example"),
    "cursor": lambda body: Cursor.read(body.decode("utf-8", "surrogateescape")),
    "objects": taken_in,
    "stix": parse_bundle,
    "stix-judge": judge,
    "sighting": sharing.sensors_and_bases,
    "misp-events": events_in,
    "misp-import": parse_misp,
    "misp-feed": listed_files,
    "misp-beside": lambda body: to_events([body]),
    "misp-warninglist": parse_warninglist,
    "misp": lambda body: MISP.says(body).index(None),
    "misp-refuses": lambda body: MISP.says(body, 403).version(),
    "csaf": read_csaf,
    "framework": framework_of,
    "contacts": read_contacts,
    "agent-report": agent_reports._read,
    "agent-changes": lambda body: checking._decoded(body, checking._changes),
    "agent-page": lambda body: checking._decoded(body, checking._page),
    "api-hits": hits._reports,
    "api-warnings": warnings._said,
    "api-misp": lambda body: misp_door._call(None, None, "", "events/add", body),  # type: ignore[arg-type]
    "splunk": splunk_events,
    "elastic": lambda body: elastic._items(body, "logs", "message"),
    "suricata": glimpse,
    "mapping": lambda body: parse_mapping(body, "mapping"),
    "json-lines": lambda body: (array_lines(body), first_objects(body, ())),
}
REFUSALS = (Fault, LineRefused, UnreadableError, TooLargeError, splunk._RefusedEvent)


@pytest.mark.parametrize("door", DOORS)
def test_hostile_bytes_are_read_or_refused(door: str) -> None:
    """Whatever comes, the door answers with what it read or with a refusal of its own."""
    enter = DOORS[door]
    for case in CASES:
        try:
            enter(case)
        except REFUSALS:
            continue
        except Exception as error:
            pytest.fail(f"{type(error).__name__}: {str(error)[:80]} at {case[:60]!r} ({len(case)} bytes)")
