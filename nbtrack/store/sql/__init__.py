"""The aggregates over a SQL database; the SQL is written once, for SQLite and PostgreSQL."""
