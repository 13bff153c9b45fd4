"""deleted_members_of_a_group"""

from bursar.db.migrations import run_sql_beside

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    run_sql_beside(__file__)
