"""Mark outbox rows whose object has no other row in the circle: reading them needs no look for a newer one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; of rows that are there already nobody knows, so they are looked at as before."""
    op.add_column("outbox", sa.Column("in_company", sa.Boolean, nullable=False, server_default=sa.true()))


def downgrade() -> None:
    """A store is never taken back: restore the backup made before the upgrade."""
    raise RuntimeError("restore a backup instead")
