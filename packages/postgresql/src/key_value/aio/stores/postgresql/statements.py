"""The SQL statements for one table."""

import re
from typing import NamedTuple

from key_value.aio.errors import KeyValueStoreError

INSPECT = """
SELECT
    coalesce(n.nspname, $2, current_schema()),
    c.oid IS NOT NULL,
    (SELECT coalesce(json_object_agg(attname, format_type(atttypid, NULL)), '{}') FROM pg_attribute
        WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped)::text,
    EXISTS (SELECT FROM pg_index WHERE indrelid = c.oid AND indisunique AND indisvalid
        AND indpred IS NULL AND indexprs IS NULL AND indnkeyatts = 2
        AND 2 = (SELECT count(*) FROM pg_attribute WHERE attrelid = c.oid AND attnum = ANY(indkey[0:1])
            AND attname IN ('collection', 'key'))),
    EXISTS (SELECT FROM pg_attribute a JOIN pg_collation l ON l.oid = a.attcollation WHERE a.attrelid = c.oid
        AND a.attname IN ('collection', 'key') AND NOT l.collisdeterministic)
FROM (SELECT to_regclass($1)) AS named (oid)
LEFT JOIN pg_class c ON c.oid = named.oid LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
"""
"""Finds a table by name: its schema, whether it exists, its columns, and properties of its key."""

COLUMNS = {
    "collection": {"text", "character varying"},
    "key": {"text", "character varying"},
    "value": {"json", "jsonb", "text"},
    "ttl": {"double precision"},
    "created_at": {"timestamp with time zone"},
    "expires_at": {"timestamp with time zone"},
}
"""The columns of a table, and the types allowed for each."""


def quoted(name: str) -> str:
    """Return a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def check_table(name: str, types: dict[str, str], *, has_key: bool, is_ambiguous: bool) -> None:
    """Reject a table that the store could not use, or in which it would lose entries.

    Args:
        name: Table name.
        types: Types of the columns.
        has_key: Whether the table has at most one row for each collection and key.
        is_ambiguous: Whether the table treats different keys as equal.

    Raises:
        KeyValueStoreError: The table was not created for a store.
    """
    wrong = [column for column, possible in COLUMNS.items() if types.get(column) not in possible]
    if wrong:
        raise KeyValueStoreError(
            message=f"Table '{name}' does not belong to a store: "
            f"column {wrong[0]!r} is missing or has another type"
        )
    if not has_key:
        raise KeyValueStoreError(
            message=f"Table '{name}' does not belong to a store: its primary key must be (collection, key)"
        )
    if is_ambiguous:
        raise KeyValueStoreError(
            message=f"Table '{name}' treats different keys as equal: its collation is not deterministic"
        )


def index_of(table: str) -> str:
    """Return the name of the index of a table, truncated to 63 bytes as PostgreSQL does."""
    return f"idx_{table}_expires_at".encode()[:63].decode(errors="ignore")


# Writes of the same transaction share their xmin.
_VERSION = "t.xmin::text || t.ctid::text"

_ROW = f"""collection, key, value::text, extract(epoch from created_at)::float8,
extract(epoch from expires_at)::float8, {_VERSION}"""

_LISTED = f"""t.collection, t.key, '', NULL, extract(epoch from t.expires_at)::float8, {_VERSION},
{{names.kept}}"""

_INSERT = "INSERT INTO {table} AS t (collection, key, value, created_at, expires_at, ttl{names.column})"

_ON_CONFLICT = """ON CONFLICT (collection, key) DO UPDATE SET value = excluded.value,
created_at = excluded.created_at, expires_at = excluded.expires_at, ttl = excluded.ttl{names.replaced}"""

_PUT = f"""{_INSERT}
VALUES ($1, $2, $3::text::json, to_timestamp($4::float8), to_timestamp($5::float8),
$5 - $4{{names.parameter}})
{_ON_CONFLICT}"""

# In this form the planner follows the order of the primary key even before the table is analyzed.
_PAGE = f"""SELECT {_LISTED} FROM {{table}} AS t
WHERE (collection, key) > ($1, $2) ORDER BY collection, key LIMIT $3"""

STATEMENTS = {
    "create": """
SELECT pg_advisory_xact_lock(hashtext('py-key-value-aio'));
CREATE TABLE IF NOT EXISTS {table} (collection TEXT NOT NULL, key TEXT NOT NULL, value JSON NOT NULL,
ttl DOUBLE PRECISION, created_at TIMESTAMPTZ, expires_at TIMESTAMPTZ, names TEXT,
PRIMARY KEY (collection, key));
CREATE INDEX IF NOT EXISTS {index} ON {table} (expires_at) WHERE expires_at IS NOT NULL""",
    "get": f"SELECT {_ROW} FROM {{table}} AS t WHERE collection = $1 AND key = $2",
    # OFFSET 0 keeps the planner from scanning a small table instead of using the index.
    "get_many": f"""
