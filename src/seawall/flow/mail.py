"""What was newly released to a mail peer leaves as mail, each release once.

Steps for one peer, mail by mail: (1) two people stand for the peer and its key can encrypt, else nothing leaves; (2) an
earlier mail that was prepared and not noted as sent goes again, under the same Message-ID; (3) fill the outbox as for
any member; (4) note the mail as prepared; (5) record the release; (6) sign, encrypt, hand over to the mail server; (7)
note it as sent and move the cursor, in one transaction. A kill between (6) and (7) repeats one mail, no more. A mail
that the server refuses for good is taken off the books, and what it held is cut anew by the next run: it must not stand
in the way of all that comes behind it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC

import msgspec

from seawall.exchange.mail import (
    MEBIBYTE,
    SENT_OBJECTS,
    Envelope,
    Letter,
    OutgoingMail,
    RefusedForGood,
    SmtpServer,
    compose,
    deliver,
    message_id,
    read_subject,
    subject_line,
    ticket_name,
)
from seawall.flow.alone import alone
from seawall.flow.context import release_context
from seawall.flow.mail_peers import own_address, own_key, require_mail_verified, secret_of
from seawall.flow.node import Node
from seawall.flow.outgoing import fill_outboxes, may_receive
from seawall.identity.openpgp import read_key, require_encrypting, seal
from seawall.messages import translate
from seawall.model import Fault, NotFound, Pap, Recorded, Release, Tlp, Unavailable, from_microseconds
from seawall.model.circle import CircleTerms
from seawall.model.mail import MailPeer, MailRecord, MailState
from seawall.model.outbox import OutboxRow
from seawall.policy import page_release, read_markings

PAGE = 1_000  # rows read together
GROWTH = 3  # a body stands in STIX and in the table, both in base64, and the whole in armour: at most so many times
MAX_MAILS = 50  # of one run and one circle; the rest leaves with the next
SEALED_FACTOR = 8  # bytes that GnuPG may write to those of ``part_mb``: it never comes near
MAX_THREAD = 20  # Message-IDs in References


class Leaving(msgspec.Struct, frozen=True):
    """What one mail carries: rows of an outbox with ``after`` < date-added <= ``to``."""

    after: int
    to: int
    objects: int
    part: int = 1
    parts: int = 1
    foreign: tuple[str, ...] = ()  # the other side's tickets


def send_mail(
    node: Node, name: str, *, circle: str | None = None, ticket: str | None = None, dry_run: bool = False
) -> dict[str, object]:
    """Everything that is releasable to this peer and has not left yet. Keys: ``peer``, ``mails``, ``objects``,
    ``withheld``, ``problems``, ``items`` (one a mail).

    Raises Refused E-FLOW-265 for a peer nobody verified, E-IDENTITY-068 when its key cannot encrypt, Fault E-FLOW-261
    or -266 for missing settings, NotFound E-FLOW-267 for an unknown ticket, Unavailable E-FLOW-268 while another
    process sends, and what ``deliver`` raises: RefusedForGood only when no mail left.
    """
    node.require("sync")
    peer = require_mail_verified(node.store.mail_peers.get(name))
    require_encrypting(read_key(peer.key))
    server = None if dry_run else smtp_server(node)
    run = _Run(node, peer)
    withheld = 0
    with alone(node.folder / "store" / "mail.lock", _sending()):  # two would both see what has not left
        if server is not None:
            for record in _prepared(node, peer):
                run.resume(record, server)
        for terms in node.store.circles.list():
            if (circle is not None and terms.name != circle) or name not in terms.members:
                continue
            if not may_receive(node, terms, name):
                continue
            withheld += fill_outboxes(node, circle=terms.name, recipient=name).withheld
            for record in _to_send(node, peer, terms, ticket, dry_run=dry_run):
                if terms.name in run.refused:
                    break  # nothing overtakes what was refused: the cursor would pass it
                if server is None:
                    run.items.append(_shown(record))
                else:
                    run.send_new(record, server)
    left = [item for item in run.items if "problem" not in item]
    if run.refused and not left:
        raise next(iter(run.refused.values()))
    return {
        "peer": name,
        "mails": len(left),
        "objects": sum(int(str(item["objects"])) for item in left),
        "withheld": withheld,
        "dry_run": dry_run,
        "problems": [f"{name}, {circle}: {fault}" for circle, fault in run.refused.items()],
        "items": run.items,
    }


def smtp_server(node: Node) -> SmtpServer:
    """The mail server of the settings. Raises Fault E-FLOW-266 when there is none."""
    mail = node.settings.mail
    if not mail.smtp_host:
        raise Fault("E-FLOW-266", "No mail server is set; set smtp_host in the section [mail].")
    return SmtpServer(
        host=mail.smtp_host,
        port=mail.smtp_port,
        security=mail.smtp_security,
        user=mail.smtp_user,
        password=secret_of(node, mail.smtp_password_file).decode("utf-8", "replace"),
        ca_file=str(node.folder / mail.ca_file) if mail.ca_file else "",
        own_domain=own_address(node).rpartition("@")[2],
    )


def _prepared(node: Node, peer: MailPeer) -> tuple[MailRecord, ...]:
    return node.store.mails.list("out", states=(MailState.PREPARED,), peer=peer.code_name).items


def _to_send(node: Node, peer: MailPeer, terms: CircleTerms, ticket: str | None, *, dry_run: bool) -> list[MailRecord]:
    """One record a mail, not on the books yet."""
    batches = _batches(node, peer, terms)
    if not batches:
        return []
    refused = node.store.mails.of_identity(_identity(peer, terms, batches[0]))
    number, foreign = _ticket(node, peer, ticket or (refused.ticket if refused else None), dry_run=dry_run)
    records = []
    for part, leaving in enumerate(batches, 1):
        leaving = msgspec.structs.replace(leaving, part=part, parts=len(batches), foreign=foreign)
        identity = _identity(peer, terms, leaving)
        domain = own_address(node).rpartition("@")[2]
        records.append(
            MailRecord(
                direction="out",
                identity=identity,
                peer=peer.code_name,
                message_id=message_id(domain, number, node.keys.node_id, identity),
                subject=_subject(node, peer, terms, number, leaving),
                at=node.clock(),
                state=MailState.PREPARED,
                ticket=number,
                circle=terms.name,
                body=msgspec.json.encode(leaving),
            )
        )
    return records


def _identity(peer: MailPeer, terms: CircleTerms, leaving: Leaving) -> str:
    return f"out:{peer.code_name}:{terms.name}:{leaving.after}:{leaving.to}"


def _batches(node: Node, peer: MailPeer, terms: CircleTerms) -> list[Leaving]:
    """How the rows behind the cursor are cut into mails of bounded size."""
    most = node.settings.mail.part_mb * MEBIBYTE // GROWTH
    cursor = node.store.sync.cursor(peer.code_name, terms.name, "mail")
    start = at = int(cursor) if cursor else 0
    size = count = 0
    found: list[Leaving] = []
    for row in _rows(node, terms.name, peer.code_name, start):
        if count and (size + len(row.body) > most or count >= SENT_OBJECTS):
            found.append(Leaving(start, at, count))
            if len(found) == MAX_MAILS:
                return found
            start, size, count = at, 0, 0
        at, size, count = row.added, size + len(row.body), count + 1
    return [*found, Leaving(start, at, count)] if count else found


def _rows(node: Node, circle: str, recipient: str, after: int) -> Iterator[OutboxRow]:
    while True:
        page = node.store.outbox.page(circle, recipient, added_after=after, limit=PAGE)
        yield from page.rows
        if not page.more or page.last_added is None:
            return
        after = page.last_added


def _ticket(node: Node, peer: MailPeer, wanted: str | None, *, dry_run: bool) -> tuple[str, tuple[str, ...]]:
    """A new ticket, or one that this peer already knows, with the other side's own tickets in it."""
    if wanted is None:
        year = from_microseconds(node.clock()).astimezone(UTC).year
        return ticket_name(year, 0 if dry_run else node.store.mails.next_ticket()), ()
    thread = node.store.mails.thread(wanted, peer.code_name)
    if not thread:
        raise NotFound(
            "E-FLOW-267", "There is no ticket {ticket} with {name}.", ticket=ascii(wanted[:40]), name=peer.code_name
        )
    foreign = dict.fromkeys(found for mail in thread for found in read_subject(mail.subject).foreign)
    return wanted, tuple(foreign)


