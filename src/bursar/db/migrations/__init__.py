"""The numbered steps from an empty database to the schema of this version. Forward only; `migrate.py` applies them.

A step is `versions/NNNN_subject.py`, which names its predecessor and runs `NNNN_subject.sql` beside it. A step that
was released is never changed. `schema/*.sql` changes in the same commit, and a test holds both against each other."""

from pathlib import Path

import psycopg
from alembic import op


def run_sql_beside(step_file: str) -> None:
    """Runs the SQL file of the same name as the step, as it is written: no parameters, any number of statements."""
    connection = op.get_bind().connection.driver_connection
    if not isinstance(connection, psycopg.Connection):
        raise TypeError(f"Migrations are run by psycopg, not by {type(connection)}.")
    connection.execute(Path(step_file).with_suffix(".sql").read_bytes())
