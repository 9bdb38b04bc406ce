"""Which mailboxes stand between us and a peer: ours, which we read, and the peer's, which we write to.

Each side makes its own mailbox, at a relay of its own choice, and hands the other its id and write token: in a signed
notice, or, where the two never connect, in an invitation that two people hand over. Tokens lie in files of their own
that only their owner may read; whoever has a write token can lay rubbish there and read nothing. Each file belongs to
one place: no token is ever shown to another relay or for another mailbox than the one it was made for.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from seawall.exchange.binding import is_inside, is_loopback, origin_of
from seawall.exchange.relay import read_id, read_token, token_text
from seawall.flow.node import Node
from seawall.identity.key_files import refuse_if_shared, write_secret
from seawall.identity.key_folder import destroy, sync_folder
from seawall.identity.vault_open import read_secret, seal_secret
from seawall.ledger import EventKind, LedgerEvent
from seawall.model import Fault, Refused
from seawall.model.notice import Notice
from seawall.model.peer import PeerState

RELAY = "relay:{peer}"
FOLDER = "relay"
READ, GIVEN, WRITE = "read", "given", "write"  # to read ours; to write to ours, for the peer; to write to theirs
COUNTER_TOKEN = "count"  # noqa: S105 - the name of a token's file
MAX_URL = 300  # characters
MAX_TOKEN_FILE = 1_000  # bytes
PIN_LETTERS = 64


class Place(msgspec.Struct, frozen=True):
    """One mailbox at one relay. ``pin``: SHA-256 of the relay's key, lower hex; ``""``: the machine's authorities.

    ``outside``: a peer named it, so that it counts only where its name leads out of our own networks.
    """

    url: str
    pin: str
    mailbox: str
    outside: bool = False


class RelayLink(msgspec.Struct, frozen=True, omit_defaults=True):
    """The two mailboxes between us and a peer; one of them may not be known yet.

    ``told_at``: when the peer signed what we know of its own, microseconds UTC by its clock. ``cover``: cells that each
    visit lays down, whatever there is to say; 0: no cover.
    """

    ours: Place | None = None
    theirs: Place | None = None
    told_at: int = 0
    cover: int = 0

    @property
    def whole(self) -> bool:
        """Whether both are known."""
        return self.ours is not None and self.theirs is not None


class Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one side tells the other of its own mailbox."""

    url: str
    pin: str
    mailbox: str
    write_token: str


def link_of(node: Node, peer: str) -> RelayLink:
    """What is known of the mailboxes between us and this peer."""
    text = node.store.notes.get(RELAY.format(peer=peer))
    return msgspec.json.decode(text, type=RelayLink) if text else RelayLink()


def relay_of(node: Node, peer: str) -> RelayLink | None:
    """The link when messages go through it: whole, or as far as it is known for a peer that no network reaches."""
    link = link_of(node, peer)
    if link.whole or link.ours is None:
        return link if link.whole else None
    return link if node.store.peers.get(peer).carried else None


def keep_link(node: Node, peer: str, link: RelayLink) -> None:
    """Remember it; durable when this returns."""
    if link == RelayLink():
        node.store.notes.delete(RELAY.format(peer=peer))
    else:
        node.store.notes.set(RELAY.format(peer=peer), msgspec.json.encode(link).decode())


def token_of(node: Node, peer: str, use: str, place: Place) -> bytes:
    """The token for this place. Raises Fault E-FLOW-611 when its file is gone or damaged, E-IDENTITY-003 when others
    read it."""
    path = _path(node, peer, use, place)
    if not path.is_file():  # written before each place had its own; whoever names another place writes one for it
        path = path.with_name(f"{_stem(peer, use)}.token")
    if path.is_file():
        refuse_if_shared(path)
    return read_token_file(path)


def keep_token(node: Node, peer: str, use: str, token: bytes, place: Place) -> None:
    """Write one into its own file, readable by us only. Others for the same use stay until they are forgotten."""
    folder = node.folder / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    path = _path(node, peer, use, place)
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    write_secret(fresh, seal_secret(path, token_text(token).encode() + b"\n"))
    fresh.rename(path)
    sync_folder(folder)


def forget_tokens(node: Node, peer: str, *uses: str, but: Place | None = None) -> None:
    """Overwrite and remove those of these uses, for whatever place, except for ``but``."""
    for use in uses:
        stays = _path(node, peer, use, but) if but is not None else None
        for path in sorted((node.folder / FOLDER).glob(f"{_stem(peer, use)}*.token")):
            if path != stays:
                destroy(path)


def read_token_file(path: Path) -> bytes:
    """The token in a file: 43 letters, as ``seawall relay`` prints it. Raises Fault E-FLOW-611."""
    try:
        text = read_secret(path)[:MAX_TOKEN_FILE].decode("ascii").strip()
    except (OSError, UnicodeDecodeError):
        text = ""
    token = read_token(text)
    if token is None:
        raise Fault("E-FLOW-611", "The file {path} holds no token of a relay's mailbox.", path=path.name)
    return token


