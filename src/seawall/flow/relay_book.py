"""Which mailboxes stand between us and a peer: ours, which we read, and the peer's, which we write to.

Each side makes its own mailbox, at a relay of its own choice, and hands the other its id and write token: in a signed
notice, or, where the two never connect, in an invitation that two people hand over. Tokens lie in files of their own
that only their owner may read; whoever has a write token can lay rubbish there and read nothing.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from seawall.exchange.relay import read_id, read_token, token_text
from seawall.flow.node import Node
from seawall.identity.key_files import destroy, refuse_if_shared, sync_folder, write_secret
from seawall.identity.vault_open import read_secret, seal_secret
from seawall.ledger import EventKind, LedgerEvent
from seawall.model import Fault, Refused
from seawall.model.notice import Notice
from seawall.model.peer import PeerState

RELAY = "relay:{peer}"
FOLDER = "relay"
READ, GIVEN, WRITE = "read", "given", "write"  # to read ours; to write to ours, for the peer; to write to theirs
MAX_URL = 300  # characters
MAX_TOKEN_FILE = 1_000  # bytes
PIN_LETTERS = 64


class Place(msgspec.Struct, frozen=True):
    """One mailbox at one relay. ``pin``: SHA-256 of the relay's key, lower hex; ``""``: the machine's authorities."""

    url: str
    pin: str
    mailbox: str


class RelayLink(msgspec.Struct, frozen=True, omit_defaults=True):
    """The two mailboxes between us and a peer; one of them may not be known yet."""

    ours: Place | None = None
    theirs: Place | None = None

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
    if link.ours is None and link.theirs is None:
        node.store.notes.delete(RELAY.format(peer=peer))
    else:
        node.store.notes.set(RELAY.format(peer=peer), msgspec.json.encode(link).decode())


def token_of(node: Node, peer: str, use: str) -> bytes:
    """A kept token. Raises Fault E-FLOW-611 when its file is gone or damaged, E-IDENTITY-003 when others read it."""
    path = _path(node, peer, use)
    if path.is_file():
        refuse_if_shared(path)
    return read_token_file(path)


def keep_token(node: Node, peer: str, use: str, token: bytes) -> None:
    """Write one into its own file, readable by us only."""
    folder = node.folder / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    path = _path(node, peer, use)
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    write_secret(fresh, seal_secret(path, token_text(token).encode() + b"\n"))
    fresh.rename(path)
    sync_folder(folder)


def forget_tokens(node: Node, peer: str, *uses: str) -> None:
    """Overwrite and remove."""
    for use in uses:
        if (path := _path(node, peer, use)).exists():
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
    return Told(ours.url, ours.pin, ours.mailbox, token_text(token_of(node, peer, GIVEN)))


def take_told(node: Node, peer: str, told: Told) -> bool:
    """Where the peer reads: from now on our messages go there. False when that is no news.

    Raises Fault E-FLOW-611, 612 for what cannot be.
    """
    place, token = checked_place(told.url, told.pin, told.mailbox), read_token(told.write_token)
    if token is None:
        raise Fault("E-FLOW-611", "The file {path} holds no token of a relay's mailbox.", path="of the other side")
    link = link_of(node, peer)
    if link.ours is not None and link.ours.mailbox == place.mailbox:
        raise Fault("E-FLOW-613", "This is the mailbox that this node itself reads; the other side needs its own.")
    if link.theirs == place and _path(node, peer, WRITE).is_file() and token_of(node, peer, WRITE) == token:
        return False
    keep_token(node, peer, WRITE, token)
    keep_link(node, peer, msgspec.structs.replace(link, theirs=place))
    details: dict[str, str | int | list[str]] = {"url": place.url, "whose": "theirs"}
    node.ledger.record_event(LedgerEvent(EventKind.RELAY_SET, node.clock(), "node", peer, details))
    return True


def hear_relay(node: Node, notice: Notice) -> None:
    """Handler of notices of kind ``relay``: the peer's mailbox, or that it has none any more."""
    if not notice.body:
        keep_link(node, notice.peer, msgspec.structs.replace(link_of(node, notice.peer), theirs=None))
        forget_tokens(node, notice.peer, WRITE)
        return
    try:
        told = msgspec.convert(notice.body, Told)
    except msgspec.ValidationError:
        raise Fault("E-FLOW-614", "The notice of a mailbox holds none; nothing was changed.") from None
    take_told(node, notice.peer, told)


def relay_endpoints(node: Node) -> list[str]:
    """Addresses of relays that this node calls, each once; for ``doctor``."""
    found: dict[str, None] = {}
    for record in node.store.peers.list():
        if record.state is PeerState.VERIFIED and (link := relay_of(node, record.code_name)) is not None:
            found.update(dict.fromkeys(place.url for place in (link.ours, link.theirs) if place is not None))
    return list(found)


def _path(node: Node, peer: str, use: str) -> Path:
    return node.folder / FOLDER / f"{hashlib.sha256(peer.encode()).hexdigest()[:16]}-{use}.token"
