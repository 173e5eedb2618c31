"""Leaves out what this system cannot import."""

import sys

collect_ignore = ["test_chdb.py"] if sys.platform == "win32" else []
