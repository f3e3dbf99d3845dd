"""What Alembic runs to reach the database: the connection of the start, inside its transaction."""

from alembic import context

from miss_server import tables as tables  # enters every table
from miss_server.metadata import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, transactional_ddl=False)
context.run_migrations()
