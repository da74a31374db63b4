"""What Alembic runs to migrate: the connection handed over by `migrate`, inside its transaction."""

from __future__ import annotations

from alembic import context

from mdm.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