SELECT {_ROW} FROM unnest($1::text[], $2::text[]) AS a (c, k) CROSS JOIN LATERAL (
    SELECT *, xmin, ctid FROM {{table}} WHERE collection = c AND key = k OFFSET 0
) AS t""",
    "put": _PUT,
    "put_many": f"""{_INSERT}
SELECT $1, k, v::json, to_timestamp($2::float8), to_timestamp($3::float8), $3 - $2{{names.element}}
FROM unnest($4::text[], $5::text[]{{names.array}}) AS r (k, v{{names.element}}) {_ON_CONFLICT}""",
    "put_if_absent": f"{_PUT} WHERE t.expires_at <= to_timestamp($4) RETURNING {_VERSION}",
    "put_if_version": f"""
UPDATE {{table}} AS t SET value = $3::text::json, created_at = to_timestamp($4::float8),
expires_at = to_timestamp($5::float8), ttl = $5 - $4
WHERE collection = $1 AND key = $2 AND {_VERSION} = $6 RETURNING {_VERSION}""",
    "touch": """
UPDATE {table} SET expires_at = to_timestamp($3::float8), ttl = $3 - $4
WHERE collection = $1 AND key = $2 AND (expires_at > to_timestamp($4::float8)) IS NOT FALSE RETURNING 1""",
    "delete": """
DELETE FROM {table} WHERE collection = $1 AND key = $2
RETURNING (expires_at > to_timestamp($3)) IS NOT FALSE""",
    "delete_many": """
WITH gone AS (DELETE FROM {table} WHERE collection = $1 AND key = ANY($2::text[]) RETURNING expires_at)
SELECT count(*) FROM gone WHERE (expires_at > to_timestamp($3)) IS NOT FALSE""",
    "delete_if_version": f"""
DELETE FROM {{table}} AS t WHERE collection = $1 AND key = $2 AND {_VERSION} = $3 RETURNING 1""",
    "take": f"DELETE FROM {{table}} AS t WHERE collection = $1 AND key = $2 RETURNING {_ROW}",
    "page": _PAGE,
    "first_page": _PAGE.replace(">", ">="),
    # Jumps from each collection to the next along the primary key; DISTINCT would read all rows.
    "collections": f"""
WITH RECURSIVE steps (name) AS (
    (SELECT collection FROM {{table}} ORDER BY collection LIMIT 1)
    UNION ALL
    SELECT (SELECT collection FROM {{table}} WHERE collection > name ORDER BY collection LIMIT 1)
    FROM steps WHERE name IS NOT NULL
)
SELECT {_LISTED} FROM steps CROSS JOIN LATERAL (
    SELECT *, xmin, ctid FROM {{table}}
    WHERE collection = name AND (expires_at > to_timestamp($1)) IS NOT FALSE
    ORDER BY collection, key LIMIT 1
) AS t LIMIT $2""",
    "clear": "WITH gone AS (DELETE FROM {table} RETURNING 1) SELECT count(*) FROM gone",
    "clear_collection": """
WITH gone AS (DELETE FROM {table} WHERE collection = $1 RETURNING 1) SELECT count(*) FROM gone""",
    # Rows locked by another process are being renewed, or removed by its own cull.
    "cull": """
WITH gone AS (DELETE FROM {table} WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM {table} WHERE expires_at <= to_timestamp($1) ORDER BY expires_at LIMIT $2
    FOR UPDATE SKIP LOCKED
)) RETURNING 1) SELECT count(*) FROM gone""",
}
"""The statements on a table. A row without an expiry time has not expired: NULL is not false."""


class _Names(NamedTuple):
    """Fragments of the statements that mention the column `names`."""

    kept: str = "t.names"
    column: str = ", names"
    parameter: str = ", $6"
    array: str = ", $6::text[]"
    element: str = ", n"
    replaced: str = ", names = excluded.names"


_WITHOUT_NAMES = _Names("''", *[""] * 5)


def statements_of(schema: str, name: str, *, has_names: bool) -> dict[str, str]:
    """Return the statements on a table, qualified by schema: a pooled session may have another search path.

    Args:
        schema: Schema of the table.
        name: Table name.
        has_names: Whether the table has the column `names`, which is missing in the 0.5 series.
    """
    table = f"{quoted(schema)}.{quoted(name)}"
    names = _Names() if has_names else _WITHOUT_NAMES
    return {
        statement: sql.format(table=table, index=quoted(index_of(name)), names=names)
        for statement, sql in STATEMENTS.items()
    }


_NUMBERS = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?e\+\d+')


def without_exponents(text: str) -> str:
    """Return JSON text in which large floats have a decimal point, since jsonb would make them integers."""
    if "e+" not in text:
        return text
    return _NUMBERS.sub(lambda found: _positional(found[0]), text)


def _positional(token: str) -> str:
    return token if token.startswith('"') else f"{int(float(token))}.0"
