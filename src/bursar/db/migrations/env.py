"""What Alembic runs before the steps. The connection comes from `migrate.py`, locked and with its timeouts set."""

from alembic import context

attributes = context.config.attributes
context.configure(
    connection=attributes["connection"],
    version_table=attributes["version_table"],
    version_table_schema=attributes["version_table_schema"],
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
