"""Mail without a person at the keyboard: the job that sends and fetches, and what doctor says of it."""

from __future__ import annotations

from typing import cast

from seawall.exchange.mail import imap_place
from seawall.flow.mail import send_mail
from seawall.flow.mail_incoming import fetch_mail
from seawall.flow.mail_peers import key_health, own_key
from seawall.flow.mishaps import as_fault
from seawall.flow.node import Node
from seawall.identity.openpgp import read_key
from seawall.model import Fault
from seawall.model.mail import MailState
from seawall.model.peer import PeerState
from seawall.settings import MailSettings


def mail_job(node: Node) -> str:
    """Send to every verified mail peer, then look at the inbox; one that fails does not stop the rest."""
    settings = node.settings.mail
    if not settings.smtp_host and not settings.inbox:
        return "mail is not set up"
    results = []
    peers = [peer for peer in node.store.mail_peers.list() if peer.state is PeerState.VERIFIED]
    for peer in peers if settings.smtp_host else []:
        try:
            sent = send_mail(node, peer.code_name)
            results.append(f"{peer.code_name}: {sent['mails']} mails, {sent['objects']} objects")
            results += cast("list[str]", sent["problems"])
        except Exception as error:
            results.append(f"{peer.code_name}: {as_fault(error, f'mail to {peer.code_name}')}")
    if settings.inbox:
        try:
            found = fetch_mail(node)
            told = f"{found['drafts']} drafts, {found['quarantined']} in quarantine"
            results.append(told + (f", {found['unreadable']} files cannot be read" if found["unreadable"] else ""))
        except Exception as error:
            results.append(f"inbox: {as_fault(error, 'the look at the inbox')}")
    return "; ".join(results) or "no verified mail peer"


def mail_endpoints(settings: MailSettings) -> list[str]:
    """The servers that mail calls, for ``doctor``: no others are (rule 6)."""
    found = []
    if settings.smtp_host:
        scheme = "smtps" if settings.smtp_security == "tls" else "smtp"
        found.append(f"{scheme}://{settings.smtp_host}:{settings.smtp_port}")
    if settings.inbox.startswith("imaps://"):
        try:
            place = imap_place(settings.inbox)
        except Fault:
            return found  # it cannot be called
        found.append(f"imaps://{place.host}:{place.port}")
    return found


def mail_state(node: Node) -> tuple[bool, str]:
    """Whether mail needs a person, and what for: keys that end or have ended, drafts that wait."""
    told: list[str] = []
    bad = False
    if node.settings.mail.from_address:
        own = own_key(node)
        health = key_health(own.facts(), node.clock()) if own.exists else "missing"
        bad = health != "usable"
        told.append(f"our key: {health}")
    for peer in node.store.mail_peers.list():
        health = key_health(read_key(peer.key), node.clock())
        if peer.state is PeerState.VERIFIED and health != "usable":
            bad = True
            told.append(f"the key of {peer.code_name}: {health}")
        elif peer.state is PeerState.PENDING:
            told.append(f"waiting for two people: {peer.code_name}")
    waiting = len(node.store.mails.list("in", states=(MailState.WAITING,), limit=1_000).items)
    if waiting:
        told.append(f"drafts that wait: {waiting}")
    return not bad, "; ".join(told) or "not set up"
