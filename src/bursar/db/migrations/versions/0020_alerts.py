"""alerts"""

from bursar.db.migrations import run_sql_beside

revision = "0020"
down_revision = "0017"


def upgrade() -> None:
    run_sql_beside(__file__)
