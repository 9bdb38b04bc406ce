"""How two sides agree on the mailboxes between them: each makes its own, and tells the other where to write.

Over a line that stands, one notice does. Where the two never connect, an *invitation* is handed over by people: a file
signed by its node, with the mailbox, the write token and the key that the first message is sealed for.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from seawall.exchange import require_verified
from seawall.flow.node import Node
from seawall.flow.notices import send_notice
from seawall.flow.prekeys import keep_prekey, own_prekeys
from seawall.flow.relay_book import (
    GIVEN,
    READ,
    WRITE,
    RelayLink,
    Told,
    checked_place,
    forget_tokens,
    keep_link,
    keep_token,
    link_of,
    read_token_file,
    relay_of,
    take_told,
    told_of,
)
from seawall.flow.relay_cover import forget_cover
from seawall.identity import dsse, read_card
from seawall.identity.prekeys import read_prekey, sign_prekey
from seawall.ledger import EventKind
from seawall.model import Fault, Refused
from seawall.model.notice import NoticeKind
from seawall.model.peer import PeerRecord
from seawall.model.unreadable import UNREADABLE

INVITATION_TYPE = "application/vnd.seawall.relay-invitation.v1+json"
INVITATION_FORMAT = "seawall-relay-invitation-1"
MAX_INVITATION_BYTES = 32 * 1024  # one takes about 6,000


class _Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """What is signed."""

    format: str
    sender: str = msgspec.field(name="from")  # node id
    to: str
    at: int  # microseconds UTC
    mailbox: Told
    prekey: str


def set_relay(
    node: Node, name: str, *, url: str, pin: str, mailbox: str, read_token: Path, write_token: Path
) -> dict[str, object]:
    """The mailbox at a relay in which we read what this peer writes; told to it where a line stands.

    Raises Refused E-EXCHANGE-023 for a peer that is not verified, Fault E-FLOW-611, 612, 613 for what cannot be.
    """
    node.require("manage-peers")
    peer = require_verified(node.store.peers.get(name))
    place, reading, writing = (
        checked_place(url, pin, mailbox),
        read_token_file(read_token),
        read_token_file(write_token),
    )
    link = link_of(node, name)
    if link.theirs is not None and link.theirs.mailbox == place.mailbox:
        raise Fault("E-FLOW-617", "This is the mailbox that {peer} reads; this node needs its own.", peer=name)
    if reading == writing:
        raise Fault("E-FLOW-618", "The token to read and the token to write are the same; the other side gets one.")
    keep_token(node, name, READ, reading, place)
    keep_token(node, name, GIVEN, writing, place)
    keep_link(node, name, msgspec.structs.replace(link, ours=place))
    forget_tokens(node, name, READ, GIVEN, but=place)
    node.event(EventKind.RELAY_SET, name, url=place.url, whose="ours")
    return show_relay(node, name) | {"told": _tell(node, peer)}


def _tell(node: Node, peer: PeerRecord) -> bool:
    """By a notice, where that reaches the peer without somebody who could read it on the way."""
    if peer.carried and relay_of(node, peer.code_name) is None:
        return False
    if peer.carried and not link_of(node, peer.code_name).whole:
        return False
    told = told_of(node, peer.code_name)
    send_notice(node, peer.code_name, NoticeKind.RELAY, msgspec.to_builtins(told))
    return True


def show_relay(node: Node, name: str) -> dict[str, object]:
    """The mailboxes between us and this peer, without their tokens."""
    node.store.peers.get(name)
    link = link_of(node, name)
    return {
        "peer": name,
        "url": link.ours.url if link.ours is not None else None,
        "mailbox": link.ours.mailbox if link.ours is not None else None,
        "their_url": link.theirs.url if link.theirs is not None else None,
        "their_mailbox": link.theirs.mailbox if link.theirs is not None else None,
        "in_use": relay_of(node, name) is not None,
        "waiting": node.store.post.count_waiting(name)[0],
    }


def remove_relay(node: Node, name: str) -> dict[str, object]:
    """Forget both mailboxes and their tokens; the peer is told where a line stands."""
    node.require("manage-peers")
    peer = node.store.peers.get(name)
    before = link_of(node, name)
    keep_link(node, name, RelayLink())
    forget_tokens(node, name, READ, GIVEN, WRITE)
    forget_cover(node, name)
    if before.ours is not None:
        node.event(EventKind.RELAY_SET, name, url="", whose="ours")
        if not peer.carried:
            send_notice(node, name, NoticeKind.RELAY, {})
    return show_relay(node, name)


def invite(node: Node, name: str, output: Path) -> dict[str, object]:
    """Write the invitation for this peer into a file that only its owner may read.

    Raises Refused E-EXCHANGE-023, E-FLOW-610 before a mailbox of ours is set, Fault E-FLOW-619 when it cannot be
    written.
    """
    node.require("manage-peers")
    peer = require_verified(node.store.peers.get(name))
    invitation = _Invitation(
        format=INVITATION_FORMAT,
        sender=node.keys.node_id,
        to=peer.node_id,
        at=node.clock(),
        mailbox=told_of(node, name),
        prekey=sign_prekey(own_prekeys(node).newest.public, node.keys).decode(),
    )
    signed = dsse.sign(msgspec.json.encode(invitation, order="sorted"), INVITATION_TYPE, node.keys)
    try:
        descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(signed + b"\n")
    except OSError as error:
        raise Fault("E-FLOW-619", "The invitation cannot be written to {path}: {reason}.", path=output,
                    reason=error.strerror or error) from None  # fmt: skip
    node.event(EventKind.RELAY_SET, name, url=invitation.mailbox.url, whose="invited")
    return {"peer": name, "file": str(output), "url": invitation.mailbox.url, "mailbox": invitation.mailbox.mailbox}


def accept(node: Node, path: Path) -> dict[str, object]:
    """Take in an invitation: from now on our messages to its maker are laid into its mailbox.

    Raises Fault E-FLOW-620 for a file that is none, Refused E-FLOW-621 when nobody whose card is held and verified
    signed it or it is for another node, what ``take_told`` raises, E-IDENTITY-100 to 103 for its key.
    """
    node.require("manage-peers")
    data = _read(path)
    try:
        said = msgspec.json.decode(dsse.peek(data, INVITATION_TYPE), type=_Invitation)  # only to learn whose key to ask
    except (Refused, *UNREADABLE):
        raise _none(path) from None
    peer = next((record for record in node.store.peers.list() if record.node_id == said.sender), None)
    if peer is None or said.to != node.keys.node_id or said.format != INVITATION_FORMAT:
        raise _not_for_us(path)
    require_verified(peer)
    try:
        dsse.verify(data, INVITATION_TYPE, [read_card(peer.card).signing_public])
    except Refused:
        raise _not_for_us(path) from None
    public = read_prekey(
        said.prekey.encode(), node_id=peer.node_id, keys=[read_card(peer.card).signing_public], at=node.clock()
    )
    fresh = take_told(node, peer.code_name, said.mailbox, at=said.at, by_people=True)
    keep_prekey(node, peer, public, newest=False)  # last: where anything is refused, nothing was changed
    return show_relay(node, peer.code_name) | {"news": fresh}


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_INVITATION_BYTES + 1)
    except OSError as error:
        raise Fault("E-FLOW-622", "The invitation {path} cannot be read: {reason}.", path=path,
                    reason=error.strerror or error) from None  # fmt: skip
    if len(data) > MAX_INVITATION_BYTES:
        raise _none(path)
    return data.strip()


def _none(path: Path) -> Fault:
    return Fault("E-FLOW-620", "The file {path} is no invitation to a relay; ask for a fresh one.", path=path)


def _not_for_us(path: Path) -> Refused:
    return Refused(
        "E-FLOW-621",
        "The invitation {path} is for another node, or nobody whose card is held here signed it; nothing was changed.",
        path=path,
    )
