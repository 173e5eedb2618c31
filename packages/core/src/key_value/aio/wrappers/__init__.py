"""Wrappers: what adds a behaviour to any store, and is itself one."""
