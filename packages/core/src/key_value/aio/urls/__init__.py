"""Open any store by its URL: `open_store("sqlite:///app.db")`."""

from key_value.aio.urls.opening import open_store

__all__ = ["open_store"]
