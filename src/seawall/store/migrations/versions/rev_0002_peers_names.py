"""Find an entry by the id under which a peer speaks of its value, also where the entry carries another id."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

FROM_PEERS = sa.text("origin IS NOT NULL")


def upgrade() -> None:
    """Add the index; it holds peers' words only, so that imports stay as fast as they were."""
    op.create_index(
        "indicator_sources_by_name",
        "indicator_sources",
        ["external_id"],
        sqlite_where=FROM_PEERS,
        postgresql_where=FROM_PEERS,
    )


def downgrade() -> None:
    """A store is never taken back: restore the backup made before the upgrade."""
    raise RuntimeError("restore a backup instead")
