"""Remove expired entries in the background: `async with expire_every(store, 3600): ...`."""

from key_value.aio.expiry.expire_every import expire_every

__all__ = ["expire_every"]
