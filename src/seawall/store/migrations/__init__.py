"""Alembic revisions of the store's schema. ``schema.migrate`` runs them; nobody else does."""
