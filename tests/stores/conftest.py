"""Leaves out what this system cannot import."""

import sys

collect_ignore = [] if sys.platform == "win32" else ["test_windows_registry.py"]
