"""The tables of sealed messages; see ``tables``."""

from __future__ import annotations

import sqlalchemy as sa

from seawall.store.tables import metadata

post_outgoing = sa.Table(  # ours, by their number to one peer
    "post_outgoing",
    metadata,
    sa.Column("peer", sa.Text, primary_key=True),
    sa.Column("sequence", sa.BigInteger, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("expires", sa.BigInteger, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),  # of what is said, however it is sealed
    sa.Column("size", sa.BigInteger, nullable=False),  # bytes of the body
    sa.Column("body", sa.LargeBinary),  # while it waits: it is sealed anew when keys change
    sa.Column("sealed", sa.LargeBinary),  # while it waits
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("puts", sa.BigInteger, nullable=False),  # how often it was laid into the relay's mailbox
    sa.Column("put_at", sa.BigInteger),  # when last; None: lay it there next time
    sa.Column("turn", sa.BigInteger, nullable=False),  # the visit to the relay during which that was
    sa.Column("reason", sa.Text),
    sa.Column("settled_at", sa.BigInteger),
    sa.Index("post_outgoing_by_state", "peer", "state", "sequence"),
)

post_incoming = sa.Table(  # a peer's, by their number to us
    "post_incoming",
    metadata,
    sa.Column("peer", sa.Text, primary_key=True),
    sa.Column("sequence", sa.BigInteger, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("expires", sa.BigInteger, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("body", sa.LargeBinary),  # of one that came too early, until its turn
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("settled_at", sa.BigInteger),
    sa.Index("post_incoming_by_state", "peer", "state", "sequence"),
)
