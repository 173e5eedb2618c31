"""A table of SQLite, which is what a directory of diskcache is."""

from scripts.benchmarks.raw.sqlite import Raw

__all__ = ["Raw"]
