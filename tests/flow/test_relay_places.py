"""Where a peer may send our messages, and that each token is only ever shown where it belongs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from flow.neighbours import carry, neighbours
from flow.post_scenes import SEEN, RelayInMemory, know_keys, link, settle, watched
from seawall.exchange.binding import is_inside, is_open
from seawall.exchange.relay import RelayClient, Waiting, token_text
from seawall.flow import relay_book, relay_delivery
from seawall.flow.node import Node
from seawall.flow.post import deliver, post
from seawall.flow.prekeys import recipient_keys, tell_anew
from seawall.flow.relay_book import GIVEN, WRITE, Place, Told, hear_relay, keep_link, link_of, take_told, token_of
from seawall.flow.relay_ceremony import accept, invite
from seawall.model import Fault, Refused, Unavailable
from seawall.model.message import Message, MessageKind
from seawall.model.notice import Notice, NoticeKind

ASK = MessageKind.ASK
BOX = "ab" * 16
PIN = "cd" * 32


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[dict[str, Node]]:
    """Taipei and Seoul, which hold each other's prekey."""
    with neighbours(tmp_path, "taipei", "seoul") as found:
        know_keys(found)
        yield found


def told(url: str, mailbox: str = BOX, token: bytes = b"t" * 32) -> Told:
    """What a peer says of its mailbox."""
    return Told(url, PIN, mailbox, token_text(token))


INSIDE = [
    "http://127.0.0.1:9200", "https://127.0.0.1:8702", "https://localhost", "https://[::1]:8702", "https://10.0.0.7",
    "https://192.168.1.1", "https://172.16.0.1", "https://169.254.169.254", "https://100.64.0.1", "https://[fd00::1]",
    "https://[fe80::1]", "https://[::ffff:10.0.0.7]", "https://[64:ff9b::a00:7]", "https://[2002:a00:7::1]",
    "https://0.0.0.0", "https://127.1", "https://2130706433", "https://0x7f.1", "https://intranet",
    "https://db.internal", "https://printer.local.", "https://224.0.0.1",
]  # fmt: skip


@pytest.mark.parametrize("url", INSIDE)
def test_a_peer_cannot_point_us_at_ourselves(nodes: dict[str, Node], url: str) -> None:
    """A notice that names this machine or an address inside is refused with the reason, and nothing is kept."""
    notice = Notice("seoul", 1, NoticeKind.RELAY, 0, msgspec.to_builtins(told(url)), b"")
    with pytest.raises(Refused, match="E-FLOW-765") as refused:
        hear_relay(nodes["taipei"], notice)
    assert "inside our own networks" in refused.value.text
    assert link_of(nodes["taipei"], "seoul").theirs is None
    assert not list((nodes["taipei"].folder / "relay").glob("*.token"))


@pytest.mark.parametrize("url", ["http://relay.example", "http://198.51.100.7", "https://relay.example:99999"])
def test_what_is_not_https_is_no_relay(nodes: dict[str, Node], url: str) -> None:
    """In the clear only this machine may be called, and a port is a port."""
    with pytest.raises(Fault, match=r"E-FLOW-612|E-EXCHANGE-788"):
        take_told(nodes["taipei"], "seoul", told(url))


@pytest.mark.parametrize("url", ["https://relay.example", "https://8.8.8.8:8702", "https://[2606:4700::1111]"])
def test_a_public_relay_is_taken_and_called_outside_only(nodes: dict[str, Node], url: str) -> None:
    """Whatever its name means on the day of the call."""
    assert take_told(nodes["taipei"], "seoul", told(url))
    kept = link_of(nodes["taipei"], "seoul").theirs
    assert kept is not None
    assert (kept.url, kept.outside) == (url, True)


def test_a_relay_of_our_own_may_be_named_wherever_it_is(nodes: dict[str, Node]) -> None:
    """The same address and port; another port on the same machine is another server."""
    taipei, own = nodes["taipei"], Place("https://10.0.0.7:8702", PIN, "ef" * 16)
    keep_link(taipei, "seoul", msgspec.structs.replace(link_of(taipei, "seoul"), ours=own))
    assert take_told(taipei, "seoul", told("https://10.0.0.7:8702"))
    kept = link_of(taipei, "seoul").theirs
    assert kept is not None
    assert not kept.outside
    with pytest.raises(Refused, match="E-FLOW-765"):
        take_told(taipei, "seoul", told("https://10.0.0.7:9200"))


