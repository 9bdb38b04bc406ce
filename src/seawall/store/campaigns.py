"""Campaigns: groups of values with an identity that stays, their members, their history."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from seawall.model import NotFound, ObservableType, Visibility
from seawall.model.campaign import Campaign, HistoryEntry, HistoryKind, Member
from seawall.model.stored import Page
from seawall.store.bulk import insert_rows, rows_for, update_rows
from seawall.store.campaign_tables import (
    campaign_arrivals,
    campaign_history,
    campaign_members,
    campaign_origins,
    campaigns,
)
from seawall.store.database import Database
from seawall.store.values import bounded, clean
from seawall.store.visible import visible_campaigns

BATCH = 10_000  # campaigns or members of one transaction
MAX_HISTORY = 1000  # entries of one answer
Key = tuple[ObservableType, str]

HELD = "SELECT given.position, held.number, held.body FROM {given} JOIN campaigns AS held ON held.id = given.a"
MEMBERS = (
    "SELECT given.position, m.number, c.id, m.first_seen, m.body FROM {given} "
    "JOIN campaign_members AS m ON m.type = given.a AND m.value = given.b JOIN campaigns AS c ON c.number = m.campaign"
)


class Campaigns:
    """The group ``store.campaigns``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, rows: Iterable[Campaign]) -> int:
        """Keep campaigns as they are now, in place of what was kept under their ids; how many are new or changed."""
        remaining, written = iter(rows), 0
        while batch := list(islice(remaining, BATCH)):
            with self._database.writing() as connection:
                written += self._put_batch(connection, {row.id: row for row in batch})
        return written

    def get(self, id: str, *, visibility: Visibility) -> Campaign:
        """One campaign. Raises NotFound E-STORE-260 when there is none or the asker may not know that there is."""
        query = sa.select(campaigns.c.body).where(campaigns.c.id == clean(id), *visible_campaigns(visibility))
        with self._database.reading() as connection:
            body = connection.execute(query).scalar()
        if body is None:
            raise NotFound("E-STORE-260", "There is no campaign {id} here.", id=ascii(id[:100]))
        return _campaign(body)

    def list(
        self,
        visibility: Visibility,
        *,
        since: int | None = None,
        side: str | None = None,
        sector: str | None = None,
        merged: bool = False,
        after: int = 0,
        limit: int = 100,
    ) -> Page[Campaign]:
        """Campaigns that the asker may see, in order of their last change behind ``after``.

        ``since``: met since then. ``side`` and ``sector``: met there. ``merged``: also those that others took in and
        those that ended.
        """
        conditions = [campaigns.c.change > after, *visible_campaigns(visibility)]
        if not merged:
            conditions += [campaigns.c.merged_into.is_(None), campaigns.c.member_count > 0]
        if since is not None:
            conditions.append(campaigns.c.last_seen >= since)
        places = [campaign_arrivals.c.campaign == campaigns.c.number]
        places += [campaign_arrivals.c.side == side] if side is not None else []
        places += [campaign_arrivals.c.sector == sector] if sector is not None else []
        if len(places) > 1:
            conditions.append(sa.exists().where(*places))
        limit = bounded(limit)
        query = (
            sa.select(campaigns.c.change, campaigns.c.body)
            .where(*conditions)
            .order_by(campaigns.c.change)
            .limit(limit + 1)
        )
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        items = tuple(_campaign(row.body) for row in rows[:limit])
        return Page(items, rows[limit - 1].change if len(rows) > limit else None)

    def count(self, visibility: Visibility) -> int:
        """How many standing campaigns the asker may see."""
        standing = [campaigns.c.merged_into.is_(None), campaigns.c.member_count > 0]
        query = sa.select(sa.func.count()).select_from(campaigns).where(*standing, *visible_campaigns(visibility))
        with self._database.reading() as connection:
            return int(connection.execute(query).scalar_one())

    def of(self, keys: Iterable[Key]) -> dict[Key, str]:
        """The campaign of each of these values, for the node's own jobs: no visibility. Others are left out."""
        return {(member.type, member.value): member.campaign for member in self.members_of(keys)}

    def members_of(self, keys: Iterable[Key]) -> tuple[Member, ...]:
        """These values as members, with the reasons; values in no campaign are left out. No visibility applies."""
        wanted = sorted({(type.value, clean(value)) for type, value in keys})
        with self._database.reading() as connection:
            return tuple(_member(row[4]) for row in rows_for(connection, wanted, MEMBERS))

    def members(self, id: str, *, after: int = 0, limit: int = 100) -> Page[Member]:
        """The members of one campaign, as they joined; ask ``get`` first whether the asker may see it."""
        limit = bounded(limit)
        query = (
            sa.select(campaign_members.c.number, campaign_members.c.body)
            .join(campaigns, campaigns.c.number == campaign_members.c.campaign)
            .where(campaigns.c.id == clean(id), campaign_members.c.number > after)
            .order_by(campaign_members.c.number)
            .limit(limit + 1)
        )
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        items = tuple(_member(row.body) for row in rows[:limit])
        return Page(items, rows[limit - 1].number if len(rows) > limit else None)

    def memberships(self) -> Iterator[tuple[str, str, str]]:
        """(type, value, campaign) of every member, for the node's own jobs."""
        query = sa.select(campaign_members.c.type, campaign_members.c.value, campaigns.c.id).join(
            campaigns, campaigns.c.number == campaign_members.c.campaign
        )
        with self._database.reading() as connection:
            for row in connection.execution_options(yield_per=BATCH).execute(query):
                yield row[0], row[1], row[2]

    def put_members(self, rows: Iterable[Member]) -> int:
        """Keep members as they are now; each value is in one campaign, the last given. How many changed.

        Their campaigns must be kept already; members of unknown ones are left out.
        """
        remaining, written = iter(rows), 0
        while batch := list(islice(remaining, BATCH)):
            with self._database.writing(durable=False) as connection:
                written += self._put_members(connection, {(row.type.value, clean(row.value)): row for row in batch})
        return written

    def remove_members(self, keys: Iterable[Key]) -> None:
        """Let these values belong to no campaign."""
        wanted = sorted({(type.value, clean(value)) for type, value in keys})
        with self._database.writing(durable=False) as connection:
            numbers = [row[1] for row in rows_for(connection, wanted, MEMBERS)]
            for start in range(0, len(numbers), 500):
                chosen = campaign_members.c.number.in_(numbers[start : start + 500])
                connection.execute(sa.delete(campaign_members).where(chosen))

    def clear(self) -> None:
        """Forget all campaigns, their members and their history: to be grouped anew."""
        with self._database.writing() as connection:
            for table in (campaign_members, campaign_arrivals, campaign_origins, campaign_history, campaigns):
                connection.execute(sa.delete(table))

    def add_history(self, entries: Sequence[HistoryEntry]) -> None:
        """Remember what happened to campaigns."""
        with self._database.writing() as connection:
            number = self._database.numbers(connection, "campaign_history", len(entries)) if entries else 0
            insert_rows(
                connection,
                campaign_history,
                [
                    (place, entry.campaign, entry.at, entry.kind.value, entry.other, entry.values)
                    for place, entry in enumerate(entries, number)
                ],
            )

    def history(self, id: str) -> tuple[HistoryEntry, ...]:
        """What happened to one campaign, oldest first; the newest ``MAX_HISTORY`` entries."""
        query = (
            sa.select(campaign_history)
            .where(campaign_history.c.campaign == clean(id))
            .order_by(campaign_history.c.number.desc())
            .limit(MAX_HISTORY)
        )
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return tuple(
            HistoryEntry(row.campaign, row.at, HistoryKind(row.kind), row.other, row.member_count)
            for row in reversed(rows)
        )

    def _put_batch(self, connection: Connection, batch: dict[str, Campaign]) -> int:
        ids = sorted(batch)
        held = {ids[row[0]]: (row[1], row[2]) for row in rows_for(connection, [(id,) for id in ids], HELD)}
        bodies = {id: _text(batch[id]) for id in ids}
        wanted = [id for id in ids if id not in held or held[id][1] != bodies[id]]
        if not wanted:
            return 0
        change = self._database.numbers(connection, "campaigns", len(wanted))
        rows = [
            _row(batch[id], held[id][0] if id in held else place, bodies[id], place)
            for place, id in enumerate(wanted, change)
        ]
        insert_rows(connection, campaigns, [row for row, id in zip(rows, wanted, strict=True) if id not in held])
        names = campaigns.columns.keys()
        stale = [dict(zip(names, row, strict=True)) for row, id in zip(rows, wanted, strict=True) if id in held]
        update_rows(connection, campaigns, stale)
        for start in range(0, len(stale), 500):
            numbers = [row["number"] for row in stale[start : start + 500]]
            for table in (campaign_arrivals, campaign_origins):
                connection.execute(sa.delete(table).where(table.c.campaign.in_(numbers)))
        _put_places(connection, [(row[0], batch[id]) for row, id in zip(rows, wanted, strict=True)])
        return len(wanted)

    def _put_members(self, connection: Connection, batch: dict[tuple[str, str], Member]) -> int:
        keys = sorted(batch)
        ids = sorted({row.campaign for row in batch.values()})
        numbers = {ids[row[0]]: row[1] for row in rows_for(connection, [(id,) for id in ids], HELD)}
        held = {keys[row[0]]: (row[1], row[4]) for row in rows_for(connection, keys, MEMBERS)}
        fresh: list[tuple[Any, ...]] = []
        changed: list[dict[str, Any]] = []
        place = self._database.numbers(connection, "campaign_members", len(keys))
        for number, key in enumerate(keys, place):
            member = batch[key]
            body = _text(member)
            if member.campaign not in numbers or (key in held and held[key][1] == body):
                continue
            row = (held[key][0] if key in held else number, *key, numbers[member.campaign], member.first_seen, body)
            if key in held:
                changed.append(dict(zip(campaign_members.columns.keys(), row, strict=True)))
            else:
                fresh.append(row)
        insert_rows(connection, campaign_members, fresh)
        update_rows(connection, campaign_members, changed)
        return len(fresh) + len(changed)


def _put_places(connection: Connection, written: Sequence[tuple[int, Campaign]]) -> None:
    arrivals = {
        (number, clean(one.side), clean(one.sector)): one.first_seen for number, row in written for one in row.arrivals
    }
    insert_rows(connection, campaign_arrivals, [(*key, first) for key, first in arrivals.items()])
    origins = sorted({(number, clean(origin)) for number, row in written for origin in row.origins})
    insert_rows(connection, campaign_origins, origins)


def _row(campaign: Campaign, number: int, body: str, change: int) -> tuple[Any, ...]:
    times = (campaign.first_seen, campaign.last_seen)
    levels = (int(campaign.tlp), int(campaign.pap))
    return (number, clean(campaign.id), *times, campaign.merged_into, campaign.values, *levels, body, change)


def _text(row: Campaign | Member) -> str:
    return clean(msgspec.json.encode(row, order="deterministic").decode())


def _campaign(body: str) -> Campaign:
    return msgspec.json.decode(body, type=Campaign)


def _member(body: str) -> Member:
    return msgspec.json.decode(body, type=Member)
