"""What is asked of a chDB table that has the columns of the 0.5 series, and how to say it.

The table keeps the versions of a row until it merges them: FINAL sees the newest alone.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Sequence

from key_value.aio.stores.base.table import Place

SCHEMA = """
CREATE TABLE IF NOT EXISTS {table} (
    collection String,
    key String,
    value String,
    created_at String,
    expires_at String,
    version Int32,
    inserted_at DateTime64(9, 'UTC') DEFAULT now64(9)
) ENGINE = ReplacingMergeTree(inserted_at) ORDER BY (collection, key)
"""
EXISTS = "EXISTS TABLE {table}"
NEWEST = "SELECT toUnixTimestamp64Nano(max(inserted_at)) FROM {table}"

GET = """
SELECT collection, key, value, created_at, expires_at FROM {table} FINAL
PREWHERE (collection, key) IN ({places})
SETTINGS max_threads = 1
"""
# One thread makes one part of the table, and that is there whole or not at all.
PUT = """
INSERT INTO {table} (collection, key, value, created_at, expires_at, version, inserted_at)
SETTINGS input_format_parallel_parsing = 0, max_insert_threads = 1
FORMAT JSONCompactEachRow {rows}
"""
LIVING = """
SELECT collection, key FROM {table} FINAL
PREWHERE (collection, key) IN ({places}) WHERE expires_at = '' OR expires_at > {now}
"""
DELETE = "DELETE FROM {table} WHERE (collection, key) IN ({places})"
# Texts of times that differ in length are in order too, as + is before the point of a fraction.
CULL = """
DELETE FROM {table} WHERE (collection, key) IN (
    SELECT collection, key FROM {table} FINAL WHERE expires_at != '' AND expires_at <= {now}
)
"""
KEYS = """
SELECT key FROM {table} FINAL
PREWHERE collection = {collection} WHERE expires_at = '' OR expires_at > {now} {limit}
"""
COLLECTIONS = """
SELECT DISTINCT collection FROM {table} FINAL WHERE expires_at = '' OR expires_at > {now} {limit}
"""
COUNT = "SELECT count() FROM {table} WHERE collection = {collection}"
DELETE_COLLECTION = "DELETE FROM {table} WHERE collection = {collection}"
DELETE_ALL = "TRUNCATE TABLE {table}"

CHARACTERS_AT_A_TIME = 100_000
"""ClickHouse reads 262144 bytes of a statement, not counting inserted data, where nobody has changed
`max_query_size`: https://clickhouse.com/docs/operations/settings/settings#max_query_size"""

_PART = re.compile(r"\{(\w+)\}")
_UNSAFE = {"\\": "\\\\", "'": "\\'", "\0": "\\0"}
_ESCAPES = str.maketrans(_UNSAFE)


def complete(statement: str, **parts: str) -> str:
    """A statement with its parts put in."""
    return _PART.sub(lambda found: parts[found[1]], statement)


def literal(text: str) -> str:
    """Text as SQL writes it."""
    return f"'{text.translate(_ESCAPES)}'"


def limited(limit: int | None) -> str:
    """The clause for a limit; nothing where there is none."""
    return "" if limit is None else f"LIMIT {limit}"


def place_lists(places: Collection[Place]) -> Iterator[str]:
    """Places as lists in SQL, each of which fits a statement."""
    some: list[str] = []
    size = 0
    for place in places:
        some.append(f"({literal(place[0])}, {literal(place[1])})")
        size += len(some[-1])
        if size > CHARACTERS_AT_A_TIME:
            yield ", ".join(some)
            some, size = [], 0
    if some:
        yield ", ".join(some)


def lines(rows: Iterable[Sequence[str | int]]) -> str:
    """Rows in the format JSONCompactEachRow."""
    return "\n".join(map(json.dumps, rows))
