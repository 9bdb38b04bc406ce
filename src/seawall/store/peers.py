"""What this node keeps about other nodes."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa
from sqlalchemy import Row
from sqlalchemy.exc import IntegrityError

from seawall.identity.sealing import Box
from seawall.model import Fault, NotFound, Refused
from seawall.model.peer import PeerRecord, PeerState
from seawall.store.database import Database
from seawall.store.sealed_names import blind, either, is_sealed, open_row, seal_row
from seawall.store.tables import peers
from seawall.store.values import checked_name

_NAMED = sa.select(peers).where(peers.c.code_name == sa.bindparam("name"))
_ALL = sa.select(peers).order_by(peers.c.code_name)
_PINNED = sa.select(peers).where(
    sa.or_(peers.c.certificate_sha256 == sa.bindparam("pin"), peers.c.certificate_sha256 == sa.bindparam("mark")),
    peers.c.state != PeerState.SEVERED.value,
)
"""Made once: every request asks them, and making a statement takes longer than answering it."""


class Peers:
    """The group ``store.peers``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._names = database.names

    def add(self, record: PeerRecord) -> None:
        """Keep a new peer. Raises Fault E-STORE-030 for an unusable code name, E-STORE-050 for a taken one."""
        checked_name("peer", record.code_name)
        with self._database.writing() as connection:
            try:
                connection.execute(sa.insert(peers), _values(record, self._names))
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
        return _record(row, self._names)

    def list(self) -> tuple[PeerRecord, ...]:
        """All peers by code name."""
        with self._database.reading() as connection:
            return tuple(_record(row, self._names) for row in connection.execute(_ALL))

    def by_certificate(self, sha256: str) -> PeerRecord | None:
        """The peer that pinned this TLS certificate, whatever its state but severed; the caller checks the state."""
        with self._database.reading() as connection:
            pin, blinded = either(self._names, sha256.lower())
            rows = connection.execute(_PINNED, {"pin": pin, "mark": blinded}).all()
        # two peers with one key cannot be told apart: then it is nobody's
        return _record(rows[0], self._names) if len(rows) == 1 else None

    def replace(self, record: PeerRecord) -> None:
        """Take over new facts, such as an address or a rotated certificate. Raises NotFound E-STORE-051."""
        with self._database.writing() as connection:
            done = connection.execute(
                sa.update(peers).where(peers.c.code_name == record.code_name).values(_values(record, self._names))
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


def _values(record: PeerRecord, names: Box | None) -> dict[str, object]:
    if names is not None:
        return {
            **dict.fromkeys(("node_id", "name", "url", "signing_key", "fingerprint"), ""),
            "code_name": record.code_name,
            "certificate_sha256": blind(names, record.certificate_sha256.lower()),
            "state": record.state.value,
            "card": seal_row(names, record.code_name, record),
        }
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


def _record(row: Row[tuple[object, ...]], names: Box | None) -> PeerRecord:
    card = bytes(row.card)
    if is_sealed(card):
        found = open_row(names, row.code_name, card, PeerRecord)
        return msgspec.structs.replace(found, state=PeerState(row.state))
    return PeerRecord(
        code_name=row.code_name,
        node_id=row.node_id,
        name=row.name,
        url=row.url,
        certificate_sha256=row.certificate_sha256,
        signing_key=row.signing_key,
        fingerprint=row.fingerprint,
        state=PeerState(row.state),
        card=card,
    )
