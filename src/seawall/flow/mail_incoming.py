"""Mail from peers: decrypted, verified, and kept as drafts; what is not believed goes into quarantine with its reason.

Nothing of a mail reaches the knowledge store here: a named person accepts a draft (``flow.mail_drafts``).
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from seawall.exchange.mail import (
    CONTENT_FACTOR,
    MEBIBYTE,
    Arrived,
    NotBelieved,
    Opened,
    Outside,
    Reason,
    Unreadable,
    arrived,
    extract,
    file_mail,
    open_mail,
    outside,
    parse,
    read_subject,
    ready_answer,
)
from seawall.flow.mail import own_phone
from seawall.flow.mail_peers import grouped, own_key, secret_of
from seawall.flow.node import Node
from seawall.identity.openpgp import OpenedMail, unseal, verify_detached
from seawall.model import Fault, Observable, ObservableType, Pap, Refused, Tlp
from seawall.model.circle import CircleTerms
from seawall.model.mail import MailPeer, MailRecord, MailState
from seawall.model.peer import PeerState

LOG = logging.getLogger(__name__)
HEAD = 64 << 10  # bytes looked at of a mail that is too large to read
UNMARKED_PAP = Pap.GREEN  # a mail that says none: block, but do not touch what the attackers run
_REFUSED = {
    "E-IDENTITY-071": Reason.NOT_FOR_US,
    "E-IDENTITY-072": Reason.DAMAGED,
    "E-IDENTITY-073": Reason.EXPANDS,
}


class Quarantined(msgspec.Struct, frozen=True):
    """Why a mail is not believed, and what a person may answer."""

    reason: Reason
    sender: str
    size: int
    file: str  # its name in the inbox, where it stays
    answer: str | None = None


def fetch_mail(node: Node, *, on_mail: Callable[[int], None] | None = None) -> dict[str, object]:
    """Look at all new mail in the inbox of the settings; ``on_mail`` hears how many are done.

    Keys: ``mails``, ``drafts``, ``quarantined``, ``replayed``, ``unreadable`` (files), ``items``. Raises Fault
    E-FLOW-270 when no inbox is set, NotFound E-IDENTITY-062 without a key of our own, and what the inbox raises.
    """
    node.require("import")
    settings = node.settings.mail
    if not settings.inbox:
        raise Fault("E-FLOW-270", "No inbox is set; set inbox in the section [mail].")
    imap = settings.inbox.startswith("imaps://")
    own_key(node).public()
    return _look(
        node,
        arrived(
            settings.inbox if imap else str(node.folder / settings.inbox),
            password=secret_of(node, settings.imap_password_file).decode("utf-8", "replace") if imap else "",
            ca_file=str(node.folder / settings.ca_file) if settings.ca_file else "",
        ),
        on_mail,
    )


def read_mail(node: Node, path: Path) -> dict[str, object]:
    """Look at one mail in a file, as ``fetch_mail`` does at each. Raises Unreadable E-MAIL-012."""
    node.require("import")
    own_key(node).public()
    return _counted([take_mail(node, file_mail(path))])


def _look(node: Node, mails: Iterable[Arrived], on_mail: Callable[[int], None] | None = None) -> dict[str, object]:
    """All of them; one file that cannot be read or moved does not keep the others out."""
    items: list[dict[str, object]] = []
    for mail in mails:
        item: dict[str, object] = {"outcome": "unreadable", "file": mail.name}
        try:
            item = take_mail(node, mail)
            mail.done()
        except FileNotFoundError:
            continue  # another process took it
        except Unreadable as fault:
            item["problem"] = str(fault)
        items.append(item)
        if on_mail is not None:
            on_mail(len(items))
    return _counted(items)


def _counted(items: list[dict[str, object]]) -> dict[str, object]:
    counts = [str(item["outcome"]) for item in items]
    return {
        "mails": len(items),
        "drafts": counts.count("draft"),
        "quarantined": counts.count("quarantined"),
        "replayed": counts.count("replayed"),
        "unreadable": sum("problem" in item for item in items),
        "items": items,
    }


def take_mail(node: Node, mail: Arrived) -> dict[str, object]:
    """One mail becomes a draft or goes into quarantine; never raises for what it holds."""
    most = node.settings.mail.max_mb * MEBIBYTE
    raw = mail.read(HEAD if mail.size > most else most + 1)
    claims, peer = Outside(""), None
    try:
        claims = outside(parse(raw, head_only=True))
        peer = node.store.mail_peers.by_address(claims.sender) if claims.sender else None
        known = _readable(peer, max(mail.size, len(raw)), most)
        opened = open_mail(parse(raw), claims, _opener(node, known), _verifier(known))
        return _keep_draft(node, known, opened, mail)
    except NotBelieved as fault:
        reason = fault.reason
    except Refused as fault:
        reason = _REFUSED.get(fault.code, Reason.MALFORMED)
    except (Fault, OSError):
        raise  # the store, the keys or the disk: nothing that the mail did
    except Exception:
        LOG.exception("a mail cannot be read")
        reason = Reason.MALFORMED
    return _quarantine(node, reason, claims, peer, mail, raw)


def _readable(peer: MailPeer | None, size: int, most: int) -> MailPeer:
    if size > most:
        raise NotBelieved(Reason.TOO_LARGE)
    if peer is None:
        raise NotBelieved(Reason.UNKNOWN_SENDER)
    if peer.state is not PeerState.VERIFIED:
        raise NotBelieved(Reason.NOT_VERIFIED)
    return peer


def _keep_draft(node: Node, peer: MailPeer, opened: Opened, mail: Arrived) -> dict[str, object]:
    identity = "in:" + hashlib.sha256(opened.content).hexdigest()
    claims = opened.outside
    if node.store.mails.holds(identity) or (
        claims.message_id and node.store.mails.seen(peer.code_name, claims.message_id)
    ):
        raise NotBelieved(Reason.REPLAYED)
    ticket, circle, floor = _thread(node, peer, opened)
    draft = extract(opened, floor, UNMARKED_PAP, _flags(node, peer))
    subject = next((text for text in reversed(opened.subjects) if text), "")
    record = MailRecord(
        direction="in",
        identity=identity,
        peer=peer.code_name,
        message_id=claims.message_id,
        subject=subject,
        at=node.clock(),
        state=MailState.WAITING,
        ticket=ticket,
        circle=circle,
        body=msgspec.json.encode(draft),
    )
    kept = node.store.mails.add(record)
    if kept is None:
        raise NotBelieved(Reason.REPLAYED)
    return {
        "outcome": "draft",
        "number": kept.number,
        "peer": peer.code_name,
        "ticket": ticket,
        "circle": circle,
        "tlp": draft.tlp.label,
        "values": len(draft.values),
        "objects": len(draft.objects),
        "file": mail.name,
    }


def _thread(node: Node, peer: MailPeer, opened: Opened) -> tuple[str | None, str | None, Tlp]:
    """The ticket and circle that a mail belongs to, and the floor: of several circles the strictest."""
    seated = {terms.name: terms for terms in node.store.circles.list() if _seats(terms, peer)}
    if not seated:
        raise NotBelieved(Reason.NO_CIRCLE)
    named = (read_subject(subject).ticket for subject in opened.subjects)
    for ticket in (name for name in named if name is not None):
        for mail in node.store.mails.thread(ticket, peer.code_name):
            if mail.direction == "out" and mail.circle in seated:
                return ticket, mail.circle, seated[mail.circle].tlp_floor
    only = next(iter(seated)) if len(seated) == 1 else None
    return None, only, max(terms.tlp_floor for terms in seated.values())


def _seats(terms: CircleTerms, peer: MailPeer) -> bool:
    return peer.code_name in terms.members and peer.code_name not in terms.exclusions


def _flags(node: Node, peer: MailPeer) -> Callable[[Observable], tuple[str, ...]]:
    lists, own = node.warninglists, node.own_assets
    domain = peer.address.rpartition("@")[2]

    def flags(value: Observable) -> tuple[str, ...]:
        found = [f"warninglist: {name}"] if (name := lists.hit(value)) is not None else []
        if own.is_own(value):
            found.append("own asset")
        if value.type in (ObservableType.DOMAIN, ObservableType.EMAIL, ObservableType.URL):
            host = value.value.partition("://")[2].partition("/")[0] or value.value.rpartition("@")[2]
            if host == domain or host.endswith(f".{domain}"):
                found.append("the sender's own domain")
        return tuple(found)

    return flags


def _quarantine(
    node: Node, reason: Reason, claims: Outside, peer: MailPeer | None, mail: Arrived, raw: bytes
) -> dict[str, object]:
    outcome = "replayed" if reason is Reason.REPLAYED else "quarantined"
    answer = None
    if peer is not None and peer.state is PeerState.VERIFIED:
        answer = ready_answer(
            reason,
            peer.lang,
            fingerprint=grouped(own_key(node).facts().fingerprint),
            sender=node.settings.node.name,
            phone=own_phone(node),
        )
    body = Quarantined(reason, claims.sender, mail.size, mail.name, answer)
    record = MailRecord(
        direction="in",
        identity=f"quarantine:{mail.size}:{hashlib.sha256(raw).hexdigest()}",
        peer=peer.code_name if peer is not None else None,
        message_id=claims.message_id,
        subject=claims.subject,
        at=node.clock(),
        state=MailState.QUARANTINED,
        body=msgspec.json.encode(body),
    )
    kept = node.store.mails.add(record)
    return {
        "outcome": outcome,
        "number": kept.number if kept is not None else None,  # None: it is in quarantine already
        "peer": record.peer,
        "reason": reason.value,
        "answer": answer,
        "file": mail.name,
    }


def _opener(node: Node, peer: MailPeer) -> Callable[[bytes], OpenedMail]:
    most = node.settings.mail.max_mb * MEBIBYTE * CONTENT_FACTOR
    return lambda data: unseal(data, own_key(node), peer.key, limit=most)


def _verifier(peer: MailPeer) -> Callable[[bytes, bytes], OpenedMail]:
    return lambda content, signature: verify_detached(content, signature, peer.key)
