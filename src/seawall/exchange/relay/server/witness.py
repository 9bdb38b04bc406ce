"""The witness: signs checkpoints of ledgers that the operator registered under random names, if they continue.

The protocol is c2sp.org/tlog-witness, with one difference: an unknown ledger and a wrong signature get one answer, 404.
Steps: (1) which ledger, (2) ``ledger.judge``, (3) what is signed is on the disk, (4) the cosignature leaves.
A checkpoint older than the last one is no fork (anybody may repeat it): the answer tells the size signed last.
"""

from __future__ import annotations

from collections.abc import Sequence

from seawall.exchange.relay import faults
from seawall.exchange.relay.bounds import RelayBounds
from seawall.exchange.relay.server.books import Books
from seawall.ledger import (
    ED25519,
    Held,
    LedgerKey,
    Request,
    Verdict,
    VerifierKey,
    checkpoint_in,
    cosign,
    judge,
    read_key,
    read_request,
)
from seawall.model import Fault, Refused

TWO_ROOTS = "two-roots"  # both signed, of one size: the ledger says two things
NOT_CONTINUED = "not-continued"  # signed, but the proof from the last one does not hold


class Witness:
    """All ledgers that one relay witnesses."""

    def __init__(self, books: Books, bounds: RelayBounds, key: LedgerKey) -> None:
        self._books = books
        self._bounds = bounds
        self._key = key

    def add(self, key: VerifierKey) -> None:
        """Register a ledger by its verifier key. Again changes nothing.

        Raises Fault E-EXCHANGE-794 for a witness's key, Refused 795 when the name has another key, 796 when full.
        """
        if key.kind != ED25519:
            raise Fault("E-EXCHANGE-794", "This key cosigns; a ledger is registered by the key that signs it.")
        with self._books.change() as db:
            row = db.execute("SELECT key FROM ledger WHERE origin = ?", (key.name,)).fetchone()
            if row is not None and row[0] != str(key):
                raise Refused(
                    "E-EXCHANGE-795",
                    "Another key is registered for {name}; whoever changes keys takes a new name.",
                    name=key.name,
                )
            if db.execute("SELECT COUNT(*) FROM ledger").fetchone()[0] >= self._bounds.ledgers:
                raise Refused(
                    "E-EXCHANGE-796",
                    "The relay witnesses {most} ledgers, which is its most.",
                    most=self._bounds.ledgers,
                )
            empty = Held()
            db.execute(
                "INSERT INTO ledger VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (key.name, str(key), empty.size, empty.root, empty.note),
            )

    def remove(self, origin: str) -> None:
        """Witness this ledger no more. Raises NotFound 774."""
        with self._books.change() as db:
            if db.execute("DELETE FROM ledger WHERE origin = ?", (origin,)).rowcount == 0:
                raise faults.NOT_HERE()

    def list(self) -> Sequence[dict[str, object]]:
        """The ledgers by their random names."""
        rows = self._books.db.execute(
            "SELECT origin, size, root, (SELECT COUNT(*) FROM fork WHERE fork.origin = ledger.origin) "
            "FROM ledger ORDER BY origin"
        )
        return [{"origin": name, "size": size, "root": root.hex(), "forks": forks} for name, size, root, forks in rows]

    def forks(self) -> Sequence[dict[str, object]]:
        """The evidence: what was signed here and what was shown then."""
        rows = self._books.db.execute("SELECT origin, reason, held, given FROM fork ORDER BY seq")
        return [dict(zip(("origin", "reason", "held", "given"), row, strict=True)) for row in rows]

    def add_checkpoint(self, data: bytes, now: int) -> str:
        """Our cosignature line for a request; ``now``: seconds.

        Raises NotFound 774, Refused 780, SignedElsewhere 786 with the size, Forked 787 with the note held.
        """
        try:
            request = read_request(data)
        except (Fault, UnicodeDecodeError):
            raise faults.UNREADABLE() from None
        origin = request.note.split("\n", 1)[0]
        with self._books.change() as db:
            row = db.execute("SELECT key, size, root, note FROM ledger WHERE origin = ?", (origin,)).fetchone()
            if row is None:
                raise faults.NOT_HERE()
            verdict, held, after = _judged(request, Held(*row[1:]), read_key(row[0]))
            if verdict is Verdict.CONSISTENT and after != held:
                db.execute(
                    "UPDATE ledger SET size = ?, root = ?, note = ? WHERE origin = ?",
                    (after.size, after.root, after.note, origin),
                )
            elif verdict is Verdict.FORKED:
                self._keep_evidence(origin, held, request, read_key(row[0]))
        if verdict is Verdict.CONSISTENT:
            return cosign(request.note, self._key, now)
        if verdict is not Verdict.FORKED:
            raise faults.ELSEWHERE(size=held.size)
        fault = faults.FORKED()
        if isinstance(fault, faults.Forked):
            fault.held = held.note
        raise fault

    def _keep_evidence(self, origin: str, held: Held, request: Request, key: VerifierKey) -> None:
        reason = TWO_ROOTS if checkpoint_in(request.note, key).size == held.size else NOT_CONTINUED
        room = "(SELECT COUNT(*) FROM fork) < ?"
        self._books.db.execute(
            f"INSERT INTO fork (origin, reason, held, given) SELECT ?, ?, ?, ? WHERE {room} ON CONFLICT DO NOTHING",
            (origin, reason, held.note, request.note, self._bounds.forks),
        )


def _judged(request: Request, held: Held, key: VerifierKey) -> tuple[Verdict, Held, Held]:
    """(verdict, held, held from now on); a signature that does not hold is as unknown as an unknown ledger."""
    try:
        verdict, after = judge(request, held, key)
    except Fault:
        raise faults.NOT_HERE() from None
    return verdict, held, after
