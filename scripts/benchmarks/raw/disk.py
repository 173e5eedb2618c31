"""One SQLite table, like a diskcache directory."""

from scripts.benchmarks.raw.sqlite import Raw

__all__ = ["Raw"]
