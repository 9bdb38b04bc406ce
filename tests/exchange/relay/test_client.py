"""A node's side: the pin, a relay that lies, and answers that are none."""

from __future__ import annotations

import secrets
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from exchange.mischief import MischievousPeer, answer
from exchange.relay.mischievous import Mischief, MischievousRelay
from seawall.exchange.relay import MailboxFull, RelayBusy, RelayClient
from seawall.exchange.relay.paths import frame_head
from seawall.model import Fault, NotFound, Refused, Unavailable, system_clock

HOUR = 3_600 * 1_000_000
BOX = "0" * 32
TOKEN = bytes(32)


def later() -> int:
    """A moment from now."""
    return system_clock() + HOUR


def test_the_pinned_key_counts(tmp_path: Path) -> None:
    """Over TLS 1.3 a relay with the pinned key is used; with another nothing is sent to it."""
    with MischievousRelay(tmp_path, plain=False) as relay:
        assert relay.url.startswith("https://")
        box, client = relay.mailbox(), relay.client()
        data = secrets.token_bytes(2_048)
        client.put(box.id, box.write, data, expires=later())
        assert [item.data for item in client.fetch(box.id, box.read)] == [data]
        client.close()
        for pin in ("0" * 64, None):
            stranger = RelayClient(relay.url, pin=pin, name="harbour")
            with pytest.raises(Refused, match="E-EXCHANGE-772: The relay harbour shows another key"):
                stranger.fetch(box.id, box.read)
            stranger.close()


def test_older_tls_is_refused(tmp_path: Path) -> None:
    """TLS 1.2 finds no common version."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with MischievousRelay(tmp_path, plain=False) as relay, pytest.raises(httpx.ConnectError):
        httpx.get(f"{relay.url}/v1/relay", verify=context)


def test_no_token_crosses_a_network_in_the_clear(tmp_path: Path) -> None:
    """Neither side does without TLS, except on its own machine."""
    with pytest.raises(Refused, match="E-EXCHANGE-788: The address of the relay harbour must begin with https"):
        RelayClient("http://192.0.2.7:8702", name="harbour")
    with MischievousRelay(tmp_path) as relay:
        folder = relay.furnished.folder
    from seawall.exchange.relay.server import RelayServer

    with pytest.raises(Fault, match=r"E-EXCHANGE-011: Refusing to serve on 0\.0\.0\.0 without TLS"):
        RelayServer(folder, host="0.0.0.0", plain=True)  # noqa: S104 - refused


def test_a_relay_says_what_it_offers(relay: MischievousRelay, client: RelayClient) -> None:
    """Its roles, its limits and the key with which it signs; no count and no name of a user."""
    about = client.about()
    assert set(about) == {"name", "roles", "limits", "witness_key"}
    assert about["roles"] == ["counter", "mailbox", "witness"]
    assert about["witness_key"] == str(relay.furnished.verifier_key)


@pytest.mark.parametrize(
    ("mischief", "seen"),
    [
        (Mischief.DROP, lambda _given: []),
        (Mischief.DUPLICATE, lambda given: sorted([*given, *given])),
        (Mischief.SWAP, sorted),
        (Mischief.TRUNCATE, lambda given: sorted(data[:1_024] for data in given)),
        (Mischief.LIE_IDS, sorted),
        (Mischief.KEEP, sorted),
    ],
)
def test_mischief_reaches_the_caller_unhidden(
    relay: MischievousRelay, client: RelayClient, mischief: Mischief, seen: Callable[[list[bytes]], list[bytes]]
) -> None:
    """What a relay drops, repeats, swaps, cuts or keeps arrives so: the envelope inside is what is believed."""
    relay.behave(mischief)
    box, given = relay.mailbox(), [secrets.token_bytes(2_048) for _ in range(4)]
    for data in given:
        client.put(box.id, box.write, data, expires=later())
    found = client.fetch(box.id, box.read)
    client.delete(box.id, box.read, [item.id for item in found])
    if mischief is Mischief.KEEP:
        found = client.fetch(box.id, box.read)
    assert sorted(item.data for item in found) == seen(given)


def test_late_and_foreign_messages(relay: MischievousRelay, client: RelayClient) -> None:
    """A relay may hold messages back, change a bit, give somebody else's, or say that there is no room."""
    box, other = relay.mailbox(), relay.mailbox()
    data = secrets.token_bytes(2_048)
    relay.behave(Mischief.DELAY)
    client.put(box.id, box.write, data, expires=later())
    assert [len(client.fetch(box.id, box.read)) for _ in range(3)] == [0, 0, 1]
    relay.behave(Mischief.CROSS)
    assert [item.data for item in client.fetch(other.id, other.read)] == [data]
    relay.behave(Mischief.FLIP)
    assert [item.data == data for item in client.fetch(box.id, box.read)] == [False]
    relay.behave(Mischief.FULL)
    with pytest.raises(MailboxFull):
        client.put(box.id, box.write, data, expires=later())