def _subject(node: Node, peer: MailPeer, terms: CircleTerms, ticket: str, leaving: Leaving) -> str:
    tlp, pap = _marking(terms, [row.body for row in _of(node, terms.name, peer.code_name, leaving)])
    text = translate("Threat information, {count} objects", peer.lang, count=leaving.objects)
    return subject_line(
        tlp=tlp, pap=pap, ticket=ticket, text=text, part=leaving.part, parts=leaving.parts, foreign=leaving.foreign
    )


def _marking(terms: CircleTerms, bodies: Sequence[bytes]) -> tuple[Tlp, Pap]:
    """The strictest of everything inside."""
    said = [read_markings(msgspec.json.decode(body, type=dict[str, object])) for body in bodies]
    return (
        max((one.tlp_at_floor(terms.tlp_floor) for one in said), default=terms.tlp_floor),
        max((one.pap for one in said), default=Pap.CLEAR),
    )


def _of(node: Node, circle: str, recipient: str, leaving: Leaving) -> Iterator[OutboxRow]:
    for row in _rows(node, circle, recipient, leaving.after):
        if row.added > leaving.to:
            return
        yield row


class _Run:
    """The mails of one run: ``items`` in order, and the circles in which the server refused one for good."""

    def __init__(self, node: Node, peer: MailPeer) -> None:
        self._node, self._peer = node, peer
        self.items: list[dict[str, object]] = []
        self.refused: dict[str, Fault] = {}

    def send_new(self, record: MailRecord, server: SmtpServer) -> None:
        """Step (4), and then the others. One that was refused before is taken up again under its own names."""
        mails = self._node.store.mails
        kept = mails.add(record)
        if kept is None:
            before = mails.of_identity(record.identity)
            if before is None or before.state is not MailState.DISCARDED:
                raise _sending()
            anew = msgspec.structs.replace(before, state=MailState.PREPARED, body=record.body)
            kept = mails.decide(before.number, MailState.DISCARDED, anew)
        self.resume(kept, server)

    def resume(self, record: MailRecord, server: SmtpServer) -> None:
        """Steps (5) to (7) for a mail that stands on the books."""
        node, name = self._node, self._peer.code_name
        leaving = msgspec.json.decode(record.body, type=Leaving)
        terms = node.store.circles.get(str(record.circle))
        rows = list(_of(node, terms.name, name, leaving)) if may_receive(node, terms, name) else []
        release = page_release(rows, name, terms, release_context(node, terms, name)) if rows else None
        gone = msgspec.structs.replace(record, state=MailState.DISCARDED)
        if release is not None:
            mail = _mail(node, self._peer, record, leaving, terms, node.ledger.record(release))
            try:
                deliver(mail, server)
            except RefusedForGood as fault:
                node.store.mails.decide(record.number, MailState.PREPARED, gone)
                self.refused[terms.name] = fault
                self.items.append({**_shown(gone), "problem": str(fault)})
                return
            gone = msgspec.structs.replace(record, state=MailState.SENT)
        node.store.mails.decide(record.number, MailState.PREPARED, gone, sent_up_to=str(leaving.to))
        self.items.append(_shown(gone))


