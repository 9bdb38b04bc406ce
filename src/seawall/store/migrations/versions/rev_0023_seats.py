"""Keep which orders a point's caps hold back, and which order goes before which."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing is held back yet; what people and we ourselves put in force goes first."""
    op.add_column("orders", sa.Column("held", sa.Text, nullable=False, server_default="{}"))
    op.add_column("orders", sa.Column("rank", sa.Integer, nullable=False, server_default="0"))
    orders = sa.table("orders", sa.column("origin"), sa.column("lane"), sa.column("state"), sa.column("rank"))
    by_person = (orders.c.lane == "person") & (orders.c.state == "active")
    acting = orders.c.state.in_(("active", "canary"))
    op.execute(
        orders.update().values(rank=sa.case((by_person, 3), (orders.c.origin.is_(None), 2), (acting, 1), else_=0))
    )
    some = sa.text("held <> '{}'")
    op.create_index("orders_held", "orders", ["sequence"], sqlite_where=some, postgresql_where=some)


def downgrade() -> None:
    """A store is never taken back: restore the backup made before the upgrade."""
    raise RuntimeError("restore a backup instead")