def checked_place(url: str, pin: str, mailbox: str) -> Place:
    """Raises Fault E-FLOW-612 for an address, pin or mailbox that is none."""
    from seawall.exchange.relay import RelayClient

    url, pin = url.strip().rstrip("/"), pin.strip().lower()
    fits = 0 < len(url) <= MAX_URL and url.isascii() and url.isprintable() and not set(url) & set(" @?#")
    pinned = not pin or (len(pin) == PIN_LETTERS and not set(pin) - set("0123456789abcdef"))
    none = Fault(
        "E-FLOW-612", "Give a relay as https://host:8702, its pin as 64 hex digits and a mailbox as 32 hex digits."
    )
    if not fits or not pinned or read_id(mailbox) is None:
        raise none
    try:
        origin_of(url)
        RelayClient(url, pin=pin or None).close()  # refuses what is neither https nor on this machine
    except ValueError:
        raise none from None
    return Place(url, pin, mailbox)


def told_of(node: Node, peer: str) -> Told:
    """Our own mailbox, for the peer. Raises Refused E-FLOW-610 before it was set."""
    ours = link_of(node, peer).ours
    if ours is None:
        raise Refused(
            "E-FLOW-610", "No mailbox of ours is set for {peer}; run 'seawall peers relay {peer}' first.", peer=peer
        )
    return Told(ours.url, ours.pin, ours.mailbox, token_text(token_of(node, peer, GIVEN, ours)))


def take_told(node: Node, peer: str, told: Told, *, at: int = 0, by_people: bool = False) -> bool:
    """Where the peer reads: from now on our messages go there. False when that is no news. ``at``: when it said so.

    What a peer names must not make this node call into its own networks: an address on this machine counts only where
    a relay of our own is, and one inside our networks only there or ``by_people``, who took an invitation in. A kill
    leaves the former place with its token or the new one with its own.

    Raises Fault E-FLOW-611, 612 for what cannot be, Refused E-FLOW-765 for an address inside, E-FLOW-769 for an
    invitation that is older than what the peer said since (notices have an order of their own).
    """
    place, token = checked_place(told.url, told.pin, told.mailbox), read_token(told.write_token)
    if token is None:
        raise Fault("E-FLOW-611", "The file {path} holds no token of a relay's mailbox.", path="of the other side")
    link = link_of(node, peer)
    if link.ours is not None and link.ours.mailbox == place.mailbox:
        raise Fault("E-FLOW-613", "This is the mailbox that this node itself reads; the other side needs its own.")
    if by_people and at < link.told_at:
        raise Refused(
            "E-FLOW-769",
            "{peer} has named its mailbox anew since this invitation was made; nothing was changed. Ask for a fresh "
            "one.",
            peer=peer,
        )
    place = _outside(node, place, by_people=by_people)
    known = link.theirs == place and _path(node, peer, WRITE, place).is_file()
    if known and token_of(node, peer, WRITE, place) == token:
        return False
    keep_token(node, peer, WRITE, token, place)
    keep_link(node, peer, msgspec.structs.replace(link, theirs=place, told_at=at))
    forget_tokens(node, peer, WRITE, but=place)
    details: dict[str, str | int | list[str]] = {"url": place.url, "whose": "theirs"}
    node.ledger.record_event(LedgerEvent(EventKind.RELAY_SET, node.clock(), "node", peer, details))
    return True


def _outside(node: Node, place: Place, *, by_people: bool) -> Place:
    if origin_of(place.url) in {origin_of(ours.url) for ours in _ours(node)}:
        return place
    host = urlsplit(place.url).hostname or ""
    if is_loopback(host) or (is_inside(host) and not by_people):
        raise Refused(
            "E-FLOW-765",
            "The mailbox is said to be at {url}, on this machine or inside our own networks, where no relay of ours "
            "is; nothing was changed. Name a relay that both sides reach by a public address, or hand over an "
            "invitation.",
            url=place.url,
        )
    return msgspec.structs.replace(place, outside=not by_people)


def _ours(node: Node) -> list[Place]:
    """Where this node's own people set mailboxes up."""
    links = [link_of(node, record.code_name) for record in node.store.peers.list()]
    return [link.ours for link in links if link.ours is not None]


def hear_relay(node: Node, notice: Notice) -> None:
    """Handler of notices of kind ``relay``: the peer's mailbox, or that it has none any more."""
    if not notice.body:
        keep_link(
            node, notice.peer, msgspec.structs.replace(link_of(node, notice.peer), theirs=None, told_at=notice.at)
        )
        forget_tokens(node, notice.peer, WRITE)
        return
    try:
        told = msgspec.convert(notice.body, Told)
    except msgspec.ValidationError:
        raise Fault("E-FLOW-614", "The notice of a mailbox holds none; nothing was changed.") from None
    take_told(node, notice.peer, told, at=notice.at)


def relay_endpoints(node: Node) -> list[str]:
    """Addresses of relays that this node calls, each once; for ``doctor``."""
    found: dict[str, None] = {}
    for record in node.store.peers.list():
        if record.state is PeerState.VERIFIED and (link := relay_of(node, record.code_name)) is not None:
            found.update(dict.fromkeys(place.url for place in (link.ours, link.theirs) if place is not None))
    return list(found)


def _path(node: Node, peer: str, use: str, place: Place) -> Path:
    """Its name says neither who the peer nor where the relay is."""
    where = hashlib.sha256(f"{place.url}\n{place.pin}\n{place.mailbox}".encode()).hexdigest()[:16]
    return node.folder / FOLDER / f"{_stem(peer, use)}-{where}.token"


def _stem(peer: str, use: str) -> str:
    return f"{hashlib.sha256(peer.encode()).hexdigest()[:16]}-{use}"
