"""Values shaped like those of applications, identical in every run."""

import random
from typing import Any

SIZES = {"100 B": 100, "2 KB": 2_000, "200 KB": 200_000}
VARIANTS = 8


def make_values(size: str) -> list[dict[str, Any]]:
    """Return several values of about one size as JSON: a session, or a list of records."""
    chance = random.Random(size)  # noqa: S311 -- the same values in every run are wanted
    if SIZES[size] <= 100:
        return [_session(chance) for _ in range(VARIANTS)]
    records = SIZES[size] // 194
    return [{"items": [_record(chance, number) for number in range(records)]} for _ in range(VARIANTS)]


def _session(chance: random.Random) -> dict[str, Any]:
    return {
        "name": chance.choice(["Alice", "Bob", "Zoë"]),
        "age": chance.randrange(100),
        "email": f"user{chance.randrange(1000)}@example.com",
        "tags": ["a", "b"],
        "score": round(chance.random(), 2),
        "active": True,
        "parent": None,
    }


def _record(chance: random.Random, number: int) -> dict[str, Any]:
    return {
        "id": number,
        "name": f"User {number}",
        "email": f"user{number}@example.com",
        "score": chance.random(),
        "active": number % 2 == 0,
        "tags": ["alpha", "beta", f"tag {chance.randrange(1000)}"],
        "address": {"city": chance.choice(["Zürich", "Paris", "London"]), "zip": str(10_000 + number)},
        "parent": None,
    }
