"""The Redis store: `RedisStore`."""

from key_value.aio.stores.redis.store import RedisStore

__all__ = ["RedisStore"]