def told(
    status: str, body: bytes, extra: str = "", media: str = "application/json"
) -> Callable[[str], Iterator[bytes]]:
    """A relay that gives this answer to everything."""

    def behave(_line: str) -> Iterator[bytes]:
        yield answer(body, status=status, media_type=media, extra=extra)

    return behave


HEAD = frame_head(bytes(16), 2_000_000_000, 16)


@pytest.mark.parametrize(
    ("behaviour", "kind", "code"),
    [
        (told("200 OK", b"x"), Unavailable, "E-EXCHANGE-773"),
        (told("200 OK", HEAD + b"short"), Unavailable, "E-EXCHANGE-773"),
        (told("200 OK", (HEAD + bytes(16)) * 2), Unavailable, "E-EXCHANGE-773"),
        (told("200 OK", frame_head(bytes(16), 2**63, 16) + bytes(16)), Unavailable, "E-EXCHANGE-773"),
        (told("200 OK", bytes(20_000_000)), Unavailable, "E-EXCHANGE-773"),
        (told("202 Accepted", b""), Unavailable, "E-EXCHANGE-773"),
        (told("302 Found", b"", "Location: http://example.org/\r\n"), Unavailable, "E-EXCHANGE-773"),
        (told("404 Not Found", b"<html>"), NotFound, "E-EXCHANGE-774"),
        (told("429 Too Many", b"", "Retry-After: 7\r\n"), RelayBusy, "E-EXCHANGE-776"),
        (told("503 Busy", b"", "Retry-After: 999999999999\r\n"), RelayBusy, "E-EXCHANGE-776"),
        (told("507 Full", b'{"code":"E-EXCHANGE-775","values":{"seconds":9}}'), MailboxFull, "E-EXCHANGE-775"),
        (told("400 Bad", b'{"code":"E-EXCHANGE-778","values":{"most":"\\u001b[31m"}}'), Unavailable, "E-EXCHANGE-773"),
        (told("400 Bad", b'{"code":"E-EXCHANGE-778","values":{"most":-5}}'), Unavailable, "E-EXCHANGE-773"),
        (told("400 Bad", b'{"code":"E-EVIL-001","values":{}}'), Unavailable, "E-EXCHANGE-773"),
        (told("409 Conflict", b"12\n", media="text/x.tlog.size"), Refused, "E-EXCHANGE-786"),
        (told("409 Conflict", b"many\n", media="text/x.tlog.size"), Unavailable, "E-EXCHANGE-773"),
        (told("500 Oops", b"[" * 100_000), Unavailable, "E-EXCHANGE-773"),
    ],
)
def test_answers_that_are_none(
    behaviour: Callable[[str], Iterator[bytes | float]], kind: type[Fault], code: str
) -> None:
    """Whatever a relay answers becomes one sentence of ours; not a word of it is shown."""
    with MischievousPeer(behaviour, None) as evil:
        client = RelayClient(f"http://127.0.0.1:{evil.port}", name="harbour", answer_seconds=5)
        with pytest.raises(kind) as fault:
            client.fetch(BOX, TOKEN)
        client.close()
    assert fault.value.code == code
    assert "\x1b" not in str(fault.value)


def test_a_relay_that_drips_or_is_away() -> None:
    """One deadline holds for the whole answer; nobody there is said so."""

    def drip(_line: str) -> Iterator[bytes | float]:
        for letter in answer(bytes(1_000)):
            yield bytes([letter])
            yield 0.02

    with MischievousPeer(drip, None) as evil:
        client = RelayClient(f"http://127.0.0.1:{evil.port}", answer_seconds=0.4)
        with pytest.raises(Unavailable, match="E-EXCHANGE-771"):
            client.fetch(BOX, TOKEN)
        client.close()
        port = evil.port
    client = RelayClient(f"http://127.0.0.1:{port}")
    with pytest.raises(Unavailable, match="E-EXCHANGE-770"):
        client.fetch(BOX, TOKEN)
    client.close()


def test_what_cannot_be_is_not_sent(client: RelayClient) -> None:
    """Ids that are none, and ids to delete that are none, are refused here."""
    with pytest.raises(NotFound):
        client.fetch("../relay", TOKEN)
    with pytest.raises(NotFound):
        client.count("x", TOKEN, [])
    with pytest.raises(Refused, match="E-EXCHANGE-780"):
        client.delete(BOX, TOKEN, ["x"])
