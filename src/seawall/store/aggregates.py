"""The book of masked sums: rounds, what members said in them, who heard how much, and what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from seawall.model import NotFound
from seawall.model.aggregate import OPEN, Charge, KeptAgreement, KeptDocument, KeptRound, RoundState
from seawall.store.aggregate_tables import (
    aggregate_agreements,
    aggregate_charges,
    aggregate_documents,
    aggregate_rounds,
    aggregate_told,
)
from seawall.store.database import Database
from seawall.store.replace import replace
from seawall.store.values import bounded, clean, optional

rounds, documents, told, charges = aggregate_rounds, aggregate_documents, aggregate_told, aggregate_charges


class Aggregates:
    """The group ``store.aggregates``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, kept: KeptRound) -> None:
        """Keep a round, in place of what was kept under its id. On disk when this returns."""
        with self._database.writing() as connection:
            replace(connection, rounds, _round_row(kept))

    def contribute(self, kept: KeptRound, ours: KeptDocument, charge: Charge) -> None:
        """Keep a round with our contribution to it and what that cost, all or nothing. On disk when this returns."""
        with self._database.writing() as connection:
            replace(connection, rounds, _round_row(kept))
            replace(connection, documents, msgspec.structs.asdict(ours))
            replace(connection, charges, msgspec.structs.asdict(charge))

    def find(self, round_id: str) -> KeptRound | None:
        """One round; None when there is none."""
        query = sa.select(rounds).where(rounds.c.round_id == clean(round_id))
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else _round(row)

    def get(self, round_id: str) -> KeptRound:
        """One round. Raises NotFound E-STORE-220."""
        if (kept := self.find(round_id)) is not None:
            return kept
        raise NotFound("E-STORE-220", "There is no aggregate round {given} here.", given=ascii(round_id[:64]))

    def list(self, *, limit: int = 100) -> Sequence[KeptRound]:
        """The last ones, newest first."""
        query = sa.select(rounds).order_by(rounds.c.at.desc(), rounds.c.round_id).limit(bounded(limit))
        return self._rounds(query)

    def open(self) -> Sequence[KeptRound]:
        """Those in which something is still to come, oldest first."""
        states = [state.value for state in OPEN]
        return self._rounds(sa.select(rounds).where(rounds.c.state.in_(states)).order_by(rounds.c.at).limit(10_000))

    def of_query(self, query: str) -> Sequence[KeptRound]:
        """The rounds of one question in which this node takes or took part, oldest first; no peer adds to them."""
        part = sa.or_(rounds.c.contributed_at.is_not(None), rounds.c.state == RoundState.JOINED.value)
        return self._rounds(sa.select(rounds).where(rounds.c.query == query, part).order_by(rounds.c.at))

    def count_unanswered(self, starter: str, since: int) -> int:
        """How many rounds of one starter, proposed behind a moment, nobody here took part in."""
        idle = [RoundState.INVITED.value, RoundState.LAPSED.value, RoundState.DECLINED.value]
        query = (
            sa.select(sa.func.count())
            .select_from(rounds)
            .where(rounds.c.starter == starter, rounds.c.state.in_(idle), rounds.c.contributed_at.is_(None))
            .where(rounds.c.expires > since)
        )
        with self._database.reading() as connection:
            return int(connection.execute(query).scalar_one())

    def forget(self, round_id: str) -> None:
        """A round that nobody heard of."""
        with self._database.writing() as connection:
            connection.execute(sa.delete(documents).where(documents.c.round_id == round_id))
            connection.execute(sa.delete(rounds).where(rounds.c.round_id == round_id))

    def add_document(self, document: KeptDocument) -> None:
        """Keep what a member said. On disk when this returns."""
        with self._database.writing() as connection:
            replace(connection, documents, msgspec.structs.asdict(document))

    def documents(self, round_id: str, kind: str) -> dict[str, KeptDocument]:
        """What members said of this kind, by their node ids."""
        query = sa.select(documents).where(documents.c.round_id == round_id, documents.c.kind == kind)
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(documents.c.node)).all()
        return {
            row.node: KeptDocument(row.round_id, row.node, row.kind, row.digest, bytes(row.envelope)) for row in rows
        }

    def stage_told(self, round_id: str, node: str) -> int:
        """How far a member has heard of a round from us; 0 before the first word."""
        query = sa.select(told.c.stage).where(told.c.round_id == round_id, told.c.node == node)
        with self._database.reading() as connection:
            return int(connection.execute(query).scalar() or 0)

    def set_told(self, round_id: str, node: str, stage: int) -> None:
        """A member has heard, or will: what it was told is queued."""
        with self._database.writing() as connection:
            replace(connection, told, {"round_id": round_id, "node": node, "stage": stage})

    def charges(self, data_set: str, since: int) -> Sequence[Charge]:
        """What was spent on one data set behind a moment, oldest first."""
        query = sa.select(charges).where(charges.c.data_set == data_set, charges.c.at > since).order_by(charges.c.at)
        with self._database.reading() as connection:
            return [Charge(row.round_id, row.data_set, row.epsilon, row.at) for row in connection.execute(query)]

    def charge(self, charges_: Sequence[Charge]) -> None:
        """Count releases as made, all or none."""
        with self._database.writing() as connection:
            for charge in charges_:
                replace(connection, charges, msgspec.structs.asdict(charge))

    def uncharge(self, round_ids: Sequence[str]) -> None:
        """Take these charges back."""
        with self._database.writing() as connection:
            connection.execute(sa.delete(charges).where(charges.c.round_id.in_(round_ids)))

    def agree(self, agreement: KeptAgreement) -> None:
        """A node works with a catalogue; its last word counts."""
        with self._database.writing() as connection:
            replace(connection, aggregate_agreements, msgspec.structs.asdict(agreement))

    def agreements(self, catalogue: str) -> dict[str, KeptAgreement]:
        """Who works with this catalogue, by node id."""
        query = sa.select(aggregate_agreements).where(aggregate_agreements.c.catalogue == catalogue)
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(aggregate_agreements.c.node)).all()
        return {
            row.node: KeptAgreement(row.catalogue, row.node, row.version, row.at, bytes(row.envelope)) for row in rows
        }

    def _rounds(self, query: sa.Select[Any]) -> Sequence[KeptRound]:
        with self._database.reading() as connection:
            return [_round(row) for row in connection.execute(query)]


def _round_row(kept: KeptRound) -> dict[str, object]:
    return msgspec.structs.asdict(kept) | {"state": kept.state.value, "reason": optional(kept.reason)}


def _round(row: Any) -> KeptRound:
    return KeptRound(
        round_id=row.round_id,
        query=row.query,
        data_set=row.data_set,
        first_week=row.first_week,
        weeks=row.weeks,
        starter=row.starter,
        digest=row.digest,
        proposal=bytes(row.proposal),
        state=RoundState(row.state),
        at=row.at,
        expires=row.expires,
        rerun_of=row.rerun_of,
        key=None if row.key is None else bytes(row.key),
        opening=None if row.opening is None else bytes(row.opening),
        contributed_at=row.contributed_at,
        reason=row.reason,
    )