def _mail(
    node: Node, peer: MailPeer, record: MailRecord, leaving: Leaving, terms: CircleTerms, released: Recorded[Release]
) -> OutgoingMail:
    own, settings = own_key(node), node.settings
    tlp, pap = _marking(terms, [item.body for item in released.value.objects])
    ticket = str(record.ticket)
    before = [
        mail.message_id
        for mail in node.store.mails.thread(ticket, peer.code_name)
        if mail.number < record.number and mail.state is not MailState.DISCARDED
    ]
    letter = Letter(
        sender=settings.node.name,
        circle=terms.name,
        lang=peer.lang,
        tlp=tlp,
        pap=pap,
        ticket=ticket,
        fingerprint=own.facts().fingerprint,
        part=leaving.part,
        parts=leaving.parts,
        phone=own_phone(node),
        stix_name=f"{ticket}-{leaving.part}.json",
        csv_name=f"{ticket}-{leaving.part}.csv",
    )
    envelope = Envelope(
        sender_name=settings.node.name,
        sender=own_address(node),
        recipient=peer.address,
        subject=record.subject,
        message_id=record.message_id,
        at=record.at,
        references=tuple(found for found in before if found)[-MAX_THREAD:],
    )
    limit = settings.mail.part_mb * MEBIBYTE * SEALED_FACTOR
    return compose(released, envelope, letter, lambda content: seal(content, own, peer.key, limit=limit))


def _sending() -> Unavailable:
    return Unavailable("E-FLOW-268", "Another process is sending mail; try again in a moment.")


def own_phone(node: Node) -> str:
    """Our own telephone, day and night, from the contact directory; empty when none is set."""
    name = node.settings.mail.contact
    if not name:
        return ""
    try:
        contact = node.store.contacts.get(name)
    except NotFound:
        return ""
    return contact.phone_24x7 or contact.phone


def _shown(record: MailRecord) -> dict[str, object]:
    leaving = msgspec.json.decode(record.body, type=Leaving)
    return {
        "number": record.number or None,
        "ticket": record.ticket,
        "circle": record.circle,
        "subject": record.subject,
        "message_id": record.message_id,
        "state": record.state.value,
        "objects": leaving.objects,
    }
