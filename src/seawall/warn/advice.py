"""What to do about a warning: a proposal for an enforcement tool, and steps for a person. Nothing is done here."""

from __future__ import annotations

import msgspec

from seawall.messages import mark
from seawall.model import ObservableType, Pap
from seawall.model.directive import Action

DAY = 86_400  # seconds
LIFE_DAYS = {
    ObservableType.IPV4: 7, ObservableType.IPV6: 7, ObservableType.CIDR: 3, ObservableType.DOMAIN: 30,
    ObservableType.URL: 30, ObservableType.EMAIL: 30, ObservableType.MD5: 180, ObservableType.SHA1: 180,
    ObservableType.SHA256: 180,
}  # fmt: skip
"""Until when a directive is proposed: addresses change hands within days, names within weeks, files never."""
OTHER_DAYS = 14
BLOCK_CONFIDENCE = 70  # below it a wrong block costs more than a late one: watch


class Proposal(msgspec.Struct, frozen=True):
    """A directive that a person may order. ``action`` None: nothing can be enforced, ``because`` says why."""

    action: Action | None
    expires_at: int | None  # microseconds UTC
    because: tuple[str, ...]
    command: str | None = None


class ProposalFacts(msgspec.Struct, frozen=True):
    """What the proposal rests on."""

    type: ObservableType
    at: int  # microseconds UTC
    confidence: int
    pap: Pap
    is_own: bool  # an own asset
    listed: str | None  # the warninglist that names it
    indicator: bool  # an indicator names it, so that an export can carry it
    of_peer: bool  # only peers name it
    may_block: bool  # policy: marking and auto-enforce permit it


def propose(facts: ProposalFacts) -> Proposal:
    """Block where evidence, marking and policy permit it, else watch, else nothing; always with an expiry."""
    if facts.is_own:
        return Proposal(None, None, (mark("It is an asset of ours: look at it, block nothing."),))
    if facts.listed is not None:
        return Proposal(None, None, (mark("A warninglist names it: blocking it would hurt many who are honest."),))
    if facts.type not in LIFE_DAYS:
        return Proposal(None, None, (mark("No tool enforces values of this type: hunt for it."),))
    expires = facts.at + LIFE_DAYS.get(facts.type, OTHER_DAYS) * DAY * 1_000_000
    doubts = []
    if facts.confidence < BLOCK_CONFIDENCE:
        doubts.append(mark("Its confidence is too low to block."))
    if facts.pap > Pap.GREEN:
        doubts.append(mark("Its PAP permits nothing that the attacker could notice."))
    if facts.of_peer and not facts.may_block:
        doubts.append(mark("A peer's indicator blocks only under a circle's auto-enforce."))
    elif facts.indicator and not facts.may_block:
        doubts.append(mark("Policy does not permit to block it."))
    if not facts.indicator:
        doubts.append(mark("No indicator names it yet: import it as one before a tool can carry it."))
    action = Action.WATCH if doubts else Action.BLOCK
    reasons = tuple(doubts) or (mark("Evidence, marking and policy permit to block it until it expires."),)
    option = " --include-watch" if action is Action.WATCH else ""
    command = f"seawall protect export --to csv{option} -o directives.csv" if facts.indicator else None
    return Proposal(action, expires, reasons, command)


class Playbook(msgspec.Struct, frozen=True):
    """Steps for the person on duty, in order: English sentences, keys of the message catalogues."""

    name: str
    steps: tuple[str, ...]


_NETWORK = Playbook(
    "connection",
    (
        mark("Find the machines of ours that spoke with it, and since when."),
        mark("Keep their connection and DNS records before anything is changed."),
        mark("Separate a machine that sent data out; leave one that only refused."),
    ),
)
_NAME = Playbook(
    "name",
    (
        mark("Find who asked for the name, in DNS and proxy records."),
        mark("Look at what was fetched or sent right after, and at the mail that led there."),
        mark("Change the passwords of whoever typed one there."),
    ),
)
_FILE = Playbook(
    "file",
    (
        mark("Find every machine that holds or ran the file."),
        mark("Keep a copy and the memory of one machine before it is cleaned."),
        mark("Look for what started the file, and for what it started."),
    ),
)
_MAIL = Playbook(
    "mail",
    (
        mark("Find who received mail from this address, and who answered or opened it."),
        mark("Take the messages back from mailboxes and keep one for evidence."),
        mark("Ask those who opened it; look at their machines first."),
    ),
)
_PRINT = Playbook(
    "fingerprint",
    (
        mark("A fingerprint names a tool, not a machine: list the other ends that show it."),
        mark("Keep those that hardly anybody else speaks with, and look at them one by one."),
    ),
)
_WEAKNESS = Playbook(
    "weakness",
    (
        mark("List what we have that is exposed to it: 'seawall exposed'."),
        mark("Patch or shield what can be reached from outside first."),
        mark("Look back for signs that it was used before the patch."),
    ),
)
PLAYBOOKS = {
    ObservableType.DOMAIN: _NAME, ObservableType.URL: _NAME, ObservableType.EMAIL: _MAIL, ObservableType.MD5: _FILE,
    ObservableType.SHA1: _FILE, ObservableType.SHA256: _FILE, ObservableType.FILE_NAME: _FILE,
    ObservableType.JA3: _PRINT, ObservableType.JA4: _PRINT, ObservableType.HASSH: _PRINT,
    ObservableType.CERTIFICATE: _PRINT, ObservableType.CVE: _WEAKNESS,
}  # fmt: skip


def playbook_for(type: ObservableType) -> Playbook:
    """The steps for a value of this type."""
    return PLAYBOOKS.get(type, _NETWORK)
