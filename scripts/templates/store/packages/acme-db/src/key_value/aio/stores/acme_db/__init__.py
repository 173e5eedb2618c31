"""A store in AcmeDB."""

from key_value.aio.stores.acme_db.store import AcmeDBStore

__all__ = ["AcmeDBStore"]
