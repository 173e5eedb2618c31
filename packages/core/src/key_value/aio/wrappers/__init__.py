"""Wrappers: stores that add a behaviour to any other store."""
