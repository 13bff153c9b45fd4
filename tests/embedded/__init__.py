"""The embedded PostgreSQL: real servers, real kills, no process left behind."""
