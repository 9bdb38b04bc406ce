"""Store: one knowledge store, its groups as attributes."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

import sqlalchemy as sa

from seawall.identity.sealing import Box
from seawall.store.aggregates import Aggregates
from seawall.store.approvals import Approvals
from seawall.store.budgets import Budgets
from seawall.store.circles import Circles
from seawall.store.commitments import Commitments
from seawall.store.conflicts import Conflicts
from seawall.store.contacts import Contacts
from seawall.store.database import Database
from seawall.store.decoys import Decoys
from seawall.store.descent import Descent
from seawall.store.exclusions import Exclusions
from seawall.store.hits import Hits
from seawall.store.indicators import Indicators
from seawall.store.items import Items
from seawall.store.mail_peers import MailPeers
from seawall.store.mails import Mails
from seawall.store.misp import Misp
from seawall.store.notes import Notes
from seawall.store.notices import Notices
from seawall.store.objects import Objects
from seawall.store.outbox import Outbox
from seawall.store.overlap import Overlaps
from seawall.store.peers import Peers
from seawall.store.post import Post
from seawall.store.post_in import PostIn
from seawall.store.psi import Psi
from seawall.store.recalls import Recalls
from seawall.store.received import Received
from seawall.store.schema import migrate
from seawall.store.set_aside import SetAside
from seawall.store.sightings import Sightings
from seawall.store.statuses import Statuses
from seawall.store.sync import Sync
from seawall.store.tables import counters
from seawall.store.taking_back import TakingBack
from seawall.store.users import Users
from seawall.store.warnings import Warnings

FILE_NAME = "seawall.db"


class Store:
    """Knowledge, accounts and outboxes. Safe to use from several threads and several processes at once."""

    def __init__(self, database: Database) -> None:
        """Use ``Store.open``."""
        self._database = database
        self.objects = Objects(database)
        self.conflicts = Conflicts(database)
        self.descent = Descent(database)
        self.indicators = Indicators(database)
        self.sightings = Sightings(database)
        self.hits = Hits(database)
        self.warnings = Warnings(database)
        self.users = Users(database)
        self.approvals = Approvals(database)
        self.peers = Peers(database)
        self.mail_peers = MailPeers(database)
        self.mails = Mails(database)
        self.contacts = Contacts(database)
        self.circles = Circles(database)
        self.outbox = Outbox(database)
        self.overlaps = Overlaps(database)
        self.sync = Sync(database)
        self.notes = Notes(database)
        self.notices = Notices(database)
        self.post = Post(database)
        self.post_in = PostIn(database)
        self.misp = Misp(database)
        self.psi = Psi(database)
        self.received = Received(database)
        self.items = Items(database)
        self.recalls = Recalls(database)
        self.taking_back = TakingBack(database)
        self.set_aside = SetAside(database)
        self.commitments = Commitments(database)
        self.exclusions = Exclusions(database)
        self.budgets = Budgets(database)
        self.decoys = Decoys(database)
        self.aggregates = Aggregates(database)
        self.statuses = Statuses(database)

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