def test_people_may_take_in_a_relay_inside_their_networks(nodes: dict[str, Node]) -> None:
    """An invitation was handed over by people; this machine itself is refused all the same."""
    assert take_told(nodes["taipei"], "seoul", told("https://10.0.0.7:8702"), by_people=True)
    with pytest.raises(Refused, match="E-FLOW-765"):
        take_told(nodes["taipei"], "seoul", told("http://127.0.0.1:9200"), by_people=True)


def test_a_name_that_leads_inside_later_is_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """The address is looked at once the connection stands and before a byte is sent."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        client = RelayClient(f"https://localhost:{port}", pin=PIN, outside=True)
        with pytest.raises(Unavailable, match="E-EXCHANGE-758"):
            client.fetch(BOX, b"t" * 32)
        client.close()
        connection, _ = server.accept()
        with connection:
            assert connection.recv(100) == b""


@pytest.mark.parametrize(
    ("address", "is_outside"),
    [("8.8.8.8", True), ("2606:4700::1111", True), ("::ffff:8.8.8.8", True), ("fe80::1%eth0", False), ("::", False)],
)
def test_addresses_of_the_open_internet(address: str, is_outside: bool) -> None:
    """Also when one stands inside another."""
    assert is_open(address) is is_outside
    assert is_inside(address) is not is_outside


class _Relays:
    """One relay in memory for each address; what was asked of each with which token."""

    def __init__(self) -> None:
        self.at: dict[str, RelayInMemory] = {}
        self.shown: set[tuple[str, bytes]] = set()

    def connect(self, place: Place) -> Any:
        """The relay at this place, overheard."""
        relay = self.at.setdefault(place.url, RelayInMemory())
        shown = self.shown

        class Overheard(RelayInMemory):
            """The same boxes."""

            def _box(self, mailbox: str, token: bytes, which: int) -> Any:
                shown.add((place.url, token))
                return relay._box(mailbox, token, which)

        return Overheard()


def test_a_new_token_is_never_shown_to_the_former_relay(
    nodes: dict[str, Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The peer moves its mailbox while we visit: what we lay down goes to the new place, with its own token."""
    relays, former = _Relays(), RelayInMemory()
    relays.at["https://relay.example:8702"] = former
    link(nodes, "taipei", "seoul", former)
    moved = RelayInMemory()
    relays.at["https://other.example"] = moved
    box, read, write = moved.make()
    taipei = nodes["taipei"]

    def move(node: Node, message: Message) -> None:
        take_told(node, message.peer, told("https://other.example", box, write))

    with watched(monkeypatch, former):
        monkeypatch.setattr(relay_delivery, "connect", relays.connect)
        post(nodes["seoul"], "taipei", ASK, b"I move")
        deliver(nodes["seoul"], "taipei")
        post(taipei, "seoul", ASK, b"for the new place")
        monkeypatch.setattr("flow.post_scenes.see", move)
        deliver(taipei, "seoul")
    assert ("https://relay.example:8702", write) not in relays.shown
    assert ("https://other.example", write) in relays.shown
    assert len(moved.boxes[box][2]) == 2  # the message, and how far we have come
    assert read != write


@pytest.mark.parametrize("dies_in", ["keep_link", "forget_tokens"])
def test_a_kill_while_the_place_changes_leaves_a_place_with_its_token(
    nodes: dict[str, Node], monkeypatch: pytest.MonkeyPatch, dies_in: str
) -> None:
    """The former one or the new one, and the next telling goes through."""
    taipei = nodes["taipei"]
    take_told(taipei, "seoul", told("https://relay.example", "11" * 16, b"1" * 32))

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(relay_book, dies_in, die)
        take_told(taipei, "seoul", told("https://other.example", "22" * 16, b"2" * 32))
    kept = link_of(taipei, "seoul").theirs
    assert kept is not None
    assert token_of(taipei, "seoul", WRITE, kept) == {"11": b"1" * 32, "22": b"2" * 32}[kept.mailbox[:2]]
    take_told(taipei, "seoul", told("https://third.example", "33" * 16, b"3" * 32))
    kept = link_of(taipei, "seoul").theirs
    assert kept is not None
    assert token_of(taipei, "seoul", WRITE, kept) == b"3" * 32
    assert len(list((taipei.folder / "relay").glob("*.token"))) == 1


