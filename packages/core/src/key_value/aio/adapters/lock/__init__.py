"""`KeyValueLock`: a lock with one holder among all processes that share a store."""

from key_value.aio.adapters.lock.lock import KeyValueLock, LockLostError

__all__ = ["KeyValueLock", "LockLostError"]
