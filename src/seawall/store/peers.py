"""What this node keeps about other nodes."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Row
from sqlalchemy.exc import IntegrityError

from seawall.model import Fault, NotFound, Refused
from seawall.model.peer import PeerRecord, PeerState
from seawall.store.database import Database
from seawall.store.tables import peers
from seawall.store.values import checked_name

_NAMED = sa.select(peers).where(peers.c.code_name == sa.bindparam("name"))
_ALL = sa.select(peers).order_by(peers.c.code_name)
_PINNED = sa.select(peers).where(
    peers.c.certificate_sha256 == sa.bindparam("pin"), peers.c.state != PeerState.SEVERED.value
)
"""Made once: every request asks them, and making a statement takes longer than answering it."""


class Peers:
    """The group ``store.peers``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, record: PeerRecord) -> None:
        """Keep a new peer. Raises Fault E-STORE-030 for an unusable code name, E-STORE-050 for a taken one."""
        checked_name("peer", record.code_name)
        with self._database.writing() as connection:
            try:
                connection.execute(sa.insert(peers), _values(record))
            except IntegrityError:
                raise Fault(
                    "E-STORE-050", "There is a peer {name} already; choose another code name.", name=record.code_name
                ) from None

    def get(self, code_name: str) -> PeerRecord:
        """The peer of this code name. Raises NotFound E-STORE-051."""
        with self._database.reading() as connection:
            row = connection.execute(_NAMED, {"name": code_name}).first()
        if row is None:
            raise NotFound("E-STORE-051", "There is no peer {name}.", name=ascii(code_name[:64]))
        return _record(row)

    def list(self) -> tuple[PeerRecord, ...]:
        """All peers by code name."""
        with self._database.reading() as connection:
            return tuple(_record(row) for row in connection.execute(_ALL))

    def by_certificate(self, sha256: str) -> PeerRecord | None:
        """The peer that pinned this TLS certificate, whatever its state but severed; the caller checks the state."""
        with self._database.reading() as connection:
            rows = connection.execute(_PINNED, {"pin": sha256.lower()}).all()
        # two peers with one key cannot be told apart: then it is nobody's
        return _record(rows[0]) if len(rows) == 1 else None

    def replace(self, record: PeerRecord) -> None:
        """Take over new facts, such as an address or a rotated certificate. Raises NotFound E-STORE-051."""
        with self._database.writing() as connection:
            done = connection.execute(
                sa.update(peers).where(peers.c.code_name == record.code_name).values(_values(record))
            )
            if done.rowcount == 0:
                raise NotFound("E-STORE-051", "There is no peer {name}.", name=ascii(record.code_name[:64]))

    def set_state(self, code_name: str, state: PeerState) -> PeerRecord:
        """Move a peer to another state. Raises NotFound E-STORE-051, Refused E-STORE-052 once it is severed."""
        with self._database.writing() as connection:
            row = connection.execute(sa.select(peers).where(peers.c.code_name == code_name)).first()
            if row is None:
                raise NotFound("E-STORE-051", "There is no peer {name}.", name=ascii(code_name[:64]))
            if row.state == PeerState.SEVERED.value and state is not PeerState.SEVERED:
                raise Refused(
                    "E-STORE-052",
                    "The peer {name} was severed for good; add its new card under a new code name.",
                    name=code_name,
                )
            connection.execute(sa.update(peers).where(peers.c.code_name == code_name).values(state=state.value))
        return self.get(code_name)


def _values(record: PeerRecord) -> dict[str, object]:
    return {
        "code_name": record.code_name,
        "node_id": record.node_id,
        "name": record.name,
        "url": record.url,
        "certificate_sha256": record.certificate_sha256.lower(),
        "signing_key": record.signing_key,
        "fingerprint": record.fingerprint,
        "state": record.state.value,
        "card": record.card,
    }


def _record(row: Row[tuple[object, ...]]) -> PeerRecord:
    return PeerRecord(
        code_name=row.code_name,
        node_id=row.node_id,
        name=row.name,
        url=row.url,
        certificate_sha256=row.certificate_sha256,
        signing_key=row.signing_key,
        fingerprint=row.fingerprint,
        state=PeerState(row.state),
        card=bytes(row.card),
    )