def test_a_token_from_before_each_place_had_its_own_is_still_read(nodes: dict[str, Node]) -> None:
    """A link that stood before the upgrade goes on, and its file goes when the place changes."""
    taipei, place = nodes["taipei"], Place("https://relay.example", PIN, BOX)
    relay_book.keep_token(taipei, "seoul", WRITE, b"o" * 32, place)
    (file,) = (taipei.folder / "relay").glob("*.token")
    file.rename(file.with_name(f"{file.name.partition('-')[0]}-{WRITE}.token"))
    keep_link(taipei, "seoul", msgspec.structs.replace(link_of(taipei, "seoul"), theirs=place))
    assert token_of(taipei, "seoul", WRITE, place) == b"o" * 32
    take_told(taipei, "seoul", told("https://other.example", "22" * 16, b"2" * 32))
    assert len(list((taipei.folder / "relay").glob("*.token"))) == 1
    with pytest.raises(Fault, match="E-FLOW-611"):
        token_of(taipei, "seoul", WRITE, place)


def test_messages_go_on_after_the_place_changed(nodes: dict[str, Node], monkeypatch: pytest.MonkeyPatch) -> None:
    """What waited is laid into the new mailbox and handled once."""
    relay = RelayInMemory()
    link(nodes, "taipei", "seoul", relay)
    with watched(monkeypatch, relay):
        post(nodes["taipei"], "seoul", ASK, b"one")
        deliver(nodes["taipei"], "seoul")
        link(nodes, "taipei", "seoul", relay)
        settle(nodes, "taipei", "seoul")
        assert [body for _, _, body in SEEN] == [b"one"]
        assert nodes["taipei"].store.post.count_waiting("seoul")[0] == 0


def invited(nodes: dict[str, Node], folder: Path, url: str, mailbox: str) -> Path:
    """Seoul names a mailbox of its own and writes an invitation for Taipei."""
    seoul, place = nodes["seoul"], Place(url, PIN, mailbox)
    relay_book.keep_token(seoul, "taipei", GIVEN, mailbox.encode(), place)
    keep_link(seoul, "taipei", msgspec.structs.replace(link_of(seoul, "taipei"), ours=place))
    file = folder / f"{mailbox[:2]}.invitation"
    invite(seoul, "taipei", file)
    return file


def test_an_old_invitation_moves_nothing_back(nodes: dict[str, Node], tmp_path: Path) -> None:
    """Whoever found it in a drawer cannot have our messages go to a mailbox that was given up, or to a key of then."""
    taipei = nodes["taipei"]
    first = invited(nodes, tmp_path, "https://relay.example", "11" * 16)
    accept(taipei, first)
    second = invited(nodes, tmp_path, "https://other.example", "22" * 16)
    accept(taipei, second)
    tell_anew(nodes["seoul"], wipe=False)
    carry(nodes, "seoul", "taipei")
    key = recipient_keys(taipei, "seoul").key_id
    with pytest.raises(Refused, match="E-FLOW-769"):
        accept(taipei, first)
    accept(taipei, second)  # the newest again is no harm
    kept = link_of(taipei, "seoul").theirs
    assert kept is not None
    assert kept.mailbox == "22" * 16
    assert recipient_keys(taipei, "seoul").key_id == key


def test_an_invitation_that_is_refused_changes_nothing(nodes: dict[str, Node], tmp_path: Path) -> None:
    """Not even the key that messages are sealed for."""
    taipei = nodes["taipei"]
    tell_anew(nodes["seoul"], wipe=False)
    before = recipient_keys(taipei, "seoul").key_id
    file = invited(nodes, tmp_path, "http://127.0.0.1:9200", "33" * 16)
    with pytest.raises(Refused, match="E-FLOW-765"):
        accept(taipei, file)
    assert recipient_keys(taipei, "seoul").key_id == before
    assert link_of(taipei, "seoul").theirs is None


def test_a_relay_that_feeds_rubbish_for_ever_ends_our_visit(
    nodes: dict[str, Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a few hundred messages that nobody can open the visit stops with a sentence; ours were laid down."""
    relay = Endless()
    link(nodes, "taipei", "seoul", relay)
    monkeypatch.setattr(relay_delivery, "BAD_MOST", 30)
    with watched(monkeypatch, relay):
        post(nodes["taipei"], "seoul", ASK, b"one")
        done = deliver(nodes["taipei"], "seoul")
    assert relay.fed <= 40
    assert done.sent == 1
    assert any("fresh mailbox" in problem for problem in done.problems)


class Endless(RelayInMemory):
    """Ten other messages that are none with each fetch."""

    fed = 0

    def fetch(
        self, mailbox: str, token: bytes, after: str | None = None, limit: int = 100, *, wait: float = 0.0
    ) -> Sequence[Waiting]:
        """See ``Relay.fetch``."""
        del mailbox, token, after, limit, wait
        self.fed += 10
        assert self.fed < 1_000
        return tuple(Waiting(f"{number:032x}", b"rubbish %d" % number, 0) for number in range(self.fed - 10, self.fed))
