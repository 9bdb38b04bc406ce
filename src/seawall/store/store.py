"""Store: one knowledge store, its groups as attributes."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import sqlalchemy as sa

from seawall.store.database import Database
from seawall.store.schema import migrate
from seawall.store.tables import counters

FILE_NAME = "seawall.db"
_OTHERWISE_NAMED = {"overlaps": "overlap"}  # every other group stands in the module of its own name

if TYPE_CHECKING:
    from seawall.identity.sealing import Box
    from seawall.store.aggregates import Aggregates
    from seawall.store.answers import Answers
    from seawall.store.approvals import Approvals
    from seawall.store.budgets import Budgets
    from seawall.store.campaigns import Campaigns
    from seawall.store.circles import Circles
    from seawall.store.columns import ColumnReads
    from seawall.store.commitments import Commitments
    from seawall.store.conflicts import Conflicts
    from seawall.store.contacts import Contacts
    from seawall.store.decoys import Decoys
    from seawall.store.descent import Descent
    from seawall.store.desk import Desk
    from seawall.store.exclusions import Exclusions
    from seawall.store.exposure import Exposures
    from seawall.store.hits import Hits
    from seawall.store.hunts import Hunts
    from seawall.store.indicators import Indicators
    from seawall.store.items import Items
    from seawall.store.looking import Look
    from seawall.store.mail_peers import MailPeers
    from seawall.store.mails import Mails
    from seawall.store.met import MetCommitments
    from seawall.store.misp import Misp
    from seawall.store.notes import Notes
    from seawall.store.notices import Notices
    from seawall.store.objects import Objects
    from seawall.store.orders import Orders
    from seawall.store.outbox import Outbox
    from seawall.store.overlap import Overlaps
    from seawall.store.peers import Peers
    from seawall.store.post import Post
    from seawall.store.post_in import PostIn
    from seawall.store.psi import Psi
    from seawall.store.recalls import Recalls
    from seawall.store.received import Received
    from seawall.store.served_feeds import ServedFeeds
    from seawall.store.set_aside import SetAside
    from seawall.store.sightings import Sightings
    from seawall.store.statuses import Statuses
    from seawall.store.sync import Sync
    from seawall.store.taking_back import TakingBack
    from seawall.store.technique_sightings import TechniqueSightings
    from seawall.store.users import Users
    from seawall.store.warnings import Warnings


class Store:
    """Knowledge, accounts and outboxes. Safe to use from several threads and several processes at once."""

    # attribute: class
    objects: Objects
    conflicts: Conflicts
    descent: Descent
    indicators: Indicators
    sightings: Sightings
    hits: Hits
    warnings: Warnings
    campaigns: Campaigns
    technique_sightings: TechniqueSightings
    answers: Answers
    desk: Desk
    users: Users
    approvals: Approvals
    peers: Peers
    mail_peers: MailPeers
    mails: Mails
    contacts: Contacts
    circles: Circles
    orders: Orders
    outbox: Outbox
    overlaps: Overlaps
    sync: Sync
    notes: Notes
    notices: Notices
    post: Post
    post_in: PostIn
    met: MetCommitments
    misp: Misp
    psi: Psi
    received: Received
    items: Items
    recalls: Recalls
    taking_back: TakingBack
    served_feeds: ServedFeeds
    set_aside: SetAside
    commitments: Commitments
    exclusions: Exclusions
    budgets: Budgets
    decoys: Decoys
    aggregates: Aggregates
    statuses: Statuses
    exposure: Exposures
    hunts: Hunts
    columns: ColumnReads

    def __init__(self, database: Database) -> None:
        """Use ``Store.open``."""
        self._database = database

    if not TYPE_CHECKING:  # so that a misspelt group stays an error of types

        def __getattr__(self, name: str) -> object:
            """The group of that name, made on first use: a command loads the groups that it uses."""
            if name not in Store.__annotations__:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            module = import_module(f"seawall.store.{_OTHERWISE_NAMED.get(name, name)}")
            made = getattr(module, Store.__annotations__[name])(self._database)
            return self.__dict__.setdefault(name, made)  # one for all threads

    @classmethod
    def open(cls, url: str, names: Box | None = None) -> Store:
        """Open the store at an SQLAlchemy address, creating or upgrading it when needed.

        ``sqlite:////path/to/file`` (the file is made, readable by its owner only) or
        ``postgresql+psycopg://user@host/name``. Raises Fault E-STORE-001 for another address, E-STORE-002 without the
        driver, E-STORE-003 to E-STORE-006 when it is busy, full, damaged or out of reach, E-STORE-008 when a newer
        Seawall wrote it. ``names``: of the node's vault, seals who peers really are.
        """
        database = Database(url, names)
        try:
            migrate(database)
        except BaseException:
            database.close()
            raise
        return cls(database)

    def reached(self) -> tuple[int, int]:
        """The last numbers given to changes of indicators and of objects.

        Whoever read them and then everything behind its own cursors has seen all changes up to them.
        """
        query = sa.select(counters.c.name, counters.c.value).where(counters.c.name.in_(("indicators", "objects")))
        with self._database.reading() as connection:
            found = {row.name: int(row.value) for row in connection.execute(query)}
        return found["indicators"], found["objects"]

    def look(self) -> Look:
        """For who asks again and again whether anything has changed; ``close`` it."""
        from seawall.store.looking import Look

        return Look(self._database)

    @property
    def where(self) -> str:
        """The store's address, without its password."""
        return self._database.where

    @property
    def is_sealed(self) -> bool:
        """Whether every page of the store's file is encrypted."""
        return self._database.is_sealed

    def seal_names(self) -> int:
        """Write every row that names a peer anew, as the vault wants it; how many. Then nothing of the old ones stays.

        May be killed and run again.
        """
        peers, contacts = self.peers.list(), self.contacts.list()
        for peer in peers:
            self.peers.replace(peer)
        self.contacts.put(contacts)
        written = len(peers) + len(contacts) + self.mail_peers.write_anew()
        self._database.scrub(("peers", "mail_peers", "contacts"))
        return written

    def close(self) -> None:
        """Close all connections; the store can be opened again."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def sqlite_url(folder: Path) -> str:
    """The default address: a file in the node's ``store`` folder."""
    return f"sqlite:///{(folder / FILE_NAME).resolve()}"
