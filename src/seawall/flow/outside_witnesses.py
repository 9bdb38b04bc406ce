"""Witnesses that are no peers, asked over a relay: this ledger is shown to each under a random name of its own.

Steps of one asking: (1) the checkpoint that this witness signed last still belongs to our ledger, (2) the asking is on
our ledger before anything leaves, (3) head and proof under the name made for this witness, (4) its signature is checked
with the key given by hand, (5) what it signed is kept.

A witness learns how many leaves a nameless ledger has. What it says against us counts only with a checkpoint that our
own key for it signed; a bare word of it changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from seawall import ledger as log
from seawall.exchange.relay import Forked, Pseudonym, Relay, RelayClient, SignedElsewhere
from seawall.flow.ledger_books import OWN, Fork, keep_fork
from seawall.flow.node import Node
from seawall.ledger import Checkpoint, EventKind, LedgerEvent, Request, Verdict
from seawall.model import Fault, NotFound, Refused, Unavailable, rfc3339

KEPT = "outside-witnesses"
MAX_WITNESSES = 20  # a ledger is vouched for by a few
MAX_NAME = 40


class OutsideWitness(msgspec.Struct, frozen=True):
    """One witness, and what it signed last; the name and key shown to it are secret together with ours."""

    name: str
    url: str
    pin: str
    key: str  # under which its signatures are checked
    shown_as: Pseudonym
    size: int = 0
    note: str = ""  # the last checkpoint that it cosigned
    at: int = 0  # microseconds UTC


Connect = Callable[[OutsideWitness], Relay]


def outside_witnesses(node: Node) -> list[OutsideWitness]:
    """All of them, in the order in which they were added."""
    text = node.store.notes.get(KEPT)
    return msgspec.json.decode(text, type=list[OutsideWitness]) if text else []


def add_witness(node: Node, name: str, *, url: str, pin: str, key: str) -> dict[str, object]:
    """Make a name and key for a new witness; ``verifier_key`` is what its operator registers.

    Raises Fault E-FLOW-640 for a name that is taken or none, 641 for a key that does not cosign, Refused E-EXCHANGE-788
    for an address in the clear, Fault E-LEDGER-021 for a key that is none.
    """
    node.require("manage-peers")
    known = outside_witnesses(node)
    if not (name.isidentifier() or name.replace("-", "_").isidentifier()) or len(name) > MAX_NAME:
        raise _name_taken(name)
    if any(item.name == name for item in known) or len(known) >= MAX_WITNESSES:
        raise _name_taken(name)
    if log.read_key(key).kind != log.COSIGNATURE:
        raise Fault("E-FLOW-641", "This key signs a ledger; a witness has the one that 'seawall relay init' prints.")
    RelayClient(url, pin=pin or None, name=name).close()  # refuses what is neither https nor on this machine
    made = OutsideWitness(name, url, pin, key, Pseudonym.new())
    _keep(node, [*known, made])
    node.event(EventKind.RELAY_SET, name, what="witness", url=url)
    return _described(made) | {"verifier_key": made.shown_as.verifier_key}


def remove_witness(node: Node, name: str) -> dict[str, object]:
    """Ask this witness no more, and forget the name that it knows. Raises NotFound E-FLOW-642."""
    node.require("manage-peers")
    gone = _find(node, name)
    _keep(node, [item for item in outside_witnesses(node) if item.name != name])
    node.event(EventKind.RELAY_SET, name, what="witness removed", url=gone.url)
    return _described(gone)


def list_witnesses(node: Node) -> list[dict[str, object]]:
    """What each signed last, and whether that still belongs to our ledger."""
    node.require("audit")
    head = node.ledger.head()
    return [_described(item) | {"agrees": _agrees(node, item, head)} for item in outside_witnesses(node)]


def ask_witness(node: Node, name: str, connect: Connect | None = None) -> dict[str, object]:
    """Have our newest checkpoint signed by one witness.

    Raises NotFound E-FLOW-642, Refused 643 when our ledger does not continue what it signed (the evidence is kept),
    Unavailable 644 when the witness says so without evidence, and what ``Relay.witness`` raises.
    """
    witness = _find(node, name)
    _require_agreement(node, witness, node.ledger.head(), witness.note)
    node.ledger.record_event(LedgerEvent(EventKind.RELAY_SET, node.clock(), "node", name, {"what": "asked to witness"}))
    head = node.ledger.head()
    relay = (connect or _connect)(witness)
    try:
        note = _cosigned(node, witness, relay, head)
    finally:
        if isinstance(relay, RelayClient):
            relay.close()
    signed = msgspec.structs.replace(witness, size=head.size, note=note, at=node.clock())
    _keep(node, [signed if item.name == name else item for item in outside_witnesses(node)])
    return _described(signed)


def witnesses_job(node: Node) -> str:
    """Ask each witness that is behind; one that fails does not stop the rest."""
    told = []
    for witness in outside_witnesses(node):
        if node.ledger.head().size > witness.size:
            try:
                told.append(f"{witness.name} signed {ask_witness(node, witness.name)['size']} leaves")
            except Fault as fault:
                told.append(f"{witness.name}: {fault}")
    return "; ".join(told) or "nobody to ask"


def witness_endpoints(node: Node) -> list[str]:
    """The addresses that are called; none when the store cannot be read, which others say."""
    try:
        return [item.url for item in outside_witnesses(node)]
    except Fault:
        return []


def _cosigned(node: Node, witness: OutsideWitness, relay: Relay, head: Checkpoint) -> str:
    since = witness.size
    for _ in range(2):  # the second time from where the witness says it stands
        proof = tuple(node.ledger.prove_continues(since, head))
        request = Request(since, proof, log.note_over(witness.shown_as, head)).encode().decode()
        try:
            return relay.witness(request)
        except SignedElsewhere as elsewhere:
            if elsewhere.size > head.size or elsewhere.size == since:
                raise _bare_word(witness) from None
            since = elsewhere.size
        except Forked as forked:
            _require_agreement(node, witness, head, forked.held)
            raise _bare_word(witness) from None
    raise _bare_word(witness)


def _require_agreement(node: Node, witness: OutsideWitness, head: Checkpoint, note: str) -> None:
    """Pass unless ``note``, signed by our key for this witness, contradicts our ledger. Raises Refused E-FLOW-643."""
    held = _checkpoint(witness, note)
    if held is None:
        return
    shorter = held.size > head.size
    if shorter or node.ledger.root_at(held.size) != held.root:
        reason = Verdict.ROLLED_BACK if shorter else Verdict.FORKED
        ours = log.note_over(witness.shown_as, head)
        keep_fork(node, Fork(OWN, node.clock(), reason.value, note, ours, witness.name))
        raise Refused(
            "E-FLOW-643",
            "This ledger does not continue the {size} leaves that witness {name} signed; see 'seawall ledger forks'.",
            size=held.size,
            name=witness.name,
        )


def _agrees(node: Node, witness: OutsideWitness, head: Checkpoint) -> bool | None:
    held = _checkpoint(witness, witness.note)
    if held is None:
        return None
    return held.size <= head.size and node.ledger.root_at(held.size) == held.root


def _checkpoint(witness: OutsideWitness, note: str) -> Checkpoint | None:
    """The checkpoint in a note, if our own key for this witness signed it."""
    try:
        return log.checkpoint_in(note, log.own_key(witness.shown_as)) if note else None
    except Fault:
        return None


def _connect(witness: OutsideWitness) -> Relay:
    key = log.read_key(witness.key)
    return RelayClient(witness.url, pin=witness.pin or None, name=witness.name, witness_key=key)


def _find(node: Node, name: str) -> OutsideWitness:
    found = next((item for item in outside_witnesses(node) if item.name == name), None)
    if found is None:
        raise NotFound("E-FLOW-642", "No witness is called {name} here.", name=ascii(name[:60]))
    return found


def _keep(node: Node, items: list[OutsideWitness]) -> None:
    node.store.notes.set(KEPT, msgspec.json.encode(items).decode())


def _described(item: OutsideWitness) -> dict[str, object]:
    at = rfc3339(item.at) if item.at else None
    return {
        "witness": item.name,
        "url": item.url,
        "shown_as": log.own_key(item.shown_as).name,
        "size": item.size,
        "at": at,
    }


def _name_taken(name: str) -> Fault:
    return Fault(
        "E-FLOW-640",
        "{name} is taken, or no name of letters, digits and dashes, or there are {most} witnesses already.",
        name=ascii(name[:60]),
        most=MAX_WITNESSES,
    )


def _bare_word(witness: OutsideWitness) -> Unavailable:
    return Unavailable(
        "E-FLOW-644",
        "The witness {name} does not sign and gives no checkpoint of ours as its reason; ask its operator.",
        name=witness.name,
    )
