"""Alembic's entry point: runs in the transaction that ``migrating`` hands over.

Migrations go one way. To go back, restore a backup: readings and legal records are never
thrown away by a schema.
"""

from alembic import context

from greenwater.storage.registry.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    compare_type=True,
)
context.run_migrations()
