"""How Bursar reaches PostgreSQL: the embedded server, the schema, connections, transactions."""
