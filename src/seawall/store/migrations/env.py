"""Run by Alembic: uses the open transaction that ``schema.migrate`` hands over."""

from __future__ import annotations

from alembic import context

from seawall.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True)
context.run_migrations()
