"""The SQL of a SQLite store."""

TABLE = "kv_entries"
"""The table; the statements below name it."""

EXISTS = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'kv_entries'"

SCHEMA = """
CREATE TABLE IF NOT EXISTS kv_entries (
    collection TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    created_at REAL,
    expires_at REAL,
    PRIMARY KEY (collection, key)
);
CREATE INDEX IF NOT EXISTS kv_entries_expires_at ON kv_entries (expires_at) WHERE expires_at IS NOT NULL;
"""

PUT = """
INSERT INTO kv_entries (collection, key, value, created_at, expires_at) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (collection, key) DO UPDATE
SET value = excluded.value, created_at = excluded.created_at, expires_at = excluded.expires_at
"""
PUT_IF_ABSENT = PUT + "WHERE kv_entries.expires_at <= ?"
GET = "SELECT value, created_at, expires_at FROM kv_entries WHERE collection = ? AND key = ?"
GET_MANY = "SELECT key, value, created_at, expires_at FROM kv_entries WHERE collection = ? AND key IN"
DELETE = "DELETE FROM kv_entries WHERE collection = ? AND key = ? AND (expires_at IS NULL OR expires_at > ?)"
KEYS = "SELECT key FROM kv_entries WHERE collection = ? AND (expires_at IS NULL OR expires_at > ?) LIMIT ?"
# Steps from each collection to the next along the primary key, instead of reading every row as DISTINCT does.
COLLECTIONS = """
WITH RECURSIVE names (name) AS (
    SELECT min(collection) FROM kv_entries
    UNION ALL
    SELECT (SELECT min(collection) FROM kv_entries WHERE collection > name) FROM names WHERE name IS NOT NULL
)
SELECT name FROM names
WHERE name IS NOT NULL AND EXISTS (
    SELECT 1 FROM kv_entries WHERE collection = name AND (expires_at IS NULL OR expires_at > ?)
)
LIMIT ?
"""
DELETE_COLLECTION = "DELETE FROM kv_entries WHERE collection = ?"
DELETE_ALL = "DELETE FROM kv_entries"
CULL = "DELETE FROM kv_entries WHERE rowid IN (SELECT rowid FROM kv_entries WHERE expires_at <= ? LIMIT ?)"
