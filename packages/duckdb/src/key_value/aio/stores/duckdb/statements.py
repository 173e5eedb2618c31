"""What is asked of a DuckDB table that has the columns of the 0.5 series.

Each statement is a transaction by itself: DuckDB 1.5.1 and those before it can lose the second change of a
row in the same transaction. Times are numbers on both ways: to fetch a TIMESTAMPTZ as a datetime needs pytz.
"""

TABLE = "kv_entries"
"""The table, in the text of the statements; `for_table` puts another in its place."""

# The primary key keeps rows apart, but DuckDB finds none by an index of two columns.
SCHEMA = """
CREATE TABLE IF NOT EXISTS kv_entries (
    collection VARCHAR NOT NULL,
    key VARCHAR NOT NULL,
    value JSON NOT NULL,
    created_at TIMESTAMPTZ,
    expires_at TIMESTAMPTZ,
    version INT NOT NULL,
    PRIMARY KEY (collection, key)
);
CREATE INDEX IF NOT EXISTS idx_kv_entries_key ON kv_entries (key);
"""

HAS_TABLE = """
SELECT 1 FROM duckdb_tables()
WHERE database_name = current_database() AND schema_name = current_schema() AND lower(table_name) = lower(?)
"""

# An index serves a comparison, but no subquery.
GET = """
SELECT collection, key, value, epoch_us(created_at), epoch_us(expires_at) FROM kv_entries
WHERE collection = ? AND key = ?
"""
GET_MANY = """
SELECT collection, key, value, epoch_us(created_at), epoch_us(expires_at) FROM kv_entries
WHERE (collection, key) IN (SELECT unnest($1::VARCHAR[]), unnest($2::VARCHAR[]))
"""

_INSERT = "INSERT INTO kv_entries (collection, key, value, created_at, expires_at, version)"
_UPDATE = """
ON CONFLICT (collection, key) DO UPDATE
SET value = excluded.value, created_at = excluded.created_at, expires_at = excluded.expires_at,
    version = excluded.version
"""
PUT = f"""
{_INSERT}
SELECT unnest($1::VARCHAR[]), unnest($2::VARCHAR[]), unnest($3::VARCHAR[])::JSON,
    make_timestamptz(unnest($4::BIGINT[])), make_timestamptz(unnest($5::BIGINT[])), 1
{_UPDATE}
"""
PUT_IF_ABSENT = f"""
{_INSERT}
VALUES (?, ?, ?::JSON, make_timestamptz(?), make_timestamptz(?), 1)
{_UPDATE}
WHERE kv_entries.expires_at <= make_timestamptz(?)
RETURNING key
"""

DELETE = """
DELETE FROM kv_entries
WHERE (collection, key) IN (SELECT unnest($1::VARCHAR[]), unnest($2::VARCHAR[]))
RETURNING collection, key, epoch_us(expires_at)
"""
DELETE_COLLECTION = "DELETE FROM kv_entries WHERE collection = ?"
DELETE_ALL = "DELETE FROM kv_entries"
CULL = "DELETE FROM kv_entries WHERE expires_at <= make_timestamptz(?)"

KEYS = """
SELECT key FROM kv_entries
WHERE collection = ? AND (expires_at IS NULL OR expires_at > make_timestamptz(?))
LIMIT ?
"""
COLLECTIONS = """
SELECT DISTINCT collection FROM kv_entries
WHERE expires_at IS NULL OR expires_at > make_timestamptz(?)
LIMIT ?
"""


def for_table(statement: str, table: str) -> str:
    """A statement for a table of any name, even that of a word of SQL."""
    return statement.replace(f"idx_{TABLE}_key", f'"idx_{table}_key"').replace(f" {TABLE}", f' "{table}"')
